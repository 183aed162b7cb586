"""The size of what a hand reaches for, guessed while it reaches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geometry import FloatArray, InputError
from perception.behavior.reach_to_grasp.discriminant import Discriminant
from perception.behavior.reach_to_grasp.size_features import GRIP_ROWS, MOMENTS

PARTS_OF_REACH = (0.2, 0.4, 0.6, 0.8, 1.0)
"""How much of a reach is seen, for each of which there is a classifier."""
GRIP_COLUMNS = [row * MOMENTS + moment for row in GRIP_ROWS for moment in range(MOMENTS)]
"""Features that are the gaps of thumb to middle and to ring finger."""
LEAST_REACHES = 12
"""Unlabelled reaches of a user from which on the own scale counts; with fewer it gains nothing."""


@dataclass(frozen=True, kw_only=True)
class SizeGuess:
    """What size the thing may have."""

    size: str | None
    """The likeliest size; None where its chance is too low to say."""
    edge_m: float
    """Edge of a cube of that size, metres; NaN where it is not said."""
    chances: tuple[float, ...]
    """Of each size, in the model's order."""
    part: float
    """Part of the reach for which the classifier was made."""
    own_scale: bool
    """Whether the user's own earlier reaches were taken into account."""


@dataclass(frozen=True, kw_only=True)
class OwnScale:
    """How one user opens the hand, from unlabelled reaches to things of all sizes: means and spreads of the grip."""

    reaches: int
    """Number of reaches seen."""
    mean: FloatArray
    """(P, G) of the grip's features at each part of the reach."""
    spread: FloatArray
    """(P, G)."""

    @classmethod
    def of(cls, features: FloatArray) -> OwnScale:
        """From the features (P, N, F) of N reaches at each part; no labels, but all sizes should be among them."""
        if np.ndim(features) != 3 or not np.shape(features)[1]:
            raise InputError("OwnScale", expected="features (P, N, F) of some reaches", got=f"{np.shape(features)}")
        grips = grip_features(features)
        return cls(reaches=grips.shape[1], mean=grips.mean(axis=1), spread=grips.std(axis=1) + 1e-9)

    def scaled(self, features: FloatArray, row: int) -> FloatArray:
        """(N, G) grip features of reaches (N, F), seen to part number `row`, in the user's own units."""
        return (grip_features(features) - self.mean[row]) / self.spread[row]


def grip_features(features: FloatArray) -> FloatArray:
    """(..., G) the gaps of thumb to middle and to ring finger at all moments, of features (..., F)."""
    return features[..., GRIP_COLUMNS]


@dataclass(frozen=True, kw_only=True)
class SizeModel:
    """Classifiers of the size at parts of the reach."""

    sizes: tuple[str, ...]
    """Names of the sizes."""
    edges_m: tuple[float, ...]
    """Edge of the cube of each size, metres."""
    duration_s: float
    """Usual time of a reach, by which an unfinished one's part is judged."""
    temperatures: tuple[float, ...]
    """For each part: what logarithms of chances are divided by, so that chances are as often right as they say."""
    anybody: tuple[Discriminant, ...]
    """For each part: of features, for people never seen."""
    known: tuple[Discriminant, ...]
    """For each part: of the grip in the user's own units."""

    def chances(self, features: FloatArray, row: int, own: OwnScale | None = None) -> FloatArray:
        """(N, C) chances of the sizes for features (N, F) of reaches seen to part number `row`."""
        if own is not None and own.reaches >= LEAST_REACHES:
            return self.known[row].chances(own.scaled(features, row))
        return tempered(self.anybody[row].chances(features), self.temperatures[row])

    def part_of(self, elapsed_s: float) -> int:
        """Number of the largest part of a usual reach that has passed; the first one before that."""
        passed = np.flatnonzero(np.array(PARTS_OF_REACH) * self.duration_s <= elapsed_s + 1e-9)
        return int(passed[-1]) if len(passed) else 0

    def guess(
        self, features: FloatArray, row: int, own: OwnScale | None = None, least_chance: float = 0.5
    ) -> SizeGuess:
        """The size for one reach's features (F,); none where the likeliest has less than the least chance."""
        chances = self.chances(features[None], row, own)[0]
        best = int(chances.argmax())
        sure = bool(chances[best] >= least_chance)
        return SizeGuess(
            size=self.sizes[best] if sure else None,
            edge_m=self.edges_m[best] if sure else np.nan,
            chances=tuple(chances.tolist()),
            part=PARTS_OF_REACH[row],
            own_scale=own is not None and own.reaches >= LEAST_REACHES,
        )


def tempered(chances: FloatArray, temperature: float) -> FloatArray:
    """Chances (N, C) made softer (temperature above 1) or sharper."""
    powered = np.maximum(chances, 1e-12) ** (1.0 / temperature)
    scaled: FloatArray = powered / powered.sum(axis=1, keepdims=True)
    return scaled
