"""Lengths, angles and projections of points that may be missing."""

from __future__ import annotations

import numpy as np

from geometry import FloatArray


def distance(first: FloatArray, second: FloatArray) -> FloatArray:
    """(...) distance between points (..., D)."""
    return np.sqrt(((first - second) ** 2).sum(axis=-1))


def angle_between(first: FloatArray, second: FloatArray) -> FloatArray:
    """(...) angle between vectors (..., D), radians in [0, pi]; NaN where one has no length."""
    return np.arccos(np.clip(cosine_between(first, second), -1.0, 1.0))


def cosine_between(first: FloatArray, second: FloatArray) -> FloatArray:
    """(...) cosine of the angle between vectors (..., D); NaN where one has no length."""
    lengths = np.sqrt((first**2).sum(axis=-1) * (second**2).sum(axis=-1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(lengths > 0.0, (first * second).sum(axis=-1) / lengths, np.nan)


def separation_rate(offset: FloatArray, relative_velocity: FloatArray) -> FloatArray:
    """(...) rate at which a distance grows, from the offset (..., D) between two points and its rate of change."""
    length = np.sqrt((offset**2).sum(axis=-1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(length > 0.0, (offset * relative_velocity).sum(axis=-1) / length, np.nan)
