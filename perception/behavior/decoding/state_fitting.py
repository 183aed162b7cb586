"""States and their grammar from unlabelled rows: expectation-maximisation of a hidden semi-Markov model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray
from perception.behavior.decoding.durations import Duration
from perception.behavior.decoding.gaussian_states import GaussianStates, fit_gaussian_states
from perception.behavior.decoding.recursions import log_sum, posteriors
from perception.behavior.decoding.semi_markov import LogTables, log_tables

_ROUNDS, _SETTLED, _IMAGINED = 40, 1e-2, 0.5


@dataclass(frozen=True, kw_only=True)
class UnlabelledRows:
    """One recording as the model sees it."""

    rows: FloatArray
    """(M, F) features, NaN where nothing was seen."""
    regressors: FloatArray
    """(M, Q) what a row is predicted from: a column of ones, and earlier rows in an autoregressive model."""
    hidden: NDArray[np.bool_]
    """(M,) rows that fitting may not see."""


@dataclass(frozen=True, kw_only=True)
class FittedStates:
    """The outcome of one fit."""

    states: GaussianStates
    """What each state looks like."""
    tables: LogTables
    """Grammar and durations."""
    log_likelihood: float
    """Log P(rows that it saw)."""
    weight: float
    """Weight of one row's log-likelihood."""

    def emissions(self, recording: UnlabelledRows) -> FloatArray:
        """(M, S) weighted log-likelihood of a recording, nothing where it is hidden."""
        density = self.states.log_likelihood(recording.rows, recording.regressors)
        return np.where(recording.hidden[:, None], 0.0, self.weight * density)

    def predicted(self, recording: UnlabelledRows, scored: NDArray[np.bool_]) -> float:
        """Sum of log P(row | the rows that are not hidden) over the scored rows (M,), all of them hidden."""
        chances = posteriors(self.emissions(recording), self.tables).frames[scored]
        density = self.states.log_likelihood(recording.rows, recording.regressors)[scored]
        with np.errstate(divide="ignore"):
            return float(log_sum(np.log(chances) + density, axis=1).sum())


def fit_states(
    recordings: Sequence[UnlabelledRows],
    count: int,
    duration: Duration,
    *,
    rate_hz: float,
    weight: float,
    rng: np.random.Generator,
) -> FittedStates:
    """Fit from one random start (k-means++ seeds); all states share one law of durations, which stays fixed.

    Args:
        recordings: rows of each.
        count: number of states.
        duration: law of a segment's length.
        rate_hz: rows per second.
        weight: 0 to 1, of a row's log-likelihood: rows whose windows overlap are not news each.
        rng: for the start.
    """
    seen = [_usable(recording) for recording in recordings]
    rows = np.concatenate([recording.rows[use] for recording, use in zip(recordings, seen, strict=True)])
    regressors = np.concatenate([recording.regressors[use] for recording, use in zip(recordings, seen, strict=True)])
    shares = np.eye(count)[_seeded_clusters(rows, count, rng)]
    longest = max(2, int((duration.survival(rate_hz, 600) > 0.005).sum()))
    survival = np.repeat(duration.survival(rate_hz, longest)[:, None], count, axis=1)
    initial: FloatArray = np.full(count, 1.0 / count)
    transitions: FloatArray = (1.0 - np.eye(count)) / max(count - 1, 1)
    before = -np.inf
    for _ in range(_ROUNDS):
        fitted = FittedStates(
            states=fit_gaussian_states(rows, regressors, shares),
            tables=log_tables(initial, transitions, survival),
            log_likelihood=before,
            weight=weight,
        )
        known = [posteriors(fitted.emissions(recording), fitted.tables) for recording in recordings]
        after = sum(each.log_likelihood for each in known)
        shares = np.concatenate([each.frames[use] for each, use in zip(known, seen, strict=True)])
        changes = (sum(each.transitions for each in known) + _IMAGINED) * (1.0 - np.eye(count))
        transitions = changes / np.maximum(changes.sum(axis=1, keepdims=True), 1e-300)
        initial = np.sum([each.first for each in known], axis=0) + _IMAGINED
        initial = initial / initial.sum()
        if after - before < _SETTLED:
            break
        before = after
    return FittedStates(states=fitted.states, tables=fitted.tables, log_likelihood=after, weight=weight)


def _usable(recording: UnlabelledRows) -> NDArray[np.bool_]:
    finite = np.isfinite(recording.rows).all(axis=1) & np.isfinite(recording.regressors).all(axis=1)
    return np.asarray(finite & ~recording.hidden)


def _seeded_clusters(rows: FloatArray, count: int, rng: np.random.Generator, rounds: int = 20) -> NDArray[np.int_]:
    """(N,) nearest of `count` centres: k-means from k-means++ seeds (Arthur and Vassilvitskii 2007)."""
    centres = rows[[rng.integers(len(rows))]]
    while len(centres) < count:
        nearest = _square_distances(rows, centres).min(axis=1)
        total = nearest.sum()
        pick = rng.choice(len(rows), p=nearest / total) if total > 0.0 else rng.integers(len(rows))
        centres = np.vstack([centres, rows[pick]])
    for _ in range(rounds):
        nearest_centre = _square_distances(rows, centres).argmin(axis=1)
        for k in range(count):
            mine = nearest_centre == k
            centres[k] = rows[mine].mean(axis=0) if mine.any() else rows[rng.integers(len(rows))]
    return np.asarray(_square_distances(rows, centres).argmin(axis=1))


def _square_distances(rows: FloatArray, centres: FloatArray) -> FloatArray:
    return np.asarray(((rows[:, None] - centres) ** 2).sum(axis=2))
