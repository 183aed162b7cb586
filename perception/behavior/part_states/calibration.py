"""Fitting a part state to labelled moments, and how far its truths can be taken at their word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from geometry import FloatArray, InputError
from perception.behavior.calibration import calibration_error
from perception.behavior.part_states.predicate import Factor, Predicate

_LEAST_MOMENTS = 20
_BINS = 10


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """How truths compare with what was the case, both outcomes weighing the same."""

    accuracy: float
    """Mean of the shares of true and of false moments that were told right."""
    calibration_error: float
    """Expected calibration error over ten bins (Guo et al. 2017)."""
    moments: int
    """How many were judged."""


def fit_predicate(
    name: str,
    features: Sequence[str],
    values: FloatArray,
    labels: NDArray[np.bool_],
    *,
    origin: str,
    ridge: float = 0.0001,
) -> Predicate:
    """Logistic regression with both outcomes weighing the same, so that 0.5 means "as likely as not" for even odds.

    Args:
        name: of the state.
        features: F names.
        values: (N, F); moments with NaN are left out.
        labels: (N,) whether the state holds.
        origin: what the data are, in words.
        ridge: penalty on the squared weights per step (one standard deviation).

    Raises:
        InputError: with fewer than 20 moments of either outcome.
    """
    known = np.isfinite(values).all(-1)
    points, truth = np.asarray(values, dtype=float)[known], np.asarray(labels, dtype=bool)[known]
    if min(truth.sum(), (~truth).sum()) < _LEAST_MOMENTS:
        raise InputError(
            f"fit_predicate {name}",
            expected=f"{_LEAST_MOMENTS} moments of either outcome with all features",
            got=f"{truth.sum()} true and {(~truth).sum()} false",
        )
    centers, scales = points.mean(0), np.maximum(points.std(0), 1e-6)
    steps, share = (points - centers) / scales, _even_weights(truth)

    def loss(parameters: FloatArray) -> tuple[float, FloatArray]:
        weights, bias = parameters[:-1], parameters[-1]
        odds = steps @ weights + bias
        value = share @ np.logaddexp(0.0, np.where(truth, -odds, odds)) + ridge * weights @ weights
        slope = share * (expit(odds) - truth)
        return float(value), np.append(steps.T @ slope + 2.0 * ridge * weights, slope.sum())

    best = minimize(loss, np.zeros(len(centers) + 1), jac=True, method="L-BFGS-B").x
    factor = Factor(
        features=tuple(features),
        centers=tuple(np.round(centers, 5).tolist()),
        scales=tuple(np.round(scales, 5).tolist()),
        weights=tuple(np.round(best[:-1], 4).tolist()),
        bias=float(np.round(best[-1], 4)),
    )
    return Predicate(name=name, factors=(factor,), origin=origin)


def reliability(truths: FloatArray, labels: NDArray[np.bool_]) -> Reliability:
    """Compare truths (N,) with what was the case (N,); NaN is left out."""
    known = np.isfinite(truths)
    said, truth = np.asarray(truths, dtype=float)[known], np.asarray(labels, dtype=bool)[known]
    if not truth.any() or truth.all():
        raise InputError("reliability", expected="moments of both outcomes", got=f"{len(truth)} of one")
    share = _even_weights(truth)
    right = (said > 0.5) == truth
    return Reliability(
        accuracy=float(0.5 * (right[truth].mean() + right[~truth].mean())),
        calibration_error=calibration_error(said, truth, bins=_BINS, weights=share),
        moments=len(truth),
    )


def _even_weights(truth: NDArray[np.bool_]) -> FloatArray:
    """(N,) weights that sum to 1, half of it over each outcome."""
    return np.where(truth, 0.5 / max(truth.sum(), 1), 0.5 / max((~truth).sum(), 1))
