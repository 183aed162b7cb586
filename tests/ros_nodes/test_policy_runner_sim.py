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
from ros_nodes.sim_robot.node import SimRobotNode

SEED = 9000
TOPICS = {
    "objects": "/sim_robot/objects",
    "goal": "/sim_robot/goal",
    "goals": "/sim_robot/goals",
    "joint_trajectory": "/panda_arm_controller/joint_trajectory",
    "action": "/policy_runner/action",
}
REMAPPED = ["--ros-args", *(word for ours, theirs in TOPICS.items() for word in ("-r", f"{ours}:={theirs}"))]


class Circle:
    """A simulated robot in a task's scene, and a policy that runs on it."""

    def __init__(self, ros: Any, policy: str, task: str, *, steps: int = 60, **simulation: Any) -> None:
        self.ros, goal = ros, "goals" if task.startswith("Stack") else "goal"
        self.sources = ["joint_states", "objects", goal] if task != "Reach" else ["joint_states", goal]
        told = {"scene": "task", "task": f"graspmimic/{task}-v0", "seed": SEED, "object_rate_hz": 100.0,
                "color_rate_hz": 0.1, "depth_rate_hz": 0.1} | simulation  # fmt: skip
        ros.start(SimRobotNode, parameter_overrides=_parameters(told))
        self.runner = ros.start(
            PolicyRunnerNode,
            cli_args=REMAPPED,
            parameter_overrides=_parameters(
                {"policy": policy, "use_sim_time": True, "sources": self.sources, "step_limit": steps}
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


def test_a_recorded_demonstration_trains_a_policy_that_runs(ros: Any, tmp_path: Path) -> None:
    circle = Circle(ros, "imitation:PickPlace", "PickPlace")
    circle.record("PickPlace", tmp_path / "set", source="policy")
    assert ros.wait_until(lambda: circle.call("demo_recorder/start").success, 20.0)
    assert not ros.wait_until(lambda: False, 0.4)
    success = circle.play()["success"]
    stopped = circle.call("demo_recorder/stop")
    assert stopped.success, stopped.message
    found = DemonstrationSet.open(tmp_path / "set")
    assert len(found) == 1 and len(found[0]) >= 55 and found[0].success == success
    assert np.ptp(found[0].observations["achieved_goal"], axis=0).max() > 0.05, "the cube was moved"
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
    "policy", ["rl:Reach", "rl:Push", "rl:Lift", "rl:PickPlace", "imitation:PickPlace", "imitation:Push",
               "rl:Stack", "imitation:Stack"]
)  # fmt: skip
def test_policies_succeed_on_the_simulated_robot(ros: Any, policy: str) -> None:
    task = policy.partition(":")[2]
    circle = Circle(ros, policy, task, steps=110 if task == "Stack" else 60, reflex_force_n=0.0)
    won = []
    for _ in range(10):
        won.append(circle.play()["success"])
        assert circle.call("sim_robot/next_scene").success
    print(f"{policy}: {sum(won)} of {len(won)}")
    assert sum(won) >= 8
