"""Average precision of a ranking, its mean over classes, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError


@dataclass(frozen=True)
class MeanPrecision:
    """Mean average precision over classes, with an interval from a bootstrap over examples.

    Examples drawn twice count as two right answers of one rank, which lifts the precision of rare classes: the
    bootstrap's own mean lies above the value. The interval is the bootstrap's, moved by that bias.
    """

    value: float
    """Mean of `classes`."""
    low: float
    """Lower end of the 95 % interval."""
    high: float
    """Upper end of the 95 % interval."""
    classes: dict[int, float]
    """Average precision by column, of the columns that were averaged."""
    draws: FloatArray
    """(B,) the mean under each bootstrap; with one seed, two rankings of the same examples may be subtracted."""


def average_precision(scores: FloatArray, labels: NDArray[np.bool_], weights: FloatArray | None = None) -> float:
    """Area under precision over recall: sum_n (R_n - R_(n-1)) P_n over the distinct scores, from the highest.

    Examples of one score enter together, so that the order among them does not matter.

    Args:
        scores: (N,) the higher, the surer.
        labels: (N,) which are right; at least one.
        weights: (N,) how often each counts; None: once.
    """
    return float(_precisions(scores, labels, np.ones((1, len(scores))) if weights is None else weights[None])[0])


def mean_average_precision(
    scores: FloatArray,
    labels: NDArray[np.bool_],
    *,
    least_positives: int = 1,
    rng: np.random.Generator | None = None,
    resamples: int = 300,
) -> MeanPrecision:
    """Mean over the classes that have positives.

    Args:
        scores: (N, C).
        labels: (N, C).
        least_positives: classes with fewer right examples are left out.
        rng: draws the bootstrap over examples; None: low and high are the value itself.
        resamples: bootstraps.
    """
    if scores.shape != labels.shape or not np.isfinite(scores).all():
        got = f"{scores.shape} and {labels.shape}"
        raise InputError("mean_average_precision", expected="finite scores and labels of one shape (N, C)", got=got)
    columns = np.flatnonzero(labels.sum(axis=0) >= max(least_positives, 1))
    if not len(columns):
        raise InputError("mean_average_precision", expected=f"a class with {least_positives} positives", got="none")
    weights = np.ones((1, len(scores)))
    if rng is not None:
        drawn = rng.multinomial(len(scores), np.full(len(scores), 1.0 / len(scores)), size=resamples)
        weights = np.concatenate([weights, drawn])
    table = np.stack([_precisions(scores[:, column], labels[:, column], weights) for column in columns])
    means = np.nanmean(table, axis=0)
    low = high = means[0]
    if rng is not None:
        low, high = means[0] + np.quantile(means[1:], (0.025, 0.975)) - means[1:].mean()
    classes = dict(zip(columns.tolist(), table[:, 0].tolist(), strict=True))
    return MeanPrecision(float(means[0]), float(low), float(high), classes, means[1:])


def _precisions(scores: FloatArray, labels: NDArray[np.bool_], weights: FloatArray) -> FloatArray:
    """(B,) average precision under each row of (B, N) weights; NaN where nothing right has weight."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    counted = weights[:, order]
    all_of = np.cumsum(counted, axis=1)[:, ends]
    right = np.cumsum(counted * labels[order], axis=1)[:, ends]
    gained = np.diff(right, axis=1, prepend=0.0)
    precision = right / np.maximum(all_of, 1e-12)
    total = right[:, -1]
    return np.where(total > 0, (gained * precision).sum(axis=1) / np.maximum(total, 1e-12), np.nan)
