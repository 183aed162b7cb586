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
        if not 0.0 <= self.close_below < self.open_above <= 1.0 or min(self.smooth_s, self.pad_m) < 0.0:
            raise InputError("RetargetConfig", expected="0 <= close_below < open_above <= 1", got=f"{self}")


@dataclass(frozen=True, kw_only=True, eq=False)
class GripperMotion:
    """What a gripper would have to do to move as a hand did, over T moments."""

    time_s: FloatArray
    """(T,)."""
    T_world_grasp: FloatArray
    """(T, 4, 4) the grasp frame: midway between the tips, +y from the thumb to the index finger, +z ahead."""
    width_m: FloatArray
    """(T,) gap between the jaws."""
    closed: NDArray[np.bool_]
    """(T,) whether the gripper holds."""


def retarget(time_s: FloatArray, hand_m: FloatArray, config: RetargetConfig | None = None) -> GripperMotion:
    """The gripper's motion for a hand's; what was not seen is filled in between what was.

    The opening is judged by its own range in the recording (its 20 % and 90 % quantiles), so that neither the size of
    the hand nor that of the thing must be known.

    Args:
        time_s: (T,) ascending.
        hand_m: (T, 21, 3) in the world; NaN where not seen.
        config: None takes the defaults.

    Raises:
        InputError: where the fingertips are hardly ever seen.
    """
    how = config or RetargetConfig()
    points = np.asarray(hand_m, dtype=np.float64)
    if points.shape != (len(time_s), len(HAND21), 3) or (np.diff(time_s) <= 0.0).any():
        expected = f"hand_m ({len(time_s)}, {len(HAND21)}, 3) at times that grow"
        raise InputError("retarget", expected=expected, got=f"{points.shape}")
    frame_s = float(np.median(np.diff(time_s))) if len(time_s) > 1 else 1.0
    thumb, index, *roots = (
        _filled(time_s, points[:, row], how.smooth_s / frame_s) for row in (_THUMB, _INDEX, *_ROOTS)
    )
    across = index - thumb
    apart = np.linalg.norm(across, axis=1)
    middle = 0.5 * (thumb + index)
    axes = _axes(across, middle - 0.5 * (roots[0] + roots[1]))
    return GripperMotion(
        time_s=np.asarray(time_s, dtype=np.float64),
        T_world_grasp=transform(axes, middle),
        width_m=np.clip(apart - 2.0 * how.pad_m, 0.0, how.widest_m),
        closed=_closed(apart, how),
    )


def _filled(time_s: FloatArray, track: FloatArray, sigma: float) -> FloatArray:
    """(T, 3) one point, gaps filled, smoothed."""
    seen = np.isfinite(track).all(axis=1)
    if seen.mean() < _LEAST_SEEN:
        raise InputError(
            "retarget",
            expected=f"fingertips in {_LEAST_SEEN:.0%} of the frames at least",
            got=f"{seen.mean():.0%}",
            remedy="film the hand from where thumb and index finger are seen",
        )
    whole = np.column_stack([np.interp(time_s, time_s[seen], column) for column in track[seen].T])
    return gaussian_filter1d(whole, sigma, axis=0, mode="nearest") if sigma > 0.0 else whole


def _axes(across: FloatArray, ahead: FloatArray) -> FloatArray:
    """(T, 3, 3) rotations with y along `across` and z as near to `ahead` as that allows."""
    y = across / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), _EPSILON)
    z = ahead - (ahead * y).sum(axis=1, keepdims=True) * y
    z = z / np.maximum(np.linalg.norm(z, axis=1, keepdims=True), _EPSILON)
    return np.stack([np.cross(y, z), y, z], axis=-1)


def _closed(apart_m: FloatArray, how: RetargetConfig) -> NDArray[np.bool_]:
    """(T,) hysteresis on the opening, as a share of its range."""
    low, high = np.quantile(apart_m, (0.2, 0.9))
    share = (apart_m - low) / max(float(high - low), _EPSILON)
    closed = np.zeros(len(share), dtype=bool)
    state = False
    for row, opening in enumerate(share):
        state = opening < how.open_above if state else opening < how.close_below
        closed[row] = state
    return closed
