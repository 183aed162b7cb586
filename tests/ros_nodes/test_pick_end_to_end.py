"""A seeded scene of the clutter benchmark, cleared by all nodes together; the simulation counts."""

from __future__ import annotations

import json

import pytest

from tests.ros_nodes.clutter_stack import ClutterStack


@pytest.mark.slow
def test_a_seeded_scene_is_cleared_through_ros(ros) -> None:
    """The robot's own count is held against the simulation's; physics and timing leave room for a lost object."""
    stack = ClutterStack(ros, "procedural", seed=0, speed=0.0 if ros.standin else 1.0)
    try:
        answer = stack.call("/table_clearer/clear", 400.0)
        told = json.loads(answer.message)
        score = stack.score()
    finally:
        stack.close()
    assert answer.success and told["stop"] == "nothing left", told
    assert (score["seed"], score["round"], score["presented"]) == (0, 0, 5)
    assert score["left"] == 0 and score["cleared"] + score["lost"] == 5
    assert score["cleared"] >= 4 and told["placed"] >= score["cleared"] - 1
