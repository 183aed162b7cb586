"""How many of a task's ways a policy knows: over many starts, and again and again from the same one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from geometry import InputError
from policies.demonstrations.observation_keys import named
from policies.imitation.flow import FlowPolicy
from policies.imitation.policy import Policy

FAILED = 0
_RESAMPLES = 2000


class Share(NamedTuple):
    """A share of episodes with Wilson's 95 % interval."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, counted: int, total: int) -> Share:
        """Of so many among so many."""
        low, high = binomtest(counted, total).proportion_ci(method="wilson")
        return cls(counted / total, float(low), float(high))


class ModeCoverage(NamedTuple):
    """Outcomes (S, D) of D tries from each of S starts: 1 done by the left, -1 by the right, 0 not done."""

    outcomes: NDArray[np.int64]

    @property
    def left(self) -> Share:
        """Share of all tries that were done by the left."""
        return Share.of(int((self.outcomes > 0).sum()), self.outcomes.size)

    @property
    def right(self) -> Share:
        """Share of all tries that were done by the right."""
        return Share.of(int((self.outcomes < 0).sum()), self.outcomes.size)

    @property
    def failed(self) -> Share:
        """Share of all tries that were not done."""
        return Share.of(int((self.outcomes == FAILED).sum()), self.outcomes.size)

    @property
    def both_ways(self) -> Share:
        """Share of starts from which both ways were taken."""
        both = (self.outcomes.max(1) > 0) & (self.outcomes.min(1) < 0)
        return Share.of(int(both.sum()), len(self.outcomes))

    @property
    def entropy_bits(self) -> NDArray[np.float64]:
        """(S,) entropy of the way taken from each start, among the tries that were done; 0 where none was.

        It is that of the counts, which is a little too low for few tries: 0.95 where the truth is 1 and D is 16.
        """
        left, right = (self.outcomes > 0).sum(1), (self.outcomes < 0).sum(1)
        share = np.where(left + right > 0, left / np.maximum(left + right, 1), 0.0)
        return np.array([_entropy_bits(p) for p in share])

    def mean_entropy_bits(self, rng: np.random.Generator) -> Share:
        """Mean of `entropy_bits` over the starts, with the percentile bootstrap's 95 % interval over starts.

        Args:
            rng: draws the bootstrap's samples.
        """
        bits = self.entropy_bits
        means = bits[rng.integers(len(bits), size=(_RESAMPLES, len(bits)))].mean(1)
        low, high = np.quantile(means, (0.025, 0.975))
        return Share(float(bits.mean()), float(low), float(high))


def mode_coverage(
    policy: Policy,
    env: gymnasium.Env[Any, Any],
    *,
    starts: int,
    tries: int = 1,
    seed: int,
    on_episode: Callable[[int], None] | None = None,
) -> ModeCoverage:
    """Play a task whose `info` tells the "side", from each start so many times, each time with other noise.

    A policy that draws nothing does the same every time.

    Args:
        policy: what is asked.
        env: with its time limit, such as "graspmimic/Detour-v0".
        starts: S.
        tries: D, from each start.
        seed: of the first start; the others count up.
        on_episode: called with the number of finished episodes.
    """
    if min(starts, tries) < 1:
        raise InputError("mode_coverage", expected="starts and tries of at least 1", got=f"{starts} and {tries}")
    outcomes = np.zeros((starts, tries), dtype=np.int64)
    before = policy.noise_seed if isinstance(policy, FlowPolicy) else 0
    for start in range(starts):
        for number in range(tries):
            if isinstance(policy, FlowPolicy):
                policy.noise_seed = before + number
            outcomes[start, number] = _outcome(policy, env, seed + start)
            if on_episode is not None:
                on_episode(start * tries + number + 1)
    if isinstance(policy, FlowPolicy):
        policy.noise_seed = before
    return ModeCoverage(outcomes)


def _outcome(policy: Policy, env: gymnasium.Env[Any, Any], seed: int) -> int:
    """The side of an episode that was done, else 0."""
    observation, info = env.reset(seed=seed)
    policy.reset()
    over = False
    while not over:
        observation, _, terminated, truncated, info = env.step(policy.select_action(named(observation)))
        over = terminated or truncated
    if "side" not in info:
        raise InputError("mode_coverage", expected="a task whose info tells the side", got=", ".join(info))
    return int(info["side"]) if info["is_success"] else FAILED


def _entropy_bits(share: float) -> float:
    ways = np.array([share, 1.0 - share])
    ways = ways[ways > 0.0]
    return float(-(ways * np.log2(ways)).sum())
