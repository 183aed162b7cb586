"""From keypoints to the channels that the network reads: body-scaled, causal, and the same frame by frame as at once.

The unit is the mean distance of two joints that keep theirs (head and spine, wrist and knuckle) over the frames seen
so far, the origin the point midway between them. A joint that is out of view keeps its last place and says so in a
channel of its own. Four groups of channels: places, displacements over a short and over a long lag, and distances
between joints (the branches of DD-Net, Yang et al. 2019, "Make skeleton-based action recognition model smaller,
faster and better", with lags in place of every second frame).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.behavior.sets import BehaviorSet

Channels = NDArray[np.float32]
MOST_PAIRS = 66
"""Distances beyond these are left out: with 12 joints there are as many."""
MOST_RATE = 1.5
"""Lags count in frames; recordings whose rate is off by more than this factor are refused."""
STEADIEST_SEEN = 0.95
"""A pair serves as unit if it is in view in this share of what the best seen pair is."""


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """What of a skeleton the network reads; part of the model's file."""

    joints: tuple[str, ...]
    """Names of the joints, in the order of the rows that come in."""
    dimensions: int
    """2 or 3."""
    rate_hz: float
    """Frame rate of the recordings; lags count in frames of it."""
    unit: tuple[int, int]
    """Rows of the two joints whose mean distance is the unit of length."""
    pairs: tuple[tuple[int, int], ...]
    """Rows of the joints whose distances are channels."""
    short_lag: int
    """Frames, about 0.1 s."""
    long_lag: int
    """Frames, about 0.5 s."""

    def __post_init__(self) -> None:
        rows = range(len(self.joints))
        if self.dimensions not in (2, 3) or not self.rate_hz > 0.0 or not 1 <= self.short_lag <= self.long_lag:
            raise InputError("Preparation", expected="2 or 3 dimensions, a rate, lags of 1 and more", got=f"{self}")
        if any(row not in rows for pair in (self.unit, *self.pairs) for row in pair):
            raise InputError("Preparation", expected=f"pairs of joints 0 to {len(rows) - 1}", got=f"{self.pairs}")

    @property
    def groups(self) -> tuple[int, ...]:
        """Channels of each group: places with what is in view, short and long displacements with lengths, distances."""
        joints = len(self.joints) * (self.dimensions + 1)
        return (joints, joints, joints, len(self.pairs))

    @property
    def channels(self) -> int:
        """Channels in all."""
        return sum(self.groups)


@dataclass(frozen=True)
class PreparationState:
    """What later frames need of earlier ones."""

    places: FloatArray
    """(long_lag, J, D) last places of the latest frames, 0 for joints that were never in view."""
    known: NDArray[np.bool_]
    """(long_lag, J) whether the joint had been in view by then."""
    unit_sum: float = 0.0
    """Sum of the unit pair's distances so far."""
    unit_count: int = 0
    """Frames in that sum."""


def preparation_for(data: BehaviorSet) -> Preparation:
    """Choose the unit and the distances for a set of recordings.

    The unit is the pair of joints, among those further apart than the median pair, whose distance changes least
    within the recordings. Distances: all of at most 12 joints; of larger skeletons, those between the ends of limbs.

    Raises:
        InputError: if two joints are never in view together, or frame rates differ.
    """
    rate = _one_rate(data)
    ends = _limb_ends(data)
    return Preparation(
        joints=tuple(data.joints.tolist()),
        dimensions=data.keypoints.shape[2],
        rate_hz=rate,
        unit=_steadiest_pair(data),
        pairs=tuple(combinations(ends, 2))[:MOST_PAIRS],
        short_lag=max(1, round(0.1 * rate)),
        long_lag=max(2, round(0.5 * rate)),
    )


def prepare(
    preparation: Preparation, keypoints: NDArray[np.floating], state: PreparationState | None = None
) -> tuple[Channels, PreparationState]:
    """Channels of some frames, and the state that the next ones need.

    Args:
        preparation: which joints and lags.
        keypoints: (T, J, D) in any one unit; NaN where a joint is not in view.
        state: what the call for the frames before gave; None at the beginning.
    Returns:
        (T, F) channels, finite whatever is in view; the new state.
    Raises:
        InputError: if the joints or dimensions are not the model's.
    """
    wanted = (len(preparation.joints), preparation.dimensions)
    if keypoints.ndim != 3 or keypoints.shape[1:] != wanted:
        raise InputError(
            "prepare",
            expected=f"keypoints of shape (T, {wanted[0]}, {wanted[1]}): {', '.join(preparation.joints)}",
            got=f"{keypoints.shape}",
            remedy="the model reads the joints that it was trained on, in their order",
        )
    lag, count = preparation.long_lag, len(keypoints)
    nothing = PreparationState(np.zeros((lag, *wanted)), np.zeros((lag, wanted[0]), dtype=bool))
    before = nothing if state is None else state
    seen = np.isfinite(keypoints).all(axis=2)
    places, known = _hold(np.concatenate([before.places, keypoints]), np.concatenate([before.known, seen]), lag)
    unit, sums, counts = _unit(preparation, keypoints, before)
    now, origin = places[lag:], places[lag:, preparation.unit].mean(axis=1, keepdims=True)
    ready = known[lag:] & known[lag:, preparation.unit].all(axis=1, keepdims=True)
    parts = [(now - origin) * (ready / unit[:, None])[..., None], seen[..., None] * 1.0]
    for frames in (preparation.short_lag, preparation.long_lag):
        past, both = places[lag - frames :][:count], ready & known[lag - frames :][:count]
        moved = (now - past) * (both / unit[:, None])[..., None]
        parts += [moved, np.linalg.norm(moved, axis=2, keepdims=True)]
    first, second = np.array(preparation.pairs, dtype=int).reshape(-1, 2).T
    apart = np.linalg.norm(now[:, first] - now[:, second], axis=2) * (ready[:, first] & ready[:, second])
    flat = [*(part.reshape(count, -1) for part in parts), apart / unit[:, None]]
    after = PreparationState(places[count:], known[count:], sums, counts)
    return np.concatenate(flat, axis=1).astype(np.float32), after


