"""What a policy is worth: seeded episodes, success at the end and at any time, with intervals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from geometry import InputError

Act = Callable[[Any], NDArray[np.float32]]
"""From an observation to an action."""
TEST_SEED = 500_000
"""Seeds of the episodes of final evaluations start here; training begins with seeds far below."""


class Evaluation(NamedTuple):
    """Episodes of one policy; each array has one number for each episode."""

    success_at_end: NDArray[np.bool_]
    """Whether the task was done when the time was over."""
    success_once: NDArray[np.bool_]
    """Whether it was done at any step."""
    returns: NDArray[np.float64]
    """Sum of the rewards."""

    @property
    def at_end(self) -> float:
        """Share of episodes that ended in success."""
        return float(self.success_at_end.mean())

    @property
    def once(self) -> float:
        """Share of episodes that saw success."""
        return float(self.success_once.mean())

    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of `at_end`."""
        low, high = binomtest(int(self.success_at_end.sum()), len(self.success_at_end)).proportion_ci(method="wilson")
        return float(low), float(high)


def evaluate(
    act: Act,
    env: gymnasium.Env[Any, Any],
    *,
    episodes: int,
    seed: int,
    on_episode: Callable[[int], None] | None = None,
) -> Evaluation:
    """Play episodes to their time limits, each with a seed of its own; none ends early at success.

    Args:
        act: the policy.
        env: with its time limit, as `gymnasium.make` gives it.
        episodes: how many.
        seed: of the first; the others count up.
        on_episode: called with the number of finished episodes.
    """
    if episodes < 1:
        raise InputError("evaluate", expected="at least one episode", got=f"{episodes}")
    ends, onces, returns = [], [], []
    for number in range(episodes):
        observation, info = env.reset(seed=seed + number)
        total, over = 0.0, False
        while not over:
            observation, reward, terminated, truncated, info = env.step(act(observation))
            total += float(reward)
            over = terminated or truncated
        ends.append(bool(info["is_success"]))
        onces.append(bool(info["success_once"]))
        returns.append(total)
        if on_episode is not None:
            on_episode(number + 1)
    return Evaluation(np.array(ends), np.array(onces), np.array(returns))
