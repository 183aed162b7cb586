"""What launch files start, started in this process: every topic, service and action finds its other half."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.ros_standin.launching import LaunchPlan, read_launch_file, start_plan

LAUNCH = Path(__file__).resolve().parents[2] / "launch"
POSE = "0.5 0 0.7 0 0.7071 0 0.7071"
ON_A_REAL_ROBOT = {"/joint_states", "/robot_description", "/clock", "/tf", "/tf_static"}
FROM_USERS = {"/target/box", "/target/mask", "/safety/heartbeat", "/safety/joint_trajectory"}
"""Inputs that nothing in pick.launch.py sends, or not always: they are for people and other programs."""


def read(name: str, arguments: dict[str, str]) -> LaunchPlan:
    return read_launch_file(LAUNCH / f"{name}.launch.py", arguments)


def endpoints(ros: Any, node: str) -> dict[str, set[str]]:
    """Full names of a node's publishers, subscriptions, services and clients; actions by their hidden services."""
    probe = ros.probe
    if ros.standin:
        clients = {name for name, end in probe._context.domain.all("client") if end.node_name == f"/{node}"}
    else:
        clients = {name for name, _ in probe.get_client_names_and_types_by_node(node, "/")}
    return {
        "pub": {name for name, _ in probe.get_publisher_names_and_types_by_node(node, "/")},
        "sub": {name for name, _ in probe.get_subscriber_names_and_types_by_node(node, "/")},
        "srv": {name for name, _ in probe.get_service_names_and_types_by_node(node, "/")},
        "cli": clients,
    }


def start(ros: Any, plan: LaunchPlan) -> dict[str, dict[str, set[str]]]:
    """Start all nodes, and wait until those with a lifecycle are active; everybody's endpoints."""
    nodes = start_plan(ros, plan)
    for name, node in nodes.items():
        assert ros.wait_until(lambda node=node: getattr(node, "active", True), 60.0), name
    assert ros.wait_until(lambda: all(endpoints(ros, name)["pub"] for name in nodes), 10.0)
    while True:  # the graph of a real ROS fills by and by
        found = {name: endpoints(ros, name) for name in nodes}
        time.sleep(0.01 if ros.standin else 0.5)
        if found == {name: endpoints(ros, name) for name in nodes}:
            return found


def unused(plan: LaunchPlan, found: dict[str, dict[str, set[str]]]) -> set[tuple[str, str]]:
    """Remaps whose name the node does not use: what it would have been called is nowhere, nor what it is called now."""
    return {
        (node.executable, here)
        for node in plan.nodes
        for here, there in node.remappings
        if node.executable in found and there not in set().union(*found[node.executable].values())
    }


def test_everything_in_pick_finds_its_other_half(ros: Any) -> None:
    plan = read("pick", {"sim": "true", "clear": "true"})
    plan.node("table_clearer").parameters["autostart"] = False
    found = start(ros, plan)
    published = set().union(*(of["pub"] for of in found.values()))
    served = set().union(*(of["srv"] for of in found.values()))
    for name, of in found.items():
        silent = {topic for topic in of["sub"] if "/_action/" not in topic} - published - FROM_USERS
        silent -= {"/panda_arm_controller/joint_trajectory"}  # safety's stream, which policies use
        assert not silent, f"{name} listens in vain to {silent}"
        nobody = {service for service in of["cli"] if "move_action" not in service} - served  # MoveIt is optional
        assert not nobody, f"{name} calls in vain {nobody}"
    assert not unused(plan, found)
    assert "/safety/heartbeat" in found["pick_server"]["pub"]