def _hold(places: FloatArray, seen: NDArray[np.bool_], start: int) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Keep the last place of what is not seen; rows before `start` are held already."""
    rows = np.arange(len(places))[:, None]
    latest = np.maximum.accumulate(np.where(seen | (rows < start), rows, 0), axis=0)
    held = np.take_along_axis(places, latest[..., None], axis=0)
    known = seen.copy()
    known[start - 1 :] = np.logical_or.accumulate(seen[start - 1 :], axis=0)
    return held, known


def _unit(
    preparation: Preparation, keypoints: NDArray[np.floating], before: PreparationState
) -> tuple[FloatArray, float, int]:
    """(T,) mean distance of the unit pair up to each frame, 1 before it was seen; its sum and count."""
    a, b = preparation.unit
    length = np.linalg.norm(keypoints[:, a].astype(float) - keypoints[:, b], axis=1)
    good = np.isfinite(length) & (length > 0.0)
    sums = np.cumsum(np.concatenate([[before.unit_sum], np.where(good, length, 0.0)]))
    counts = np.cumsum(np.concatenate([[before.unit_count], good]))
    unit = np.where(counts > 0, sums / np.maximum(counts, 1), 1.0)
    return unit[1:], float(sums[-1]), int(counts[-1])


def _limb_ends(data: BehaviorSet) -> list[int]:
    """All joints of a small skeleton; of a large one those without a child, and the unit's."""
    joints = range(len(data.joints))
    if len(joints) <= 12:
        return list(joints)
    ends = sorted(set(joints) - set(data.bones[:, 0].tolist())) or list(joints)
    return ends[:: -(-len(ends) // 12)]


def _one_rate(data: BehaviorSet) -> float:
    rate = data.rate_hz
    for sequence in data:
        own = 1.0 / float(np.median(np.diff(sequence.time_s))) if len(sequence) > 1 else rate
        if max(own / rate, rate / own) > MOST_RATE:
            raise InputError(
                "preparation_for",
                expected=f"recordings of about one frame rate, here {rate:.4g} Hz",
                got=f"{own:.4g} Hz in {sequence.name}",
                remedy="repeat or leave out frames of it",
            )
    return rate


def _steadiest_pair(data: BehaviorSet) -> tuple[int, int]:
    """The pair whose distance varies least within sequences, by the median over the sequences that show it."""
    pairs = np.array(list(combinations(range(len(data.joints)), 2)), dtype=int).reshape(-1, 2)
    if not len(pairs):
        raise InputError("preparation_for", expected="at least 2 joints", got=f"{len(data.joints)}")
    change, size, shown = np.full((3, len(data), len(pairs)), np.nan)
    for row, sequence in enumerate(data):
        points = sequence.keypoints[:: max(1, len(sequence) // 100)].astype(float)
        apart = np.linalg.norm(points[:, pairs[:, 0]] - points[:, pairs[:, 1]], axis=2)
        good = np.isfinite(apart)
        count = np.maximum(good.sum(axis=0), 1)
        mean = np.where(good, apart, 0.0).sum(axis=0) / count
        spread = np.sqrt(np.where(good, (apart - mean) ** 2, 0.0).sum(axis=0) / count)
        enough = (good.sum(axis=0) >= 2) & (mean > 0.0)
        change[row, enough], size[row, enough] = (spread / np.maximum(mean, 1e-12))[enough], mean[enough]
        shown[row] = good.mean(axis=0)
    usable = shown.mean(axis=0) >= STEADIEST_SEEN * shown.mean(axis=0).max()
    usable &= np.isfinite(change).any(axis=0)
    if not usable.any():
        raise InputError("preparation_for", expected="two joints in view together", got="none")
    change, size = np.nanmedian(change[:, usable], axis=0), np.nanmedian(size[:, usable], axis=0)
    change = np.where(size >= np.median(size), change, np.inf)
    best = np.flatnonzero(usable)[int(np.argmin(change))]
    return int(pairs[best, 0]), int(pairs[best, 1])
