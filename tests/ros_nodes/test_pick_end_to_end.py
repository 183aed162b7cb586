"""A seeded scene of the clutter benchmark, cleared by all nodes together; the simulation counts."""

from __future__ import annotations

import json

import pytest
from std_srvs.srv import Trigger

from ros_nodes.grasp_detector.node import GraspDetectorNode
from tests.ros_nodes.clutter_stack import node_options


@pytest.mark.slow
def test_a_seeded_scene_is_cleared_through_ros(ros) -> None:
    """The robot's own count is held against the simulation's; physics and timing leave room for a lost object."""
    nodes = {kind: ros.start(kind, **given) for kind, given in node_options("procedural", seed=0, speed=0.0).items()}
    detector = nodes[GraspDetectorNode]
    assert ros.wait_until(lambda: detector.active, 60.0)
    answer = ros.call(Trigger, "/table_clearer/clear", timeout_s=400.0)
    told = json.loads(answer.message)
    score = json.loads(ros.call(Trigger, "/sim_robot/score", timeout_s=30.0).message)
    assert answer.success and told["stop"] == "nothing left", told
    assert (score["seed"], score["round"], score["presented"]) == (0, 0, 5)
    assert score["left"] == 0 and score["cleared"] + score["lost"] == 5
    assert score["cleared"] >= 4 and told["placed"] >= score["cleared"] - 1
