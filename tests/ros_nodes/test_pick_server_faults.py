"""Faults about the pick server: each ends a goal with its reason and the arm stopped, and the next goal works."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from control_msgs.action import FollowJointTrajectory
from moveit_msgs.msg import MoveItErrorCodes
from rosgraph_msgs.msg import Clock

from envs.arms import PANDA
from ros_nodes.messages.joints import trajectory_message
from ros_nodes.messages.stamps import stamp_of
from tests.ros_nodes.fake_arm import DROP_Q, NAMES, FakeArm
from tests.ros_nodes.fake_planner import AT, grasp
from tests.ros_nodes.pick_stage import Stage

INVALID_JOINTS = FollowJointTrajectory.Result.INVALID_JOINTS
CONTACT = FollowJointTrajectory.Result.PATH_TOLERANCE_VIOLATED
CODES = MoveItErrorCodes
OK = GoalStatus.STATUS_SUCCEEDED
SLOW = pytest.mark.slow


@pytest.fixture
def stage(ros):
    return Stage(ros)


def works(stage: Stage) -> bool:
    """The next goal goes through."""
    return stage.pick(grasp())[0] == OK


@pytest.mark.parametrize("number", [pytest.param(0, marks=SLOW), 1, 2])
def test_a_cancel_in_mid_motion_stops_the_arm(stage: Stage, number: int) -> None:
    """Way to the pregrasp, approach, lift."""
    stage.arm.pauses[number] = threading.Event()
    run = stage.send(grasp())
    assert stage.ros.wait_until(lambda: len(stage.arm.goals) == number + 1, 10.0)
    run.cancel()
    status, result = run.result(10.0)
    assert (status, result.error_code.val) == (GoalStatus.STATUS_CANCELED, CODES.PREEMPTED)
    assert "canceled by the client; the arm controller has confirmed the stop" in result.error_code.message
    assert stage.arm.canceled == 1 and len(stage.arm.goals) == number + 1
    assert stage.arm.grips[-1] == (0.0 if number == 2 else 0.04), "the gripper stays as it is"
    if number == 2:
        success, message = stage.trigger("place")
        assert (success, message) == (True, "placed"), "what a canceled lift holds can be placed"
    assert works(stage)


@SLOW
def test_a_cancel_while_the_fingers_close(stage: Stage) -> None:
    stage.arm.pauses[1] = threading.Event()
    run = stage.send(grasp())
    assert stage.ros.wait_until(lambda: len(stage.arm.goals) == 2, 10.0)
    stage.arm.gripper_hangs = True
    stage.arm.pauses[1].set()
    assert stage.ros.wait_until(lambda: stage.arm.grips[-1] == 0.0, 10.0)
    run.cancel()
    status, result = run.result(10.0)
    assert status == GoalStatus.STATUS_CANCELED and "the gripper has confirmed the stop" in result.error_code.message
    assert len(stage.arm.goals) == 2
    stage.arm.gripper_hangs = False
    assert works(stage)


def test_a_cancel_while_the_planner_thinks(stage: Stage) -> None:
    stage.planner.delay_s = 1.0
    run = stage.send()
    assert stage.ros.wait_until(lambda: stage.planner.asked)
    run.cancel()
    began_s = time.monotonic()
    assert run.result(5.0)[0] == GoalStatus.STATUS_CANCELED and time.monotonic() - began_s < 0.9
    assert not stage.arm.goals


@SLOW
def test_a_stop_that_is_not_confirmed_is_said(stage: Stage) -> None:
    stage.arm.pauses[0] = threading.Event()
    stage.arm.ignores_cancel = True
    run = stage.send(grasp())
    assert stage.ros.wait_until(lambda: stage.arm.goals)
    run.cancel()
    _, result = run.result(10.0)
    assert "HAS NOT CONFIRMED THE STOP" in result.error_code.message
    stage.arm.pauses[0].set()


def reject(arm) -> None:
    arm.rejects = True


def stall(arm) -> None:
    arm.stalls = True


def fail(arm) -> None:
    arm.touches = {0: (0.5, INVALID_JOINTS)}


def hang(arm) -> None:
    arm.gripper_hangs = True


def gripper_fails(arm) -> None:
    arm.gripper_fails = True


def falls_silent(arm) -> None:
    arm.speaks = False


def slowly(*values):
    return pytest.param(*values, marks=SLOW)


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        (reject, CODES.CONTROL_FAILED, "the arm controller rejects the goal"),
        (stall, CODES.CONTROL_FAILED, "the arm controller stalls: no joint has moved for"),
        slowly(fail, CODES.CONTROL_FAILED, "the arm controller failed (INVALID_JOINTS: as told)"),
        slowly(hang, CODES.TIMED_OUT, "the gripper has not finished within 0.5 s; the gripper has confirmed the stop"),
        slowly(gripper_fails, CODES.CONTROL_FAILED, "the gripper failed"),
        (falls_silent, CODES.ROBOT_STATE_STALE, "the last joint states are"),
    ],
)
def test_each_fault_of_the_robot_has_its_words_and_passes(ros, fault, code, said) -> None:
    stage = Stage(ros, stall_s=0.5, gripper_timeout_s=0.5, joint_states_timeout_s=0.5, attempts=1)
    assert works(stage) and stage.trigger("place")[0]
    stage.arm.goals.clear()
    fault(stage.arm)
    status, got, message, _ = stage.pick(grasp())
    assert (status, got) == (GoalStatus.STATUS_ABORTED, code) and said in message
    states = stage.diagnostics()
    assert ros.wait_until(lambda: said in states.get("pick_server: task", ("", ""))[1], 3.0)
    assert states["pick_server: task"][0] == "error"
    for name in ("rejects", "stalls", "gripper_hangs", "gripper_fails"):
        setattr(stage.arm, name, False)
    stage.arm.speaks, stage.arm.touches = True, {}
    stage.ros.wait_until(lambda: False, 0.3)
    assert works(stage)


@SLOW
def test_a_controller_that_goes_away_in_mid_motion(ros) -> None:
    stage = Stage(ros, joint_states_timeout_s=30.0, stall_s=30.0)
    stage.arm.pauses[0] = threading.Event()
    run = stage.send(grasp())
    assert ros.wait_until(lambda: stage.arm.goals)
    ros.stop(stage.arm)
    _, result = run.result(15.0)
    assert result.error_code.val in (CODES.COMMUNICATION_FAILURE, CODES.CONTROL_FAILED)
    assert "gone in mid-motion" in result.error_code.message or "failed" in result.error_code.message
    assert "nobody knows whether the arm rests" in result.error_code.message
    stage.arm = ros.start(FakeArm)
    assert works(stage), "the driver is back"


@SLOW
def test_no_planner_no_grasps_late_grasps_and_old_images(ros) -> None:
    stage = Stage(ros, planner_timeout_s=1.5)
    stage.planner.poses, stage.planner.message = [], "the depth image is empty"
    assert stage.pick()[1:3] == (CODES.PLANNING_FAILED, "no grasp was found: the depth image is empty")
    stage.planner.code = CODES.SENSOR_INFO_STALE
    assert stage.pick()[1] == CODES.SENSOR_INFO_STALE
    stage.planner.poses, stage.planner.code, stage.planner.late_s = [AT], CODES.SUCCESS, 5.0
    status, code, message, _ = stage.pick()
    assert code == CODES.SENSOR_INFO_STALE and "before the arm stood ready" in message
    stage.planner.late_s, stage.planner.delay_s = 0.0, 2.0
    assert stage.pick()[1:3] == (CODES.TIMED_OUT, "the grasp planner has not answered within 1.5 s")
    stage.planner.delay_s = 0.0
    ros.stop(stage.planner)
    status, code, message, _ = stage.pick()
    assert code == CODES.COMMUNICATION_FAILURE and message == "there is no grasp planner: no service /plan_grasps"
    assert not stage.arm.goals


def test_grasps_in_a_frame_that_nobody_knows(stage: Stage) -> None:
    status, code, message, _ = stage.pick(grasp(frame="camera_nowhere"))
    assert code == CODES.FRAME_TRANSFORM_FAILURE and "camera_nowhere" in message
    broken = grasp()
    broken.grasp_pose.pose.orientation.w = 0.0
    broken.grasp_pose.pose.orientation.x = 0.0
    assert stage.pick(broken)[1] == CODES.INVALID_GOAL_CONSTRAINTS
    assert works(stage)


def test_a_base_that_tf_does_not_know(ros) -> None:
    stage = Stage(ros, base_frame="panda_link77")
    status, code, message, _ = stage.pick(grasp())
    assert code == CODES.FRAME_TRANSFORM_FAILURE and "panda_link77" in message and not stage.arm.goals


def test_tf_and_joint_states_that_mean_different_arms(stage: Stage) -> None:
    stage.arm.hand_off_m = 0.03
    status, code, message, _ = stage.pick(grasp())
    assert code == CODES.FRAME_TRANSFORM_FAILURE and "put panda_hand 3.0 cm apart" in message and not stage.arm.goals
    stage.arm.hand_off_m = 0.0
    assert works(stage)


@SLOW
def test_a_stop_of_the_safety_node_is_no_contact(stage: Stage) -> None:
    """It has the same code, near the grasp; the fingers must not close."""
    stage.arm.touches, stage.arm.words = {1: (0.8, CONTACT)}, "safety: stopped: ~/stop"
    status, code, message, _ = stage.pick(grasp())
    assert code == CODES.CONTROL_FAILED and "safety: stopped: ~/stop" in message
    assert stage.arm.grips == [0.04]


@SLOW
def test_silence_in_mid_motion_stops_the_arm(ros) -> None:
    stage = Stage(ros, joint_states_timeout_s=0.5)
    stage.arm.pauses[0] = threading.Event()
    run = stage.send(grasp())
    assert ros.wait_until(lambda: stage.arm.goals)
    stage.arm.speaks = False
    _, result = run.result(10.0)
    assert result.error_code.val == CODES.ROBOT_STATE_STALE and "has confirmed the stop" in result.error_code.message
    assert stage.arm.canceled == 1
    stage.arm.speaks = True
    assert works(stage)


def test_an_arm_that_moves_by_itself_is_left_alone_until_it_rests(ros) -> None:
    """As after a crash of this node in mid-motion."""
    stage = Stage(ros, rest_timeout_s=0.5)
    stage.arm.drift_rad_s = 0.1
    states = stage.diagnostics()
    assert ros.wait_until(lambda: "not by our command" in states.get("pick_server: joint states", ("", ""))[1], 3.0)
    status, code, message, _ = stage.pick(grasp())
    assert code == CODES.CONTROL_FAILED and "not by our command" in message and not stage.arm.goals
    stage.arm.drift_rad_s = 0.0
    stage.ros.wait_until(lambda: False, 0.3)
    assert works(stage)


def test_after_a_restart_a_half_closed_hand_may_hold_something(ros) -> None:
    stage = Stage(ros, start=False)
    stage.arm.finger_m, stage.arm.q = 0.015, np.array(PANDA.home_q)
    stage.start()
    states = stage.diagnostics()
    assert ros.wait_until(lambda: states.get("pick_server: hand") == ("warn", "may hold something (30 mm)"), 3.0)
    status, code, message, _ = stage.pick(grasp())
    assert code == CODES.INVALID_ROBOT_STATE and "may hold something (30 mm)" in message
    assert stage.trigger("place") == (True, "placed")
    np.testing.assert_allclose(stage.arm.q, DROP_Q, atol=1e-6)
    assert works(stage)


@SLOW
def test_a_goal_that_is_accepted_too_late_is_canceled(ros) -> None:
    """The controller's answer takes longer than the server waits: what it then begins is stopped at once."""
    stage = Stage(ros, server_timeout_s=0.3)
    stage.arm.slow_answer_s = 1.0
    stage.arm.pauses[0] = threading.Event()
    status, code, message, _ = stage.pick(grasp())
    assert code == CODES.COMMUNICATION_FAILURE and "has not answered for 0.3 s" in message
    assert ros.wait_until(lambda: stage.arm.canceled == 1, 5.0)


