"""A goal task that is solved in seconds, for the tests of the learners."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces


class PointMass(gymnasium.Env):  # type: ignore[type-arg]
    """A point in a square that steps by at most 0.1 and is to come within 0.05 of its goal."""

    def __init__(self) -> None:
        box = spaces.Box(-1, 1, (2,), np.float32)
        self.observation_space = spaces.Dict(observation=box, achieved_goal=box, desired_goal=box)
        self.action_space = spaces.Box(-1, 1, (2,), np.float32)

    def _see(self) -> dict[str, np.ndarray]:
        at = self.at.astype(np.float32)
        return {"observation": at, "achieved_goal": at.copy(), "desired_goal": self.goal.astype(np.float32)}

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.at, self.goal = self.np_random.uniform(-0.9, 0.9, (2, 2))
        self.steps = 0
        return self._see(), {}

    def step(self, action: Any) -> Any:
        self.at = np.clip(self.at + 0.1 * np.asarray(action, dtype=float), -1, 1)
        self.steps += 1
        seen = self._see()
        reward = float(self.compute_reward(seen["achieved_goal"], seen["desired_goal"], {}))
        return seen, reward, False, self.steps == 25, {"is_success": reward == 0}

    def compute_reward(self, achieved: Any, desired: Any, info: Any) -> Any:
        return -(np.linalg.norm(achieved - desired, axis=-1) > 0.05).astype(np.float32)


def make_model(kind: type, **options: Any) -> Any:
    """A model whose replay holds 300 random steps in a `PointMass`."""
    from stable_baselines3 import HerReplayBuffer

    from policies.reinforcement.features import GoalFeatures

    torch.set_num_threads(1)
    arguments: dict[str, Any] = {
        "replay_buffer_class": HerReplayBuffer, "buffer_size": 1000, "learning_starts": 300, "seed": 3,
        "device": "cpu", "learning_rate": 1e-3, "tau": 0.05, "gamma": 0.95,
    }  # fmt: skip
    arguments |= options
    arguments["policy_kwargs"] = {"net_arch": [16, 24], "features_extractor_class": GoalFeatures} | arguments.get(
        "policy_kwargs", {}
    )
    return kind("MultiInputPolicy", PointMass(), **arguments).learn(300)


@pytest.fixture
def point_mass() -> type[PointMass]:
    return PointMass


@pytest.fixture
def model_of() -> Callable[..., Any]:
    return make_model
