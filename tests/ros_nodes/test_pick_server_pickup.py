"""Pickups, places and their order on a robot without physics."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from control_msgs.action import FollowJointTrajectory
from moveit_msgs.action import Pickup
from moveit_msgs.msg import MoveItErrorCodes
from std_msgs.msg import Empty

from envs.arms import PANDA
from geometry import transform
from tests.ros_nodes.fake_arm import BASE_M, DROP_Q
from tests.ros_nodes.fake_planner import AT, FAR, grasp
from tests.ros_nodes.pick_stage import Stage

CONTACT = FollowJointTrajectory.Result.PATH_TOLERANCE_VIOLATED


def tip(q: np.ndarray) -> np.ndarray:
    """Where the grasp frame is in the world."""
    return (transform(translation=BASE_M) @ PANDA.grasp_pose(q))[:3, 3]


def test_a_given_grasp_is_carried_out_and_placed(stage: Stage) -> None:
    run = stage.send(grasp())
    status, result = run.result(20.0)
    assert (status, result.error_code.val) == (GoalStatus.STATUS_SUCCEEDED, MoveItErrorCodes.SUCCESS)
    assert result.grasp.id == "grasp_000" and result.planning_time > 0.0
    assert [message.state for message in run.feedback] == ["plan", "approach", "close", "lift", "check"]
    to_pregrasp, approach, lift = stage.arm.goals
    np.testing.assert_allclose(tip(to_pregrasp[-1]), AT[:3, 3] + (0, 0, 0.08), atol=1e-3)
    np.testing.assert_allclose(tip(approach[-1]), AT[:3, 3], atol=1e-3)
    np.testing.assert_allclose(tip(lift[-1]), AT[:3, 3] + (0, 0, 0.10), atol=1e-3)
    assert stage.arm.grips == [0.04, 0.0] and stage.planner.asked == []
    assert stage.trigger("place") == (True, "placed")
    np.testing.assert_allclose(stage.arm.q, DROP_Q, atol=1e-6)
    assert stage.arm.grips == [0.04, 0.0, 0.04]
    success, message = stage.trigger("place")
    assert not success and "nothing is held" in message and len(stage.arm.goals) == 4


def test_without_grasps_it_looks_from_the_drop_posture(stage: Stage) -> None:
    stage.arm.q = np.array(PANDA.home_q)
    stage.planner.poses = [FAR, AT]
    stage.planner.cloud = np.array([[0.6, -0.3, 0.16]])
    run = stage.send(target_name="mug")
    status, result = run.result(20.0)
    assert status == GoalStatus.STATUS_SUCCEEDED and result.grasp.id == "grasp_001"
    assert [message.state for message in run.feedback][:2] == ["perceive", "plan"]
    assert stage.planner.asked == ["mug"]
    np.testing.assert_allclose(stage.arm.goals[0][-1], DROP_Q, atol=1e-6)
    # the lift clears what the cloud shows: 16 cm high, and 2 cm more
    np.testing.assert_allclose(tip(stage.arm.goals[-1][-1])[2], AT[2, 3] + 0.18, atol=2e-3)


def test_a_plan_without_a_cloud_is_told(stage: Stage, capfd: pytest.CaptureFixture[str]) -> None:
    goal = Pickup.Goal()
    goal.planning_options.plan_only = True
    status, _ = stage.ros.send_goal(Pickup, "pick_server/pickup", goal).result(20.0)
    assert status == GoalStatus.STATUS_SUCCEEDED
    assert "no scene_cloud within 0.5 s of the grasps" in capfd.readouterr().err


def test_a_contact_near_the_grasp_closes_there(stage: Stage) -> None:
    stage.arm.touches = {1: (0.7, CONTACT)}
    status, code, _, _ = stage.pick(grasp())
    assert status == GoalStatus.STATUS_SUCCEEDED and code == MoveItErrorCodes.SUCCESS
    start = stage.arm.goals[2][0]
    assert 0.001 < tip(start)[2] - AT[2, 3] < 0.05


def test_a_contact_far_from_the_grasp_is_a_failed_attempt(ros) -> None:
    stage = Stage(ros, attempts=1)
    stage.arm.touches = {1: (0.05, CONTACT)}
    status, code, message, _ = stage.pick(grasp())
    assert (status, code) == (GoalStatus.STATUS_ABORTED, MoveItErrorCodes.FAILURE) and "blocked" in message
    assert 0.0 not in stage.arm.grips, "the fingers must not close in the air"
    np.testing.assert_allclose(stage.arm.q, DROP_Q, atol=1e-6)


def test_after_a_miss_another_grasp_comes_first(stage: Stage) -> None:
    """Nothing is between the fingers at the first grasp; the second look has the same favourite."""
    other = transform(AT[:3, :3], (0.35, -0.12, 0.15))
    stage.planner.poses = [AT, other]
    stage.arm.object_m = 0.0

    def appear() -> None:
        ros_wait(lambda: len(stage.arm.goals) >= 5)
        stage.arm.object_m = 0.03

    helper = threading.Thread(target=appear)
    helper.start()
    run = stage.send()
    status, result = run.result(30.0)
    helper.join()
    assert status == GoalStatus.STATUS_SUCCEEDED and result.grasp.id == "grasp_001"
    assert "missed" in result.error_code.message
    states = [message.state for message in run.feedback]
    assert states.count("perceive") == 2 and states.count("retry") == 1
    assert states.index("retry") > states.index("release")


def ros_wait(predicate, timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not predicate() and time.monotonic() < deadline:
        time.sleep(0.005)


def test_the_attempts_are_limited(ros) -> None:
    stage = Stage(ros, attempts=2)
    stage.arm.object_m = 0.0
    status, code, message, _ = stage.pick()
    assert (status, code) == (GoalStatus.STATUS_ABORTED, MoveItErrorCodes.FAILURE)
    assert message == "nothing is held after 2 attempts: missed, missed"
    assert len(stage.planner.asked) == 2


def test_a_second_goal_is_rejected_and_the_first_goes_on(stage: Stage) -> None:
    stage.arm.pauses[0] = threading.Event()
    first = stage.send(grasp())
    assert stage.ros.wait_until(lambda: stage.arm.goals)
    assert not stage.send(grasp()).accepted
    success, message = stage.trigger("place")
    assert not success and message.startswith("busy: pickup")
    stage.arm.pauses[0].set()
    assert first.result(20.0)[0] == GoalStatus.STATUS_SUCCEEDED


def test_a_full_hand_picks_nothing_up(stage: Stage) -> None:
    assert stage.pick(grasp())[0] == GoalStatus.STATUS_SUCCEEDED
    count = len(stage.arm.goals)
    status, code, message, _ = stage.pick(grasp())
    assert (status, code) == (GoalStatus.STATUS_ABORTED, MoveItErrorCodes.INVALID_ROBOT_STATE)
    assert "30 mm" in message and "~/place" in message and len(stage.arm.goals) == count


def test_a_plan_alone_moves_nothing(stage: Stage) -> None:
    goal = Pickup.Goal(possible_grasps=[grasp()])
    goal.planning_options.plan_only = True
    status, result = stage.ros.send_goal(Pickup, "pick_server/pickup", goal).result(20.0)
    assert status == GoalStatus.STATUS_SUCCEEDED and not stage.arm.goals and not stage.arm.grips
    assert list(result.trajectory_descriptions) == ["to pregrasp", "approach"]
    end = np.array(result.trajectory_stages[1].joint_trajectory.points[-1].positions)
    np.testing.assert_allclose(tip(end), AT[:3, 3], atol=1e-3)


def test_out_of_reach_and_in_the_way_have_their_codes(ros) -> None:
    stage = Stage(ros, obstacles=(0.35, 0.1, 0.10, 0.04, 0.04, 0.20))
    assert stage.pick(grasp(FAR))[1:3] == (
        MoveItErrorCodes.NO_IK_SOLUTION,
        "no grasp can be reached: 1 out of reach",
    )
    status, code, message, _ = stage.pick(grasp())
    assert code == MoveItErrorCodes.GOAL_IN_COLLISION and "approach blocked" in message
    assert not stage.arm.goals


def test_home_moves_there_and_the_heartbeat_beats_only_meanwhile(stage: Stage) -> None:
    beats = stage.ros.collect(Empty, "safety/heartbeat")
    stage.arm.pauses[0] = threading.Event()
    answers = []
    caller = threading.Thread(target=lambda: answers.append(stage.trigger("home")))
    caller.start()
    assert stage.ros.wait_until(lambda: len(beats) >= 3)
    stage.arm.pauses[0].set()
    caller.join(20.0)
    assert answers == [(True, "the arm is at home")]
    np.testing.assert_allclose(stage.arm.q, PANDA.home_q, atol=1e-6)
    time.sleep(0.2)
    count = len(beats)
    time.sleep(0.4)
    assert len(beats) == count
