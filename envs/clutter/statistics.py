"""Grasp success rate and declutter rate, with 95 % intervals.

GSR is grasps that succeeded over grasps attempted; a round that ends because nothing was found
does not lower it. DR is grasps that succeeded over objects presented at the start.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from envs.clutter.rounds import Ending, Round
from geometry import FloatArray, InputError

_BOOTSTRAP_SAMPLES = 2000


@dataclass(frozen=True, kw_only=True)
class Rate:
    """A rate as a fraction, with its spread."""

    mean: float
    """Mean over the seeds."""
    std: float
    """Standard deviation over the seeds, NaN for a single one."""
    low: float
    """Lower end of the 95 % interval."""
    high: float
    """Upper end of the 95 % interval."""


@dataclass(frozen=True, kw_only=True)
class ClutterResult:
    """What a run of the benchmark found."""

    rounds: tuple[Round, ...]
    """Every round, by seed and number."""
    gsr: Rate
    """Grasp success rate."""
    dr: Rate
    """Declutter rate."""
    endings: dict[Ending, int]
    """How many rounds ended in each way."""
    plan_ms_p50: float
    """Median wall time of the planner, NaN where nothing was attempted."""


def summarise(rounds: Sequence[Round]) -> ClutterResult:
    """Rates, endings and planning time of a run; see `rate` for the intervals."""
    if not rounds:
        raise InputError("summarise", expected="at least one round", got="none")
    ordered = tuple(sorted(rounds, key=lambda r: (r.seed, r.round)))
    endings = Counter(r.ending for r in ordered)
    plan_ms = [1e3 * a.plan_s for r in ordered for a in r.attempts]
    return ClutterResult(
        rounds=ordered,
        gsr=rate([r.seed for r in ordered], [r.grasped for r in ordered], [len(r.attempts) for r in ordered]),
        dr=rate([r.seed for r in ordered], [r.grasped for r in ordered], [r.presented for r in ordered]),
        endings={ending: endings[ending] for ending in ("cleared", "no grasp", "failures")},
        plan_ms_p50=float(np.median(plan_ms)) if plan_ms else float("nan"),
    )


def rate(seeds: Sequence[int], successes: Sequence[int], totals: Sequence[int]) -> Rate:
    """The rate of successes, seed by seed, averaged over the seeds.

    With two or more seeds the interval is Student's t over the seeds' rates; with one it is a
    percentile bootstrap over its rounds (grasps of one round are not independent), but never
    narrower than Wilson's interval for as many independent grasps.

    Args:
        seeds: (n,) for each round the seed that it belongs to.
        successes: (n,) successes in each round.
        totals: (n,) what they are counted against.
    """
    seed, grasped, total = np.array(seeds), np.array(successes, float), np.array(totals, float)
    rates = np.array([_ratio(grasped[seed == s].sum(), total[seed == s].sum()) for s in np.unique(seed)])
    mean = float(rates.mean())
    if len(rates) == 1:
        low, high = _bootstrap(grasped, total)
        if total.sum() > 0:
            wilson = stats.binomtest(int(min(grasped.sum(), total.sum())), int(total.sum())).proportion_ci(
                method="wilson"
            )
            low, high = min(low, float(wilson.low)), max(high, float(wilson.high))
        return Rate(mean=mean, std=float("nan"), low=low, high=high)
    half = float(stats.t.ppf(0.975, len(rates) - 1) * rates.std(ddof=1) / np.sqrt(len(rates)))
    return Rate(mean=mean, std=float(rates.std(ddof=1)), low=max(0.0, mean - half), high=min(1.0, mean + half))


def _bootstrap(grasped: FloatArray, total: FloatArray) -> tuple[float, float]:
    draws = np.random.default_rng(0).integers(len(total), size=(_BOOTSTRAP_SAMPLES, len(total)))
    rates = grasped[draws].sum(axis=1) / np.maximum(total[draws].sum(axis=1), 1.0)
    low, high = np.percentile(rates, (2.5, 97.5))
    return float(low), float(high)


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0
