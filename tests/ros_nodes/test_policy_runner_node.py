"""The node `policy_runner` on the wire: contract, start and stop, stale sources, commands."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from envs.manipulation import HAND_STEP_M
from envs.panda import PANDA_LIMITS, grasp_pose
from ros_nodes.policy_runner.node import PolicyRunnerNode
from tests.ros_nodes.fake_panda import POSITION, FakePanda


def started(ros: Any, **parameters: Any) -> PolicyRunnerNode:
    """The node, when it has tried to configure itself."""
    overrides = [Parameter(name, value=value) for name, value in parameters.items()]
    node = ros.start(PolicyRunnerNode, parameter_overrides=overrides)
    assert ros.wait_until(lambda: node.health.level("lifecycle") is not None, 20.0)
    return node


def told(messages: list[DiagnosticArray], component: str) -> Iterator[Any]:
    for message in messages:
        for status in message.status:
            if status.name == f"policy_runner: {component}":
                yield status


def call(ros: Any, service: str) -> Any:
    return ros.call(Trigger, f"policy_runner/{service}")


def ready(ros: Any) -> None:
    assert ros.wait_until(lambda: call(ros, "start").success, 10.0), call(ros, "start").message


def test_reach_runs_from_start_to_stop(ros: Any) -> None:
    panda = FakePanda(ros)
    node = started(ros, policy="rl:Reach")
    assert node.active
    targets = ros.collect(JointTrajectory, "joint_trajectory")
    actions = ros.collect(JointState, "policy_runner/action")
    assert not ros.wait_until(lambda: targets, 0.3)
    ready(ros)
    goal = np.array([-0.1, 0.1, 0.15])
    assert ros.wait_until(lambda: np.linalg.norm(panda.hand() - goal) < 0.05, 10.0)
    assert panda.opened == [0.0]  # its environment keeps the fingers closed
    point = targets[0].points[0]
    assert len(targets[0].points) == 1 and len(point.velocities) == 0
    assert (point.time_from_start.sec, point.time_from_start.nanosec) == (0, 40_000_000)
    assert list(actions[0].name) == [f"hand displacement {axis}" for axis in "xyz"]
    assert call(ros, "stop").success
    count = len(targets)
    assert not ros.wait_until(lambda: len(targets) > count + 1, 0.3)


def test_a_command_moves_the_hand_where_the_action_says(ros: Any) -> None:
    FakePanda(ros)
    started(ros, policy="rl:Reach", step_limit=1, speed_scale=0.8)
    targets, actions = ros.collect(JointTrajectory, "joint_trajectory"), ros.collect(JointState, "policy_runner/action")
    ready(ros)
    assert ros.wait_until(lambda: targets and actions)
    target = np.array(targets[0].points[0].positions)
    moved, wanted = (grasp_pose(target) - grasp_pose(POSITION))[:3, 3], HAND_STEP_M * np.array(actions[0].position)
    assert moved @ wanted > 0.99 * np.linalg.norm(moved) * np.linalg.norm(wanted)
    fastest = np.max(np.abs(target - POSITION) / PANDA_LIMITS.velocity) / 0.04
    assert fastest == pytest.approx(0.8), "so long a way is cut off at the share of the joints' speeds"


def test_the_gripper_gets_a_goal_only_where_the_opening_changes(ros: Any) -> None:
    panda = FakePanda(ros)
    started(ros, policy="imitation:PickPlace")
    targets = ros.collect(JointTrajectory, "joint_trajectory")
    ready(ros)
    assert ros.wait_until(lambda: len(targets) > 30, 10.0)
    assert 1 <= len(panda.opened) < 10 and panda.opened[0] == pytest.approx(0.08, abs=0.012)


@pytest.mark.parametrize("source", ["joint_states", "objects"])
def test_a_silent_source_makes_it_hold_and_it_goes_on_when_it_is_back(ros: Any, source: str) -> None:
    panda = FakePanda(ros)
    started(ros, policy="rl:PickPlace")
    targets, diagnostics = (
        ros.collect(JointTrajectory, "joint_trajectory"),
        ros.collect(DiagnosticArray, "/diagnostics"),
    )
    ready(ros)
    assert ros.wait_until(lambda: len(targets) > 3)
    panda.silent.add(source)
    assert ros.wait_until(lambda: any(source in s.message and s.level == b"\x02" for s in told(diagnostics, "policy")))
    count = len(targets)
    assert not ros.wait_until(lambda: len(targets) > count + 1, 0.3)
    panda.silent.clear()
    assert ros.wait_until(lambda: len(targets) > count + 5)


def test_a_start_before_its_sources_is_refused_with_their_names(ros: Any) -> None:
    panda = FakePanda(ros)
    panda.silent |= {"goal", "objects"}
    started(ros, policy="rl:PickPlace")
    assert ros.wait_until(lambda: "joint_states" not in call(ros, "start").message)
    answer = call(ros, "start")
    assert not answer.success and answer.message == "objects: never heard; goal: never heard"


def test_sources_that_come_too_seldom_are_refused(ros: Any) -> None:
    FakePanda(ros, rate_hz=10.0)
    started(ros, policy="rl:Reach", joint_timeout_s=1.0)
    assert ros.wait_until(lambda: "at least 20.0 Hz" in call(ros, "start").message)
    assert not call(ros, "start").success


@pytest.mark.parametrize(
    ("parameters", "line"),
    [
        ({"policy": "rl:PickPlace", "sources": ["joint_states", "goal"]}, "cube position x (m)"),
        ({"policy": "imitation:Detour"}, "goal pillar touched (-)"),
        ({"policy": "rl:Reach", "rate_hz": 10.0}, "expected 25 Hz, the rate of graspmimic/Reach-v0, got 10 Hz"),
        ({"policy": "/no/such/policy.safetensors"}, "'/no/such/policy.safetensors'"),
        ({"policy": "rl:Reach", "tcp_xyz_m": [0.0, 0.0, 0.2]}, "a grasp frame at (0.0, 0.0, 0.2) m"),
        ({"policy": "rl:Stack"}, "goal red x (m)"),
    ],
)
def test_what_does_not_fit_the_training_is_refused_at_the_start(ros: Any, parameters: Any, line: str) -> None:
    diagnostics = ros.collect(DiagnosticArray, "/diagnostics")
    node = started(ros, **parameters)
    assert not node.active
    assert ros.wait_until(lambda: any(line in status.message for status in told(diagnostics, "lifecycle")))
    assert not call(ros, "start").success


def test_a_frame_that_tf_does_not_know_is_said(ros: Any) -> None:
    panda = FakePanda(ros)
    panda.frame = "nowhere"
    diagnostics = ros.collect(DiagnosticArray, "/diagnostics")
    started(ros, policy="rl:PickPlace")
    assert ros.wait_until(lambda: any("'nowhere'" in status.message for status in told(diagnostics, "objects")))


def test_what_it_has_loaded_is_not_collected_while_it_acts(ros: Any) -> None:
    """A full collection beside torch holds every thread up for six steps."""
    gc.unfreeze()
    assert started(ros, policy="rl:Reach").active
    assert gc.get_freeze_count() > 0.9 * len(gc.get_objects()), "the next full collection has little to look at"
    gc.unfreeze()


def test_it_can_be_taken_down_and_up_again(ros: Any) -> None:
    FakePanda(ros)
    node = started(ros, policy="rl:Reach", start_at_activation=True)
    targets = ros.collect(JointTrajectory, "joint_trajectory")
    assert ros.wait_until(lambda: len(targets) > 3, 10.0)
    assert node.trigger_deactivate().name == "SUCCESS"
    count = len(targets)
    assert not ros.wait_until(lambda: len(targets) > count + 1, 0.2)
    assert node.trigger_cleanup().name == "SUCCESS" and node.trigger_configure().name == "SUCCESS"
    assert node.trigger_activate().name == "SUCCESS"
    assert ros.wait_until(lambda: len(targets) > count + 3, 10.0)
