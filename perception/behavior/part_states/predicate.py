"""A part state: a soft statement about one body part, as a product of logistic factors on a few features.

    truth = prod_f sigma(b_f + sum_i w_fi (x_i - c_i) / s_i)

A factor with one feature is a soft threshold, and several such factors say "all of these". A factor with several
features comes out of a fit to labelled data. Nothing is hidden: `StateEvidence` says what each factor saw.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from geometry import FloatArray, InputError


@dataclass(frozen=True, kw_only=True)
class Factor:
    """One logistic condition."""

    features: tuple[str, ...]
    """Names of the features it reads."""
    centers: tuple[float, ...]
    """Value of each feature that counts as neither for nor against."""
    scales: tuple[float, ...]
    """How much of each feature counts as one step."""
    weights: tuple[float, ...]
    """Log-odds for one step of each feature; below 0 where small values speak for it."""
    bias: float = 0.0
    """Log-odds with every feature at its center."""

    def __post_init__(self) -> None:
        counts = {len(self.features), len(self.centers), len(self.scales), len(self.weights)}
        if len(counts) != 1 or not self.features or min(self.scales) <= 0.0:
            raise InputError(
                "Factor", expected="a center, a scale above 0 and a weight for each of its features", got=f"{self}"
            )

    def truth(self, values: FloatArray) -> FloatArray:
        """(T,) of features (T, F).

        What is not known speaks neither way as long as it weighs less than half; with more unknown, NaN.
        """
        steps = (values - np.array(self.centers)) / np.array(self.scales) * np.array(self.weights)
        known = np.isfinite(steps)
        share = (known * np.abs(self.weights)).sum(-1) / np.abs(self.weights).sum()
        said = expit(self.bias + np.where(known, steps, 0.0).sum(-1))
        return np.asarray(np.where(share > 0.5, said, np.nan))


@dataclass(frozen=True, kw_only=True)
class Predicate:
    """A named part state."""

    name: str
    """"part:state", such as "right_hand:hold"."""
    factors: tuple[Factor, ...]
    """All of them must hold."""
    origin: str
    """What its numbers rest on: "defined", or the data that they were fitted to."""

    @property
    def features(self) -> tuple[str, ...]:
        """Every feature that it reads, once."""
        return tuple(dict.fromkeys(name for factor in self.factors for name in factor.features))


@dataclass(frozen=True, kw_only=True)
class FactorEvidence:
    """What one factor saw at one moment."""

    features: tuple[str, ...]
    """What it read."""
    values: tuple[float, ...]
    """Their values, in the features' units; NaN where unknown."""
    truth: float
    """What it made of them."""


@dataclass(frozen=True, kw_only=True)
class StateEvidence:
    """Why a part state had its truth at one moment."""

    predicate: str
    """Which part state."""
    time_s: float
    """When."""
    truth: float
    """0 to 1; NaN where it cannot be said."""
    factors: tuple[FactorEvidence, ...]
    """Its conditions, the least true first."""
    object: str = ""
    """Name of the thing it is about; empty for states of the body alone."""

    def __str__(self) -> str:
        """One line, such as "right_hand:hold cup 0.93 (right_hand_distance 0.08, ...)"."""
        seen = ", ".join(
            f"{name} {value:.2f}"
            for factor in self.factors
            for name, value in zip(factor.features, factor.values, strict=True)
        )
        about = f"{self.predicate} {self.object}".rstrip()
        return f"{about} {self.truth:.2f} ({seen})"


def above(feature: str, threshold: float, width: float) -> Factor:
    """True where a feature is above a threshold: 0.5 at it, 0.88 two widths higher."""
    return Factor(features=(feature,), centers=(threshold,), scales=(width,), weights=(1.0,))


def below(feature: str, threshold: float, width: float) -> Factor:
    """True where a feature is below a threshold."""
    return Factor(features=(feature,), centers=(threshold,), scales=(width,), weights=(-1.0,))
