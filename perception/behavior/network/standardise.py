"""Channels in units of their own spread: that of the training set, of the stream so far, or of the person.

People differ in where they hold their hands and how large they move, so that a network that was trained on others
errs by an offset and a factor. Both can be read off a new person's recordings without a label. "running" does so
as the frames come in and so stays causal; "person" reads whole recordings beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from geometry import FloatArray, InputError
from perception.behavior.network.preparation import Channels

Normalisation = Literal["training", "running", "person"]
NORMALISATIONS: tuple[Normalisation, ...] = ("training", "running", "person")
LEAST_SHARE = 0.2
"""A person's spread counts as at least this share of the training set's, so that standing still is not blown up."""
LARGEST = 6.0
"""Standardised channels end here."""


@dataclass(frozen=True)
class Statistics:
    """Mean and spread of channels."""

    mean: FloatArray
    """(F,)."""
    scale: FloatArray
    """(F,) standard deviation; 1 for a channel that never changes."""


@dataclass(frozen=True)
class Sums:
    """What a running mean and spread are made of."""

    count: float
    """Frames, those that stand for the prior among them."""
    first: FloatArray
    """(F,) sum of the channels."""
    second: FloatArray
    """(F,) sum of their squares."""


def statistics_of(channels: Sequence[Channels], floor: Statistics | None = None) -> Statistics:
    """Mean and spread over recordings.

    Args:
        channels: (T, F) of each.
        floor: of the training set; spreads are at least `LEAST_SHARE` of its.
    """
    joined = np.concatenate(channels).astype(np.float64)
    return _statistics(joined.mean(axis=0), joined.var(axis=0), floor)


def standardise(channels: Channels, statistics: Statistics) -> Channels:
    """(T, F) channels less their mean, in units of their spread."""
    scaled = (channels - statistics.mean) / statistics.scale
    return np.clip(scaled, -LARGEST, LARGEST).astype(np.float32)


def running_start(prior: Statistics, frames: float) -> Sums:
    """Sums before the first frame: the training set's statistics, standing for so many frames."""
    if not frames > 0.0:
        raise InputError("running_start", expected="a prior that stands for some frames", got=f"{frames}")
    return Sums(frames, frames * prior.mean, frames * (prior.scale**2 + prior.mean**2))


def standardise_running(channels: Channels, sums: Sums, floor: Statistics) -> tuple[Channels, Sums]:
    """Standardise each frame by the mean and spread of the prior and of all frames up to it.

    Args:
        channels: (T, F).
        sums: what the call for the frames before gave, or `running_start`.
        floor: of the training set; spreads are at least `LEAST_SHARE` of its.
    """
    wide = channels.astype(np.float64)
    counts = sums.count + np.arange(1, len(wide) + 1)[:, None]
    first = np.cumsum(np.concatenate([sums.first[None], wide]), axis=0)
    second = np.cumsum(np.concatenate([sums.second[None], wide**2]), axis=0)
    mean = first[1:] / counts
    statistics = _statistics(mean, second[1:] / counts - mean**2, floor)
    return standardise(channels, statistics), Sums(sums.count + len(wide), first[-1], second[-1])


def _statistics(mean: FloatArray, variance: FloatArray, floor: Statistics | None) -> Statistics:
    scale = np.sqrt(np.maximum(variance, 0.0))
    if floor is None:
        return Statistics(mean, np.where(scale > 1e-6, scale, 1.0))
    return Statistics(mean, np.maximum(scale, LEAST_SHARE * floor.scale))
