"""The circle on the simulated robot: policies run, are recorded, and policies train on what was recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from policies.demonstrations import DemonstrationSet
from policies.imitation import DataLayout, TrainingConfig, make_config, train_imitation
from ros_nodes.demo_recorder.node import DemoRecorderNode
from ros_nodes.policy_runner.node import PolicyRunnerNode
from ros_nodes.safety.node import SafetyNode
from ros_nodes.sim_robot.node import SimRobotNode

SEED = 9000
TOPICS = {
    "objects": "/sim_robot/objects",
    "goal": "/sim_robot/goal",
    "goals": "/sim_robot/goals",
    "joint_trajectory": "/safety/joint_trajectory",
    "action": "/policy_runner/action",
}
REMAPPED = ["--ros-args", *(word for ours, theirs in TOPICS.items() for word in ("-r", f"{ours}:={theirs}"))]


class Circle:
    """A simulated robot in a task's scene, its guard, and a policy that runs on it."""

    def __init__(self, ros: Any, policy: str, task: str, *, steps: int = 100, **simulation: Any) -> None:
        self.ros, goal = ros, "goals" if task.startswith("Stack") else "goal"
        self.sources = ["joint_states", "objects", goal] if task != "Reach" else ["joint_states", goal]
        told = {"scene": "task", "task": f"graspmimic/{task}-v0", "seed": SEED, "object_rate_hz": 100.0,
                "color_rate_hz": 0.1, "depth_rate_hz": 0.1} | simulation  # fmt: skip
        ros.start(SimRobotNode, parameter_overrides=_parameters(told))
        ros.start(SafetyNode, parameter_overrides=_parameters({"use_sim_time": True}))
        self.runner = ros.start(
            PolicyRunnerNode,
            cli_args=REMAPPED,
            parameter_overrides=_parameters(
                {"policy": policy, "use_sim_time": True, "sources": self.sources, "step_limit": steps, "done_steps": 5}
            ),
        )
        assert ros.wait_until(lambda: self.runner.active, 60.0)

    def record(self, task: str, folder: Path, **options: Any) -> DemoRecorderNode:
        told = {"folder": str(folder), "env": f"graspmimic/{task}-v0", "sources": self.sources, "use_sim_time": True}
        overrides = _parameters(told | options)
        return self.ros.start(DemoRecorderNode, cli_args=REMAPPED, parameter_overrides=overrides)

    def call(self, service: str) -> Any:
        return self.ros.call(Trigger, service, timeout_s=60.0)

    def play(self) -> dict[str, Any]:
        """One episode; what the simulation says of it."""
        assert self.ros.wait_until(lambda: self.call("policy_runner/start").success, 20.0)
        assert self.ros.wait_until(lambda: self.runner._loop.state == "idle", 60.0)
        score: dict[str, Any] = json.loads(self.call("sim_robot/score").message)
        return score


def _parameters(told: dict[str, Any]) -> list[Parameter]:
    return [Parameter(name, value=value) for name, value in told.items()]


def recorded(circle: Circle) -> bool:
    """Whether a demonstration was recorded to its end; a machine that is too busy for real time makes gaps."""
    circle.call("sim_robot/reset")
    assert circle.ros.wait_until(lambda: circle.call("demo_recorder/start").success, 20.0)
    assert not circle.ros.wait_until(lambda: False, 0.5)
    circle.play()
    return bool(circle.call("demo_recorder/stop").success)


def test_a_recorded_demonstration_trains_a_policy_that_runs(ros: Any, tmp_path: Path) -> None:
    circle = Circle(ros, "imitation:PickPlace", "PickPlace", real_time_factor=0.3)
    circle.record("PickPlace", tmp_path / "set", source="policy")
    assert any(recorded(circle) for _ in range(4)), "four demonstrations, each with a gap"
    success = json.loads(circle.call("sim_robot/score").message)["success"]
    found = DemonstrationSet.open(tmp_path / "set")
    last = found[len(found) - 1]
    assert len(last) >= 25 and last.success == success
    assert np.ptp(last.observations["achieved_goal"], axis=0).max() > 0.05, "the cube was moved"
    layout, about = DataLayout.of_info(found.info), {"env": found.info.env, "env_options": {}}
    train_imitation(make_config("bc"), found, layout, tmp_path / "run", seed=0, training=TrainingConfig(steps=3),
                    about=about)  # fmt: skip
    again = ros.start(
        PolicyRunnerNode,
        namespace="trained",
        parameter_overrides=_parameters({"policy": str(tmp_path / "run"), "autostart": True}),
    )
    assert ros.wait_until(lambda: again.active, 20.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "policy",
    ["rl:Reach", "rl:Push", "rl:Lift", "rl:PickPlace", "rl:Stack", "imitation:PickPlace", "imitation:Push"],
)  # fmt: skip
def test_policies_succeed_on_the_simulated_robot(ros: Any, policy: str) -> None:
    """At half the joints' speeds, with the guard between and the arm's own reflex.

    imitation:Stack is left out: at half the speeds its chunks fall short (8 of 12 without ROS, 12 of 12 at 0.7).
    """
    task = policy.partition(":")[2]
    # At less than life's pace, so that nodes that share one interpreter on a busy machine miss no tick.
    circle = Circle(ros, policy, task, steps=200 if task == "Stack" else 100, real_time_factor=0.4)
    won = []
    for _ in range(10):
        won.append(circle.play()["success"])
        assert circle.call("sim_robot/next_scene").success
        assert not ros.wait_until(lambda: False, 2.0)  # the new scene's arm stands far from the guard's last target
        assert ros.wait_until(lambda: circle.call("safety/reset").success, 10.0)
    print(f"{policy}: {sum(won)} of {len(won)}")
    assert sum(won) >= 8
