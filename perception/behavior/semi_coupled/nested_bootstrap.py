"""How sure a mean over seeds is whose scores come from the same units: recordings of people, or pairs of words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError


@dataclass(frozen=True)
class Estimate:
    """A value with its interval of 95 %."""

    value: float
    """As measured."""
    low: float
    """Lower end."""
    high: float
    """Upper end."""


def nested_interval(
    statistic: Callable[[FloatArray], FloatArray],
    groups: NDArray[np.str_],
    rng: np.random.Generator,
    *,
    resamples: int = 1000,
) -> Estimate:
    """Percentile bootstrap over seeds, over groups (people), and over the units (recordings) within each group.

    Two ways compared on the same units are passed as one statistic, their difference, so that the pairing counts.

    Args:
        statistic: from weights of units (B, U) to (B, K), the score of each of K seeds.
        groups: (U,) group of each unit.
        rng: draws.
        resamples: bootstraps.
    """
    if not len(groups) or resamples < 1:
        raise InputError("nested_interval", expected="units and resamples", got=f"{len(groups)} and {resamples}")
    value = statistic(np.ones((1, len(groups))))
    weights = np.zeros((resamples, len(groups)))
    members = [np.flatnonzero(groups == name) for name in np.unique(groups)]
    for row in range(resamples):
        for chosen in rng.integers(len(members), size=len(members)):
            units = members[chosen]
            np.add.at(weights[row], rng.choice(units, len(units)), 1.0)
    scores = statistic(weights)
    seeds = scores.shape[1]
    shares = rng.multinomial(seeds, np.full(seeds, 1.0 / seeds), size=resamples) / seeds
    low, high = np.quantile((scores * shares).sum(axis=1), (0.025, 0.975))
    return Estimate(float(value.mean()), float(low), float(high))
