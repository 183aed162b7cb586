"""Linear discriminants that expect the next person to be different.

Linear discriminant analysis asks which directions tell the classes apart for their scatter. With few people to learn
from, most of the scatter that matters, that between people, has hardly been seen. So it is enlarged: what was seen of
it counts `person_weight` times, and what can be said beforehand of how people differ is added to it: a hand's every
measure may be off by a constant, everything may be larger or smaller, and everything may happen earlier or later.
(Within-class covariance normalisation, Hatch et al. 2006, with such priors.) Discriminants of several strengths of
these priors vote with equal weights, so that no strength needs to be chosen.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError

Integers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class PeopleDiffer:
    """How the next person may differ from those seen; variances are in units of a feature's own."""

    person_weight: float = 10.0
    """How many times the scatter between people counts."""
    shrinkage: float = 0.2
    """Share of the scatter that is spread evenly over all directions, 0 to 1."""
    offset: float = 0.3
    """Variance of a constant by which one quantity may be off at all moments."""
    size: float = 0.05
    """Variance of the logarithm of a person's size."""
    timing: float = 0.05
    """Variance of being early or late, in parts of the reach's time squared."""


_SCATTERS = ((30.0, 0.02), (10.0, 0.05), (10.0, 0.2), (10.0, 0.4))
_OFFSETS = (0.1, 0.3, 1.0, 3.0)
STRENGTHS = tuple(
    PeopleDiffer(person_weight=weight, shrinkage=shrinkage, offset=offset)
    for (weight, shrinkage), offset in product(_SCATTERS, _OFFSETS)
)
"""The strengths that vote."""


@dataclass(frozen=True, kw_only=True)
class Discriminant:
    """M linear classifiers of F features into C classes; their chances are averaged."""

    mean: FloatArray
    """(F,)."""
    spread: FloatArray
    """(F,) above 0."""
    weights: FloatArray
    """(M, F, C)."""
    biases: FloatArray
    """(M, C)."""

    def chances(self, features: FloatArray) -> FloatArray:
        """(N, C) chances of the classes for features (N, F)."""
        if np.ndim(features) != 2 or features.shape[1] != len(self.mean):
            raise InputError("Discriminant", expected=f"features (N, {len(self.mean)})", got=f"{np.shape(features)}")
        scores = np.einsum("nf,mfc->mnc", (features - self.mean) / self.spread, self.weights) + self.biases[:, None]
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return (scores / scores.sum(axis=-1, keepdims=True)).mean(axis=0)


def fit_discriminant(
    features: FloatArray,
    labels: Integers,
    people: NDArray[np.str_],
    moments: FloatArray,
    strengths: tuple[PeopleDiffer, ...] = STRENGTHS,
) -> Discriminant:
    """Learn from several people.

    Args:
        features: (N, F): quantities at M moments each, a quantity's moments one after the other; what is left over
            at the end are single features.
        labels: (N,) classes 0 to C - 1, each of them from every person or from most.
        people: (N,) whose example it is.
        moments: (M,) when the quantities are taken, in parts of the time.
        strengths: priors; one classifier is made for each.

    Raises:
        InputError: if there are fewer than two people or classes.
    """
    classes = int(labels.max()) + 1 if len(labels) else 0
    if len(np.unique(people)) < 2 or classes < 2:
        raise InputError(
            "fit_discriminant",
            expected="examples of at least two people and two classes",
            got=f"{len(np.unique(people))} people, {classes} classes",
        )
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-9
    scaled = (features - mean) / spread
    middles, within, between = _scatter(scaled, labels, people, classes)
    offsets, size, timing = _virtual_people(mean, spread, moments)
    weights, biases = [], []
    for prior in strengths:
        scatter = within + prior.person_weight * between
        even = np.trace(scatter) / len(scatter)
        scatter = (1.0 - prior.shrinkage) * scatter + prior.shrinkage * even * np.eye(len(scatter))
        scatter += prior.offset * offsets.T @ offsets
        scatter += prior.size * np.outer(size, size) + prior.timing * np.outer(timing, timing)
        weights.append(np.linalg.solve(scatter, middles.T))
        biases.append(-0.5 * (middles.T * weights[-1]).sum(axis=0))
    return Discriminant(mean=mean, spread=spread, weights=np.stack(weights), biases=np.stack(biases))


def _scatter(
    scaled: FloatArray, labels: Integers, people: NDArray[np.str_], classes: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Classes' middles (C, F), scatter within a person's class and scatter of people about the middles (F, F)."""
    groups = {(person, label): scaled[(people == person) & (labels == label)]
              for person in np.unique(people) for label in range(classes)}  # fmt: skip
    groups = {key: rows for key, rows in groups.items() if len(rows)}
    means = {key: rows.mean(axis=0) for key, rows in groups.items()}
    middles = np.array(
        [np.mean([mean for (_, label), mean in means.items() if label == each], axis=0) for each in range(classes)]
    )
    residuals = np.concatenate([rows - means[key] for key, rows in groups.items()])
    within = residuals.T @ residuals / max(len(residuals) - len(groups), 1)
    shifts = np.array([mean - middles[label] for (_, label), mean in means.items()])
    return middles, within, shifts.T @ shifts / max(len(shifts) - classes, 1)


def _virtual_people(
    mean: FloatArray, spread: FloatArray, moments: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Directions in which people differ, in scaled features: offsets (Q, F), size (F,) and timing (F,)."""
    count = len(moments)
    quantities = len(mean) // count if count > 1 else 0
    timing, offsets = np.zeros(len(mean)), []
    for quantity in range(quantities):
        rows = np.arange(quantity * count, (quantity + 1) * count)
        timing[rows] = np.gradient(mean[rows], moments) / spread[rows]
        offsets.append(np.zeros(len(mean)))
        offsets[-1][rows] = spread[rows].mean() / spread[rows]
    for single in range(quantities * count, len(mean)):
        offsets.append(np.eye(len(mean))[single])
    return np.array(offsets), mean / spread, timing
