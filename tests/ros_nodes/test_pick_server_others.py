"""The pick server where others meddle: somebody opens its hand, its planner goes, a second client comes."""

from __future__ import annotations

import threading

from moveit_msgs.msg import MoveItErrorCodes

from tests.ros_nodes.fake_planner import grasp
from tests.ros_nodes.pick_stage import Stage


def test_fingers_that_somebody_opened_hold_nothing(ros) -> None:
    """An open hand is wider than one that holds something; it once counted as holding."""
    stage = Stage(ros, joint_states_timeout_s=10.0, attempts=1)
    stage.arm.pauses[2] = threading.Event()
    run = stage.send(grasp())
    assert ros.wait_until(lambda: len(stage.arm.goals) == 3, 20.0)
    stage.arm.finger_m = 0.04
    stage.arm.pauses[2].set()
    _, result = run.result(20.0)
    assert result.error_code.val == MoveItErrorCodes.FAILURE and "missed" in result.error_code.message


def test_a_planner_that_goes_while_it_is_asked(ros) -> None:
    stage = Stage(ros, joint_states_timeout_s=10.0)
    stage.planner.delay_s = 4.0
    run = stage.send()
    assert ros.wait_until(lambda: stage.planner.asked, 5.0)
    ros.stop(stage.planner)
    _, result = run.result(10.0)
    assert result.error_code.val == MoveItErrorCodes.COMMUNICATION_FAILURE
    assert result.error_code.message == "the grasp planner has gone while it was asked"


def test_a_second_client_is_told_in_diagnostics(ros) -> None:
    stage = Stage(ros, joint_states_timeout_s=10.0)
    states = stage.diagnostics()
    stage.arm.pauses[0] = threading.Event()
    run = stage.send(grasp())
    assert ros.wait_until(lambda: stage.arm.goals, 20.0)
    assert not stage.send(grasp()).accepted
    assert ros.wait_until(lambda: states.get("pick_server: goals", ("", ""))[0] == "warn", 3.0)
    assert states["pick_server: goals"][1] == "a goal was rejected: pickup: approach runs"
    stage.arm.pauses[0].set()
    run.result(20.0)


def test_a_controller_that_gives_up_is_told_in_diagnostics(ros) -> None:
    stage = Stage(ros, joint_states_timeout_s=10.0, attempts=1)
    stage.arm.touches, stage.arm.words = {0: (0.5, -4)}, "gave up"
    states = stage.diagnostics()
    heard = []
    run = stage.send(grasp())
    assert ros.wait_until(lambda: heard.append(states.get("pick_server: motion")) or run.done, 20.0)
    warned = [words for level, words in filter(None, heard) if level == "warn"]
    assert warned and warned[0] == "the arm controller stopped the arm (PATH_TOLERANCE_VIOLATED: gave up)"
    assert "blocked" in run.result()[1].error_code.message
