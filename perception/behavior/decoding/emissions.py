"""From a classifier's chances to emissions: what is left of them without the priors."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

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
