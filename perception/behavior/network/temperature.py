"""Probabilities that mean what they say: one temperature for each head (Guo et al. 2017, "On calibration")."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from geometry import FloatArray, InputError

LIMITS = (0.05, 20.0)
"""Between which temperatures are sought."""


def log_loss(probabilities: FloatArray, labels: NDArray[np.int64]) -> float:
    """Mean negative log-probability of the true labels.

    Args:
        probabilities: (N, C).
        labels: (N,), none of them unlabelled.
    """
    return float(-np.log(np.maximum(probabilities[np.arange(len(labels)), labels], 1e-12)).mean())


def fit_temperature(probabilities: Sequence[FloatArray], labels: Sequence[NDArray[np.int64]]) -> float:
    """The factor on a model's temperature that makes the log loss of people it was not trained on smallest.

    Args:
        probabilities: (T, C) of each recording, as the model gives them.
        labels: (T,) of each; -1 unlabelled.
    Raises:
        InputError: if nothing is labelled.
    """
    p, y = np.concatenate(list(probabilities)), np.concatenate(list(labels))
    p, y = p[y >= 0], y[y >= 0]
    if not len(y):
        raise InputError("fit_temperature", expected="labelled frames or clips of a validation subject", got="none")
    logits = np.log(np.maximum(p, 1e-12))

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        return float((np.log(np.exp(scaled).sum(axis=1)) - scaled[np.arange(len(y)), y]).mean())

    low, high = np.log(LIMITS)
    return float(np.exp(minimize_scalar(loss, bounds=(low, high), method="bounded").x))


def calibration_error(probabilities: FloatArray, labels: NDArray[np.int64], bins: int = 15) -> float:
    """Expected calibration error: mean gap of confidence and accuracy over bins of confidence.

    Args:
        probabilities: (N, C).
        labels: (N,), none of them unlabelled.
        bins: equal parts of 0 to 1.
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(confidence[which == b].sum() - right[which == b].sum()) for b in range(bins)]
    return float(np.sum(gaps) / len(labels))
