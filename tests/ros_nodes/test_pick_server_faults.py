"""Faults about the pick server: each ends a goal with its reason and the arm stopped, and the next goal works."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from control_msgs.action import FollowJointTrajectory
from moveit_msgs.msg import MoveItErrorCodes

from envs.arms import PANDA
from ros_nodes.messages.joints import trajectory_message
from tests.ros_nodes.fake_arm import DROP_Q, NAMES, FakeArm
from tests.ros_nodes.fake_planner import AT, grasp
from tests.ros_nodes.pick_stage import Stage

INVALID_JOINTS = FollowJointTrajectory.Result.INVALID_JOINTS
CONTACT = FollowJointTrajectory.Result.PATH_TOLERANCE_VIOLATED
CODES = MoveItErrorCodes
OK = GoalStatus.STATUS_SUCCEEDED
SLOW = pytest.mark.slow


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
    stage = Stage(ros, stall_s=0.5, gripper_timeout_s=0.5, joint_states_timeout_s=2.0, rest_timeout_s=5.0, attempts=1)
    assert stage.works() and stage.trigger("place")[0]
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
    assert stage.works()


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
    assert stage.works(), "the driver is back"


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
    assert stage.works()


def test_a_base_that_tf_does_not_know(ros) -> None:
    stage = Stage(ros, base_frame="panda_link77")
    status, code, message, _ = stage.pick(grasp())
    assert code == CODES.FRAME_TRANSFORM_FAILURE and "panda_link77" in message and not stage.arm.goals


def test_tf_and_joint_states_that_mean_different_arms(stage: Stage) -> None:
    stage.arm.hand_off_m = 0.03
    status, code, message, _ = stage.pick(grasp())
    assert code == CODES.FRAME_TRANSFORM_FAILURE and "put panda_hand 3.0 cm apart" in message and not stage.arm.goals
    stage.arm.hand_off_m = 0.0
    assert stage.works()


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
    assert stage.works()


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
    assert stage.works()


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
    assert stage.works()