def test_moveit_is_refused_where_it_is_not_there(ros) -> None:
    stage = Stage(ros, motion="moveit", server_timeout_s=0.3)
    status, code, message, _ = stage.pick(grasp())
    assert code == CODES.COMMUNICATION_FAILURE and message.startswith("there is no move_group of MoveIt")
    assert not stage.arm.goals


@SLOW
def test_a_node_that_ends_in_mid_motion_stops_the_arm_and_its_successor_goes_on(ros) -> None:
    stage = Stage(ros)
    stage.arm.pauses[0] = threading.Event()
    run = stage.send(grasp())
    assert ros.wait_until(lambda: stage.arm.goals)
    stage.server.wind_down()
    assert stage.arm.canceled == 1
    status, result = run.result(5.0)
    assert status == GoalStatus.STATUS_ABORTED and "shuts down" in result.error_code.message
    assert not stage.send(grasp()).accepted
    ros.stop(stage.server)
    stage.start()
    assert works(stage)


@SLOW
def test_a_node_that_dies_in_mid_motion_finds_the_arm_moving(ros) -> None:
    """Nothing is said to the controller, as after SIGKILL: the successor waits until the arm rests."""
    stage = Stage(ros, rest_timeout_s=0.4)
    stage.arm.haste = 0.5
    goal = FollowJointTrajectory.Goal()
    q = np.array(PANDA.home_q)
    goal.trajectory = trajectory_message([0.0, 1.0], [DROP_Q, q], None, NAMES)
    moving = ros.send_goal(FollowJointTrajectory, "arm/follow_joint_trajectory", goal)
    status, code, message, _ = stage.pick(grasp())
    assert code == CODES.CONTROL_FAILED and "not by our command" in message and len(stage.arm.goals) == 1
    assert moving.result(10.0)[0] == OK
    stage.arm.haste = 25.0
    assert works(stage)


