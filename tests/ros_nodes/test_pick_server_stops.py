"""Cancels, shutdowns, silences, clocks: what ends a goal in mid-motion stops the arm, and the next goal works."""

from __future__ import annotations

import threading
import time

import pytest
from action_msgs.msg import GoalStatus
from control_msgs.action import FollowJointTrajectory
from moveit_msgs.msg import MoveItErrorCodes
from rosgraph_msgs.msg import Clock

from ros_nodes.messages.stamps import stamp_of
from tests.ros_nodes.fake_planner import grasp
from tests.ros_nodes.pick_stage import Stage
from tests.ros_nodes.session import GoalRun

CONTACT = FollowJointTrajectory.Result.PATH_TOLERANCE_VIOLATED
CODES = MoveItErrorCodes
OK = GoalStatus.STATUS_SUCCEEDED
SLOW = pytest.mark.slow


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


def in_mid_motion(ros) -> tuple[Stage, Ticker, GoalRun]:
    """A goal under way on simulated time, with the arm at half of its first way."""
    stage = Stage(ros, start=False)
    ticker = Ticker(ros)
    stage.arm.pauses[0] = threading.Event()
    stage.start(use_sim_time=True)
    assert ros.wait_until(lambda: stage.server.get_clock().now().nanoseconds > 0)
    run = stage.send(grasp())
    assert ros.wait_until(lambda: stage.arm.goals)
    return stage, ticker, run


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
    assert stage.works()


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
    assert stage.works()


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
    assert stage.works()


@SLOW
def test_a_goal_that_is_accepted_too_late_is_canceled(ros) -> None:
    """The controller's answer takes longer than the server waits: what it then begins is stopped at once."""
    stage = Stage(ros, server_timeout_s=0.3)
    stage.arm.slow_answer_s = 1.0
    stage.arm.pauses[0] = threading.Event()
    status, code, message, _ = stage.pick(grasp())
    assert code == CODES.COMMUNICATION_FAILURE and "has not answered for 0.3 s" in message
    assert ros.wait_until(lambda: stage.arm.canceled == 1, 5.0)


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
    assert stage.works()


@SLOW
def test_a_clock_that_jumps_in_mid_motion(ros) -> None:
    """An hour ahead and two back: nothing times out, and the pick goes on."""
    stage, ticker, run = in_mid_motion(ros)
    for jump_s in (3600.0, -7200.0):
        ticker.now_s += jump_s
        ros.wait_until(lambda: False, 0.2)
        assert not run.done
    stage.arm.pauses[0].set()
    assert run.result(15.0)[0] == OK


@SLOW
def test_a_clock_that_stands_still_ends_the_motion(ros) -> None:
    stage, ticker, run = in_mid_motion(ros)
    ticker.stands = True
    _, result = run.result(15.0)
    assert result.error_code.val == CODES.TIMED_OUT and "the clock stands still" in result.error_code.message
    assert stage.arm.canceled == 1
