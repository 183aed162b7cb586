"""Chances that mean what they say: one temperature, log loss, and the expected calibration error.

Source: Guo et al., "On calibration of modern neural networks", ICML 2017.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from geometry import InputError

LARGEST_LOG_TEMPERATURE = 4.0
"""Temperatures are sought between exp(-4) and exp(4)."""


def fit_temperature(scores: ArrayLike, truth: ArrayLike) -> float:
    """The temperature by which to divide scores so that their softmax is as likely as can be on held-out labels.

    Args:
        scores: (N, S) logits or log chances; rows with NaN are left out.
        truth: (N,) number of the right label; -1 is left out.

    Raises:
        InputError: for shapes that do not fit, or if nothing is labelled.
    """
    values, right = np.asarray(scores, dtype=float), np.asarray(truth, dtype=int)
    if values.ndim != 2 or right.shape != values.shape[:1] or (right >= values.shape[1]).any():
        raise InputError(
            "fit_temperature", expected="scores (N, S), truth (N,) < S", got=f"{values.shape}, {right.shape}"
        )
    kept = np.isfinite(values).all(axis=1) & (right >= 0)
    if not kept.any():
        raise InputError("fit_temperature", expected="labelled rows without NaN", got="none")
    values, right = values[kept], right[kept]

    def loss(log_temperature: float) -> float:
        return -float(log_softmax(values / np.exp(log_temperature), axis=1)[np.arange(len(right)), right].mean())

    bounds = (-LARGEST_LOG_TEMPERATURE, LARGEST_LOG_TEMPERATURE)
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))


def log_loss(chances: ArrayLike, truth: ArrayLike) -> float:
    """Mean negative log-chance of the true labels, from (N, C) chances and (N,) labels."""
    values, right = np.asarray(chances, dtype=float), np.asarray(truth, dtype=int)
    return float(-np.log(np.maximum(values[np.arange(len(right)), right], 1e-12)).mean())


def calibration_error(
    confidence: ArrayLike, correct: ArrayLike, *, bins: int = 15, weights: ArrayLike | None = None
) -> float:
    """Expected calibration error: mean gap between confidence and accuracy over equal bins of confidence.

    Args:
        confidence: (N,) stated chances, 0 to 1.
        correct: (N,) whether each was right.
        bins: equal parts of 0 to 1.
        weights: (N,) how much each counts; None: all the same.

    Raises:
        InputError: if there is none, or a confidence lies outside of 0 to 1.
    """
    stated, right = np.asarray(confidence, dtype=float), np.asarray(correct, dtype=float)
    fits = stated.shape == right.shape and stated.ndim == 1 and len(stated)
    if not fits or not ((stated >= 0.0) & (stated <= 1.0)).all():
        raise InputError(
            "calibration_error", expected="confidence in 0..1 and correct, both (N,), N > 0", got=f"{stated.shape}"
        )
    mass = np.ones(len(stated)) if weights is None else np.asarray(weights, dtype=float)
    row = np.minimum((stated * bins).astype(int), bins - 1)
    gaps = np.bincount(row, mass * right, bins) - np.bincount(row, mass * stated, bins)
    return float(np.abs(gaps).sum() / mass.sum())
