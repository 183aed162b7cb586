"""Other recordings that the same person might have given: mirrored, larger, slower, with joints lost, with noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geometry import InputError

Points = NDArray[np.floating]
Labels = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How often and how strong."""

    mirror: float = 0.5
    """Share of people with left and right swapped; labels that begin with left_ and right_ are swapped with them.

    The first coordinate is turned round, so it should run to the camera's or the person's right or left."""
    warp: float = 0.2
    """Largest relative change of tempo, up or down."""
    stretch: float = 0.1
    """Standard deviation of each coordinate's scale, relative."""
    lost_joint: float = 0.05
    """Chance of each joint to be lost for a span of up to a second."""
    noise: float = 0.01
    """Standard deviation of each coordinate's noise, in units of the clip's extent."""

    def __post_init__(self) -> None:
        if not (0.0 <= self.mirror <= 1.0 and 0.0 <= self.lost_joint < 1.0 and 0.0 <= self.warp < 0.9):
            raise InputError("Augmentation", expected="mirror and lost_joint shares, warp below 0.9", got=f"{self}")
        if min(self.stretch, self.noise) < 0.0:
            raise InputError("Augmentation", expected="stretch and noise of at least 0", got=f"{self}")


NO_AUGMENTATION = Augmentation(mirror=0.0, warp=0.0, stretch=0.0, lost_joint=0.0, noise=0.0)
"""Recordings as they are."""
STRONG_AUGMENTATION = Augmentation(warp=0.35, stretch=0.2, lost_joint=0.1, noise=0.03)
"""For recordings of few people."""


def augment(
    points: Points,
    labels: Labels | None,
    settings: Augmentation,
    partners: tuple[int, ...],
    span: int,
    rng: np.random.Generator,
) -> tuple[Points, Labels | None]:
    """A changed copy of one clip.

    Args:
        points: (T, J, D); NaN where a joint is not seen.
        labels: (T,) of the frames, or None; they follow the tempo.
        settings: what to draw from.
        partners: (J,) row of each joint's partner on the other side.
        span: frames in a second, the longest a joint stays lost.
        rng: the randomness.
    """
    points = np.array(points, dtype=np.float64)
    if rng.random() < settings.mirror:
        points = points[:, list(partners)]
        points[..., 0] = -points[..., 0]
    if settings.warp:
        rows = _tempo(len(points), 1.0 + settings.warp * rng.uniform(-1.0, 1.0))
        points, labels = _between(points, rows), labels if labels is None else labels[np.rint(rows).astype(int)]
    seen = points[np.isfinite(points).all(axis=2)]
    extent = float(seen.std(axis=0).mean()) if len(seen) else 0.0
    points *= 1.0 + settings.stretch * rng.standard_normal(points.shape[2])
    if settings.noise:
        points += settings.noise * extent * rng.standard_normal(points.shape)
    for joint in np.flatnonzero(rng.random(points.shape[1]) < settings.lost_joint):
        start = int(rng.integers(len(points)))
        points[start : start + int(rng.integers(1, span + 1)), joint] = np.nan
    return points, labels


def _tempo(count: int, speed: float) -> NDArray[np.float64]:
    """Fractional rows of a clip played at another speed, from its beginning."""
    last = count - 1
    return np.minimum(np.arange(max(2, int(last / speed) + 1)) * speed, last)


def _between(points: Points, rows: NDArray[np.float64]) -> Points:
    """Points at fractional rows; one with an unseen neighbour is unseen."""
    low = np.minimum(np.floor(rows).astype(int), len(points) - 2)
    share = (rows - low)[:, None, None]
    exact = np.where(share < 1e-9, points[low], np.where(share > 1 - 1e-9, points[low + 1], np.nan))
    mixed = (1.0 - share) * points[low] + share * points[low + 1]
    return np.where(np.isfinite(exact), exact, mixed)