@SLOW
def test_a_clock_that_jumps_in_mid_motion(ros) -> None:
    """An hour ahead and two back: nothing times out, and the pick goes on."""
    stage = Stage(ros, start=False)
    ticker = Ticker(ros)
    stage.arm.pauses[0] = threading.Event()
    stage.start(use_sim_time=True)
    assert ros.wait_until(lambda: stage.server.get_clock().now().nanoseconds > 0)
    run = stage.send(grasp())
    assert ros.wait_until(lambda: stage.arm.goals)
    for jump_s in (3600.0, -7200.0):
        ticker.now_s += jump_s
        ros.wait_until(lambda: False, 0.2)
        assert not run.done
    stage.arm.pauses[0].set()
    assert run.result(15.0)[0] == OK


@SLOW
def test_a_clock_that_stands_still_ends_the_motion(ros) -> None:
    stage = Stage(ros, start=False)
    ticker = Ticker(ros)
    stage.arm.pauses[0] = threading.Event()
    stage.start(use_sim_time=True)
    assert ros.wait_until(lambda: stage.server.get_clock().now().nanoseconds > 0)
    run = stage.send(grasp())
    assert ros.wait_until(lambda: stage.arm.goals)
    ticker.stands = True
    _, result = run.result(15.0)
    assert result.error_code.val == CODES.TIMED_OUT and "the clock stands still" in result.error_code.message
    assert stage.arm.canceled == 1


class Ticker:
    """A simulated clock that goes as life does, from 10,000 s on."""

    def __init__(self, ros) -> None:
        self.now_s, self.stands = 10_000.0, False
        node = ros.node("ticker")
        self._publisher = node.create_publisher(Clock, "/clock", 10)
        node.create_timer(0.01, self._tick)

    def _tick(self) -> None:
        self.now_s += 0.0 if self.stands else 0.01
        self._publisher.publish(Clock(clock=stamp_of(self.now_s)))
