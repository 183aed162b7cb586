"""From a classifier's scores to emissions that mean what they say: priors, temperature, reliability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from geometry import FloatArray, InputError


def emissions_from_chances(
    chances: ArrayLike, *, priors: ArrayLike | None = None, weight: float = 1.0, least: float = 1e-4
) -> FloatArray:
    """Scaled likelihoods: log P(label | frame) - log P(label), the frame's likelihood up to a constant.

    Args:
        chances: (T, S) chances of a classifier; NaN rows stay NaN.
        priors: (S,) shares of the labels in the data that trained it; even if None.
        weight: 0 to 1; neighbouring frames say the same thing again, and less than 1 keeps them from shouting
            the grammar down.
        least: no chance counts as smaller than this, so that one wild frame cannot forbid a label.
    Source: Bourlard and Morgan, Connectionist Speech Recognition, 1994, chapter 7.
    """
    values = np.asarray(chances, dtype=float)
    if values.ndim != 2 or (values < 0.0).any() or not 0.0 < weight <= 1.0:
        raise InputError(
            "emissions_from_chances",
            expected="chances (T, S) >= 0 and 0 < weight <= 1",
            got=f"{values.shape}, {weight}",
        )
    prior = np.full(values.shape[1], 1.0 / values.shape[1]) if priors is None else np.asarray(priors, dtype=float)
    if prior.shape != values.shape[1:] or not (prior > 0.0).all():
        raise InputError("emissions_from_chances: priors", expected=f"({values.shape[1]},) > 0", got=f"{prior}")
    return np.asarray(weight * (np.log(np.maximum(values, least)) - np.log(prior / prior.sum())))


def fit_temperature(scores: ArrayLike, truth: ArrayLike) -> float:
    """The temperature by which to divide scores so that their softmax is as likely as can be on held-out labels.

    Args:
        scores: (N, S) logits or log chances; rows with NaN are left out.
        truth: (N,) number of the right label; -1 is left out.
    Source: Guo et al., On Calibration of Modern Neural Networks, ICML 2017.
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

    return float(np.exp(minimize_scalar(loss, bounds=(-4.0, 4.0), method="bounded").x))


@dataclass(frozen=True)
class Reliability:
    """How often a stated confidence was right."""

    confidence: FloatArray
    """(B,) mean stated confidence of each bin, NaN where it is empty."""
    accuracy: FloatArray
    """(B,) share that was right, NaN where it is empty."""
    count: NDArray[np.int_]
    """(B,) number in each bin."""

    @property
    def error(self) -> float:
        """Expected calibration error: mean gap between confidence and accuracy, weighted by count."""
        full = self.count > 0
        gaps = np.abs(self.confidence[full] - self.accuracy[full])
        return float((gaps * self.count[full]).sum() / self.count.sum())


def reliability(confidence: ArrayLike, correct: ArrayLike, *, bins: int = 10) -> Reliability:
    """Compare confidences with what was right, in bins of equal width over 0 to 1.

    Args:
        confidence: (N,) stated chances.
        correct: (N,) whether it was right.
        bins: number of bins.

    Raises:
        InputError: if there is none, or a confidence lies outside of 0 to 1.
    """
    stated, right = np.asarray(confidence, dtype=float), np.asarray(correct, dtype=float)
    if (
        stated.shape != right.shape
        or stated.ndim != 1
        or not len(stated)
        or not ((stated >= 0.0) & (stated <= 1.0)).all()
    ):
        raise InputError(
            "reliability", expected="confidence in 0..1 and correct, both (N,), N > 0", got=f"{stated.shape}"
        )
    row = np.minimum((stated * bins).astype(int), bins - 1)
    count = np.bincount(row, minlength=bins)
    full = np.where(count > 0, count, np.nan)
    return Reliability(
        np.bincount(row, stated, minlength=bins) / full, np.bincount(row, right, minlength=bins) / full, count
    )
