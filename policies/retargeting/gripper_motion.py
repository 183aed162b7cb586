"""The direct way from a hand to a gripper: thumb and index finger are the two jaws.

Sources: Lepert et al., "Phantom: Training Robots Without Robots Using Only Human Videos", CoRL 2025 (thumb and index
finger to a parallel gripper); Handa et al., "DexPilot", ICRA 2020 (contact by hysteresis).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from geometry import FloatArray, InputError, transform
from perception.pose.skeletons import HAND21

_THUMB, _INDEX = HAND21.index("thumb_tip"), HAND21.index("index_tip")
_ROOTS = (HAND21.index("thumb_cmc"), HAND21.index("index_mcp"))
_LEAST_SEEN = 0.2
_LEAST_RANGE_M = 0.01
"""A hand whose opening varies by less neither opens nor closes."""
_QUANTILES = (0.2, 0.9)
"""Of the opening over time: closed and open."""
_EPSILON = 1e-9


@dataclass(frozen=True, kw_only=True)
class RetargetConfig:
    """How fingertips become a gripper."""

    smooth_s: float = 0.08
    """Standard deviation of the Gaussian over time."""
    close_below: float = 0.35
    """The gripper closes where the opening falls below this share of its range..."""
    open_above: float = 0.60
    """...and opens where it rises above this one."""
    pad_m: float = 0.008
    """A fingertip's keypoint lies so far inside the finger."""
    widest_m: float = 0.08
    """What the gripper opens to."""

    def __post_init__(self) -> None:
        lengths = (self.smooth_s, self.pad_m, self.widest_m)
        if not 0.0 <= self.close_below < self.open_above <= 1.0:
            raise InputError("RetargetConfig", expected="0 <= close_below < open_above <= 1", got=f"{self}")
        if not np.isfinite(lengths).all() or min(lengths) < 0.0:
            raise InputError("RetargetConfig", expected="smooth_s, pad_m and widest_m not below 0", got=f"{self}")


@dataclass(frozen=True, kw_only=True, eq=False)
class GripperMotion:
    """What a gripper would have to do to move as a hand did, over T moments."""

    time_s: FloatArray
    """(T,)."""
    T_world_grasp: FloatArray
    """(T, 4, 4) the grasp frame: midway between the tips, +y from the thumb to the index finger, +z ahead."""
    width_m: FloatArray
    """(T,) gap between the jaws; a hand that opens wider than the gripper opens it fully."""
    closed: NDArray[np.bool_]
    """(T,) whether the gripper holds."""


def retarget(time_s: FloatArray, hand_m: FloatArray, config: RetargetConfig | None = None) -> GripperMotion:
    """The gripper's motion for a hand's; what was not seen is filled in between what was.

    The opening is judged by its own range in the recording (its 20 % and 90 % quantiles), so that neither the size of
    the hand nor that of the thing must be known. So a recording should hold one grasp, or grasps of like things, and
    the hand should hold for a fifth of the time or more.

    Args:
        time_s: (T,) growing.
        hand_m: (T, 21, 3) in the world; NaN where not seen.
        config: None takes the defaults.

    Raises:
        InputError: where thumb and index finger are seen in less than a fifth of the frames, or never apart.
    """
    how = config or RetargetConfig()
    times, points = np.asarray(time_s, dtype=np.float64), np.asarray(hand_m, dtype=np.float64)
    if not len(times) or points.shape != (len(times), len(HAND21), 3) or not (np.diff(times) > 0.0).all():
        expected = f"hand_m (T, {len(HAND21)}, 3) at T times that grow"
        raise InputError("retarget", expected=expected, got=f"{points.shape} and {len(times)} times")
    sigma = how.smooth_s / float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    thumb, index, *roots = (_filled(times, points[:, row], sigma) for row in (_THUMB, _INDEX, *_ROOTS))
    across = index - thumb
    apart_m = np.linalg.norm(across, axis=1)
    middle = 0.5 * (thumb + index)
    return GripperMotion(
        time_s=times,
        T_world_grasp=transform(_rotations(across, middle - 0.5 * (roots[0] + roots[1])), middle),
        width_m=np.clip(apart_m - 2.0 * how.pad_m, 0.0, how.widest_m),
        closed=_closed(apart_m, how),
    )


def _filled(time_s: FloatArray, track: FloatArray, sigma: float) -> FloatArray:
    """(T, 3) one point, gaps filled, smoothed."""
    seen = np.isfinite(track).all(axis=1)
    if seen.mean() < _LEAST_SEEN:
        raise InputError(
            "retarget",
            expected=f"thumb and index finger in {_LEAST_SEEN:.0%} of the frames at least",
            got=f"{seen.mean():.0%}",
            remedy="film the hand from where thumb and index finger are seen",
        )
    whole = np.column_stack([np.interp(time_s, time_s[seen], column) for column in track[seen].T])
    return gaussian_filter1d(whole, sigma, axis=0, mode="nearest") if sigma > 0.0 else whole


def _rotations(across: FloatArray, ahead: FloatArray) -> FloatArray:
    """(T, 3, 3) rotations with y along `across` and z as near to `ahead` as that allows.

    Where the tips meet, or point back at the roots, there is no such frame: that of the nearest moment is taken.
    """
    lengths = np.linalg.norm(across, axis=1, keepdims=True)
    y = across / np.maximum(lengths, _EPSILON)
    z = ahead - (ahead * y).sum(axis=1, keepdims=True) * y
    heights = np.linalg.norm(z, axis=1, keepdims=True)
    z = z / np.maximum(heights, _EPSILON)
    known = np.flatnonzero((np.minimum(lengths, heights) > _EPSILON).any(axis=1))
    if not len(known):
        raise InputError("retarget", expected="fingertips that are apart at some time", got="always in one place")
    nearest = np.abs(np.arange(len(across))[:, None] - known).argmin(axis=1)
    return np.stack([np.cross(y, z), y, z], axis=-1)[known[nearest]]


def _closed(apart_m: FloatArray, how: RetargetConfig) -> NDArray[np.bool_]:
    """(T,) hysteresis on the opening, as a share of its range."""
    low, high = np.quantile(apart_m, _QUANTILES)
    closed = np.zeros(len(apart_m), dtype=bool)
    if high - low < _LEAST_RANGE_M:
        return closed
    state = False
    for row, opening in enumerate((apart_m - low) / (high - low)):
        state = bool(opening < (how.open_above if state else how.close_below))
        closed[row] = state
    return closed
