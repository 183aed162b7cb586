"""How long a behaviour lasts: families of durations in seconds, cut into frames of any rate.

A family gives survival(k) = P(lasts more than k frames). Beyond the longest frame count of a table the chance to end
per frame stays what it was there: a geometric tail, so that no segment is ever too long to be explained.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, ndtr

from geometry import FloatArray, InputError


class Duration(Protocol):
    """A distribution over how long a segment lasts."""

    @property
    def mean_s(self) -> float:
        """Mean duration, seconds."""

    def survival(self, rate_hz: float, longest: int) -> FloatArray:
        """(longest + 1,) P(lasts more than k frames), k = 0..longest; the first is 1: no segment is empty."""


@dataclass(frozen=True, kw_only=True)
class NegativeBinomial:
    """Frames after the shortest allowed count are negative binomial; shape 1 is the plain HMM's geometric law."""

    mean_s: float
    """Mean duration, seconds, above `minimum_s`."""
    shape: float = 2.0
    """Number of stages: 1 geometric, larger is more regular (the variance of a large one is Poisson's)."""
    minimum_s: float = 0.0
    """Shortest duration, seconds."""

    def __post_init__(self) -> None:
        _check(self, "mean_s", self.mean_s > self.minimum_s >= 0.0, "mean_s > minimum_s >= 0")
        _check(self, "shape", 0.0 < self.shape < np.inf, "0 < shape")

    @property
    def is_geometric(self) -> bool:
        """Whether a segment forgets how long it has lasted already."""
        return self.shape == 1.0 and self.minimum_s == 0.0

    def survival(self, rate_hz: float, longest: int) -> FloatArray:
        """(longest + 1,) P(lasts more than k frames)."""
        least = _frames(self.minimum_s, rate_hz)
        excess = max(self.mean_s * rate_hz - least, 1e-6)
        return _after(least, longest, lambda more: betainc(more + 1.0, self.shape, excess / (excess + self.shape)))


@dataclass(frozen=True, kw_only=True)
class LogNormal:
    """The logarithm of the duration is normal: what human movements mostly look like."""

    median_s: float
    """Median duration, seconds."""
    spread: float = 0.5
    """Standard deviation of log duration; 0.5 puts two thirds of the segments within a factor of 1.65."""
    minimum_s: float = 0.0
    """Shortest duration, seconds: shorter ones are cut off."""

    def __post_init__(self) -> None:
        _check(self, "median_s", 0.0 < self.median_s < np.inf, "0 < median_s")
        _check(self, "spread", 0.0 < self.spread < np.inf, "0 < spread")
        _check(self, "minimum_s", self.minimum_s >= 0.0, "minimum_s >= 0")

    @property
    def mean_s(self) -> float:
        """Mean duration, seconds, of the law before it is cut at `minimum_s`."""
        return float(self.median_s * np.exp(0.5 * self.spread**2))

    def survival(self, rate_hz: float, longest: int) -> FloatArray:
        """(longest + 1,) P(lasts more than k frames); a duration counts as its nearest whole number of frames."""
        least = _frames(self.minimum_s, rate_hz)
        score = np.log((np.arange(longest + 1) + 0.5) / (rate_hz * self.median_s)) / self.spread
        return _cut(ndtr(-score), least)


@dataclass(frozen=True, kw_only=True)
class HistogramDuration:
    """Any durations: chances of bins, even within a bin."""

    edges_s: tuple[float, ...]
    """Edges of the bins, seconds, growing, the first at least 0."""
    weights: tuple[float, ...]
    """Chance of each bin, up to a common factor."""

    def __post_init__(self) -> None:
        edges, weights = np.asarray(self.edges_s), np.asarray(self.weights)
        grows = len(edges) == len(weights) + 1 > 1 and edges[0] >= 0.0 and bool((np.diff(edges) > 0.0).all())
        _check(self, "edges_s", grows, "growing edges, one more than weights, the first at least 0")
        good = bool((weights >= 0.0).all()) and 0.0 < weights.sum() < np.inf
        _check(self, "weights", good, "weights of at least 0 with a positive sum")

    @property
    def mean_s(self) -> float:
        """Mean duration, seconds."""
        edges, weights = np.asarray(self.edges_s), np.asarray(self.weights)
        return float(0.5 * (edges[:-1] + edges[1:]) @ weights / weights.sum())

    def survival(self, rate_hz: float, longest: int) -> FloatArray:
        """(longest + 1,) P(lasts more than k frames); a duration counts as its nearest whole number of frames."""
        chance = np.concatenate([[0.0], np.cumsum(self.weights)]) / np.sum(self.weights)
        below = np.interp((np.arange(longest + 1) + 0.5) / rate_hz, self.edges_s, chance)
        return _cut(1.0 - below, 1)


def fit_duration(durations_s: ArrayLike, *, minimum_s: float = 0.0, prior_s: float | None = None) -> LogNormal:
    """A log-normal law from observed segments, steadied by two imagined ones of spread 0.7 about the prior.

    Args:
        durations_s: (n,) seconds; none is allowed if a prior is given.
        minimum_s: shortest duration that the law shall allow.
        prior_s: where the imagined segments lie, seconds; the observed median if None.
    """
    seen = np.asarray(durations_s, dtype=float).reshape(-1)
    if not (np.isfinite(seen) & (seen > 0.0)).all() or (not len(seen) and prior_s is None):
        raise InputError("fit_duration", expected="positive durations_s, or a prior_s", got=f"{seen}")
    middle = np.log(float(np.median(seen)) if prior_s is None else prior_s)
    mean = (np.log(seen).sum() + 2.0 * middle) / (len(seen) + 2.0)
    variance = (((np.log(seen) - mean) ** 2).sum() + 2.0 * 0.7**2) / (len(seen) + 2.0)
    return LogNormal(median_s=float(np.exp(mean)), spread=float(np.sqrt(variance)), minimum_s=minimum_s)


def duration_table(durations: Sequence[Duration], rate_hz: float, longest: int) -> FloatArray:
    """(longest + 1, S) survival of each law, row k = P(lasts more than k frames)."""
    return np.stack([law.survival(rate_hz, longest) for law in durations], axis=1)


def _frames(minimum_s: float, rate_hz: float) -> int:
    return max(1, round(minimum_s * rate_hz))


def _after(least: int, longest: int, survival_of_more: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """Survival of `least` frames plus a count: P(count > k - least)."""
    more = np.arange(longest + 1.0) - least
    return np.where(more < 0.0, 1.0, survival_of_more(np.maximum(more, 0.0)))


def _cut(survival: FloatArray, least: int) -> FloatArray:
    """The same law given that it lasts at least `least` frames."""
    certain = survival[min(least, len(survival)) - 1]
    shape = survival / certain if certain > 0.0 else (np.arange(len(survival)) < least).astype(float)
    return np.where(np.arange(len(survival)) < least, 1.0, np.minimum(shape, 1.0))


def _check(law: object, name: str, good: bool, expected: str) -> None:
    if not good:
        raise InputError(f"{type(law).__name__}: {name}", expected=expected, got=f"{getattr(law, name)}")
