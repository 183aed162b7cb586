"""What is to be collected: everything that decides which episode a number stands for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import gymnasium
import numpy as np

from geometry import InputError
from policies.demonstrations.demonstrator import Demonstrator
from policies.demonstrations.episode import Episode
from policies.demonstrations.playing import play_episode

DEMONSTRATION_SEED = 20_000_000
"""Seeds of demonstrations start here: no evaluation, no validation and no reinforcement learning has them."""
SET_APART = 100_000
"""Numbers of one seed."""
HOLD_STEPS = 16
"""Steps for which an episode that ends early goes on when the task is done: a chunk of actions, 0.64 s."""


@dataclass(frozen=True, kw_only=True)
class CollectPlan:
    """Who plays what; can be sent to another process where its two makers can."""

    make_env: Callable[[], gymnasium.Env[Any, Any]]
    """An environment with its time limit."""
    make_demonstrator: Callable[[], Demonstrator]
    """Who plays in it."""
    seed: int = 0
    """Of the set: number n has the environment's seed `DEMONSTRATION_SEED` + `SET_APART` * seed + n."""
    hold_steps: int | None = None
    """See `play_episode`. A policy is judged at its time limit and must have seen how to stay where the task is done:
    of policies from episodes that end early, more leave it again."""
    keep_failures: bool = False
    """Keep episodes too in which the task is not done at the end."""
    task: str = ""
    """What is to be done, in words."""
    source: Mapping[str, Any] = field(default_factory=dict)
    """Who plays, for the provenance: "source" and what else decides how it plays, as JSON can hold it."""

    def __post_init__(self) -> None:
        if self.seed < 0 or (self.hold_steps is not None and self.hold_steps < 0):
            raise InputError("CollectPlan", expected="seed and hold_steps not below 0", got=f"{self}")

    def env_seed(self, number: int) -> int:
        """The environment's seed for an episode."""
        return DEMONSTRATION_SEED + SET_APART * self.seed + number

    def play(self, env: gymnasium.Env[Any, Any], demonstrator: Demonstrator, number: int) -> Episode:
        """The episode of a number; it depends on nothing else."""
        seed = self.env_seed(number)
        return play_episode(
            env,
            demonstrator,
            seed=seed,
            rng=np.random.default_rng([seed, 1]),  # not the environment's stream, or pace would follow places
            hold_steps=self.hold_steps,
            task=self.task,
            provenance={**self.source, "seed": seed},
        )

    def record(self) -> dict[str, Any]:
        """What must be the same when collecting goes on."""
        return {
            "seed": self.seed,
            "hold_steps": self.hold_steps,
            "keep_failures": self.keep_failures,
            "task": self.task,
            "source": dict(self.source),
        }
