"""Whether the open hand has room among what was seen: its boxes against the points, fast enough for every look."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, GripperSpec

Float32Array = NDArray[np.float32]

_PALM = 4


def points_in_hand(
    poses: FloatArray, points: Float32Array, gripper: GripperSpec, *, tolerance_m: float
) -> NDArray[np.int64]:
    """(N,) how many points lie deeper than a tolerance inside the fingers or the palm of the fully open hand.

    Args:
        poses: (N, 4, 4) grasps.
        points: (P, 3) what was seen, in the same frame.
        gripper: its boxes.
        tolerance_m: how far a point may be inside a box and still be taken for noise.
    """
    x, y, z = in_grasp_frames(poses, points)
    ahead, side = np.abs(x, out=x), np.abs(y, out=y)  # the hand's two halves are mirror images
    inside = np.zeros(z.shape, dtype=bool)
    for low, high in gripper.boxes()[[0, 2, _PALM]]:
        first = 0.0 if low[1] < 0.0 else low[1] + tolerance_m
        box = (ahead < high[0] - tolerance_m) & (side < high[1] - tolerance_m) & (z < high[2] - tolerance_m)
        box &= z > low[2] - (tolerance_m if low[1] >= 0.0 else 0.0)
        if first > 0.0:
            box &= side > first
        inside |= box
    return np.count_nonzero(inside, axis=0)


def palm_overlap(poses: FloatArray, points: Float32Array, gripper: GripperSpec) -> FloatArray:
    """(N,) how far behind the palm's surface the deepest points in its shadow lie; 0 where none does.

    Args:
        poses: (N, 4, 4) grasps.
        points: (P, 3) what was seen, in the same frame.
        gripper: its palm.
    """
    x, y, z = in_grasp_frames(poses, points)
    low, high = gripper.boxes()[_PALM]
    shadow = (np.abs(x) < high[0]) & (np.abs(y) < high[1]) & (z > low[2]) & (z < high[2])
    return np.where(shadow, high[2] - z, 0.0).max(axis=0, initial=0.0).astype(np.float64)


def in_grasp_frames(poses: FloatArray, points: Float32Array) -> tuple[Float32Array, Float32Array, Float32Array]:
    """Coordinates x, y and z, each (P, N), of points (P, 3) in the frames of grasps (N, 4, 4)."""
    R = poses[:, :3, :3].astype(np.float32)
    origin = np.einsum("nkj,nk->nj", poses[:, :3, :3], poses[:, :3, 3]).astype(np.float32)
    x, y, z = (points @ R[:, :, axis].T - origin[:, axis] for axis in range(3))
    return x, y, z