@pytest.mark.slow
def test_a_pick_as_launched(ros: Any) -> None:
    from moveit_msgs.action import Pickup

    plan = read("pick", {"sim": "true", "real_time_factor": "0"})
    start_plan(ros, plan, stale_after_s=5.0, heartbeat_timeout_s=5.0, joint_states_timeout_s=10.0)
    run = ros.send_goal(Pickup, "/pick_server/pickup", Pickup.Goal(), timeout_s=30.0)
    status, result = run.result(60.0)
    assert result.error_code.val in (1, 99999), (status, result)  # SUCCESS, or FAILURE: it was carried out, and slipped
    assert len(run.feedback) > 3


def test_a_policy_as_launched(ros: Any) -> None:
    from std_srvs.srv import Trigger
    from trajectory_msgs.msg import JointTrajectory

    plan = read("imitate", {"sim": "true", "step_limit": "40", "real_time_factor": "0.5"})
    plan.node("safety").parameters["stale_after_s"] = 5.0  # everything runs in this process
    found = start(ros, plan)
    published = set().union(*(of["pub"] for of in found.values()))
    assert {topic for topic in found["policy_runner"]["sub"]} <= published
    assert not unused(plan, found) - {("policy_runner", "goal")}  # one goal, or goals by name
    points = ros.collect(JointTrajectory, "/panda_arm_controller/joint_trajectory")
    assert ros.wait_until(lambda: ros.call(Trigger, "/policy_runner/start").success, 20.0)
    assert ros.wait_until(lambda: len(points) >= 20, 20.0), "the policy's points reach the arm through safety"
    assert json.loads(ros.call(Trigger, "/sim_robot/score").message)["task"] == "graspmimic/PickPlace-v0"


def test_the_recorder_hears_what_is_sent(ros: Any, tmp_path: Path) -> None:
    plan = read("record", {"sim": "true", "demonstrator": "policy", "folder": str(tmp_path / "set")})
    found = start(ros, plan)
    published = set().union(*(of["pub"] for of in found.values()))
    heard = found["demo_recorder"]["sub"]
    assert heard <= published and {"/policy_runner/action", "/sim_robot/objects", "/sim_robot/goals"} <= heard


def test_behavior_listens_where_it_is_told(ros: Any) -> None:
    plan = read("behavior", {"input": "keypoints_3d", "keypoints": "/people"})
    assert {"/people", "/objects"} <= start(ros, plan)["behavior_recognizer"]["sub"]


def test_grasps_on_a_real_robot_need_only_its_driver_and_its_camera(ros: Any) -> None:
    plan = read("pick", {"robot": "ur5e", "camera_pose": POSE, "base_pose": "0 0 0 0 0 0 1"})
    found = start(ros, plan)
    published = set().union(*(of["pub"] for of in found.values()))
    missing = set().union(*(of["sub"] for of in found.values())) - published - FROM_USERS - ON_A_REAL_ROBOT
    camera = {topic for topic in missing if topic.startswith("/camera/camera/depth/")}
    assert {topic for topic in missing - camera if "/_action/" not in topic} == set()
    assert len(camera) == 2 and not unused(plan, found)
    wanted = set().union(*(of["cli"] for of in found.values()))
    driver = {name.split("/_action/")[0] for name in wanted - set().union(*(of["srv"] for of in found.values()))}
    assert driver == {
        "/scaled_joint_trajectory_controller/follow_joint_trajectory", "/robotiq_gripper_controller/gripper_cmd",
        "/move_action",
    }  # fmt: skip


def test_the_recorder_uses_every_name_that_it_is_given(ros: Any, tmp_path: Path) -> None:
    """With pictures and commands; the names of actions and of several goals are used where these are recorded."""
    plan = read("record", {"task": "", "actions_from": "command", "folder": str(tmp_path / "set")})
    plan.node("demo_recorder").parameters.update(images=["rgb", "depth"], things=["cube"], goal_of="cube")
    found = start(ros, plan)
    assert {"/camera/camera/color/image_raw", "/safety/joint_trajectory"} <= found["demo_recorder"]["sub"]
    assert unused(plan, found) == {("demo_recorder", "action"), ("demo_recorder", "goals")}
