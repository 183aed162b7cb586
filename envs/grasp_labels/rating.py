"""Rating grasps against a scene's true geometry: does the hand fit, and does the grip hold?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from envs.grasp_labels.clearance import hits, lowest_m, surely_hits
from envs.grasp_labels.closing import Closing, close_fingers, probe
from envs.grasp_labels.scene_geometry import Float32Array, SceneGeometry
from geometry import PANDA_HAND, GripperSpec, InputError

FAILURES = ("none", "table", "collision", "nothing between the fingers", "no grip")
"""Why a grasp fails, by the number in `Ratings.failure`."""

_TABLE_M = 0.003
_MARGIN_M = 0.002
_APPROACH_M = 0.05
_WIDTHS_M = (0.006, 0.076)
_MOST_FRICTION = 1.0
_AT_ONCE = 16384


class Ratings(NamedTuple):
    """What is true of N grasps."""

    quality: Float32Array
    """(N,) in [0, 1]; 0 where the grasp fails."""
    width_m: Float32Array
    """(N,) between the contacts, 0 where the fingers meet nothing."""
    offset_m: Float32Array
    """(N,) middle between the contacts, along y."""
    object: NDArray[np.int32]
    """(N,) number of the object that both fingers meet, -1 where there is none."""
    com_m: Float32Array
    """(N,) distance of that object's centre of mass from the plane of y and z, along x."""
    failure: NDArray[np.uint8]
    """(N,) index into `FAILURES`."""


def rate_grasps(geometry: SceneGeometry, poses: ArrayLike, gripper: GripperSpec = PANDA_HAND) -> Ratings:
    """Rate parallel-jaw grasps with the fully open hand.

    A grasp fails if the hand comes closer than 3 mm to the table or 2 mm to any solid (at the grasp,
    or on the straight 5 cm before it), or if the closing fingers do not first meet the two sides of
    one object. What is left is the better the less friction it needs, the more of the finger
    touches, and the less it pushes the object sideways before both fingers touch.

    Args:
        geometry: the scene.
        poses: (N, 4, 4) `T_table_grasp`.
        gripper: the hand.
    Source: antipodal force closure with soft contacts (Nguyen 1988), as labels as in GraspNet-1Billion.
    """
    T = np.asarray(poses, dtype=np.float32)
    if T.ndim != 3 or T.shape[1:] != (4, 4):
        raise InputError("rate_grasps", expected="poses (N, 4, 4)", got=f"{T.shape}")
    parts = [_rate(geometry, T[i : i + _AT_ONCE], gripper) for i in range(0, max(len(T), 1), _AT_ONCE)]
    return Ratings(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _rate(geometry: SceneGeometry, poses: Float32Array, gripper: GripperSpec) -> Ratings:
    count = len(poses)
    quality, width_m, offset_m, com_m = np.zeros((4, count), np.float32)
    nothing = np.full(count, -1, np.int32)
    result = Ratings(quality, width_m, offset_m, nothing, com_m, np.zeros(count, np.uint8))
    if not len(geometry.objects):
        result.failure[:] = 3
        return result
    result.failure[lowest_m(poses, gripper) < _TABLE_M] = 1
    left = np.flatnonzero(result.failure == 0)
    result.failure[left[surely_hits(geometry.field, poses[left], gripper)]] = 2
    left = np.flatnonzero(result.failure == 0)
    result.failure[left[~probe(geometry, poses[left], gripper)]] = 3
    left = np.flatnonzero(result.failure == 0)
    closing = close_fingers(geometry, poses[left], gripper)
    quality = _quality(closing)
    _fill(result, geometry, poses, left, closing)
    result.failure[left[quality <= 0.0]] = 4
    good = left[quality > 0.0]
    clear = ~hits(geometry.field, poses[good], gripper, _MARGIN_M, _APPROACH_M)
    result.failure[good[~clear]] = 2
    result.quality[good[clear]] = quality[quality > 0.0][clear]
    return result


def _fill(
    result: Ratings, geometry: SceneGeometry, poses: Float32Array, left: NDArray[np.int64], closing: Closing
) -> None:
    held = left[closing.meets]
    number = closing.object[closing.meets]
    result.object[held] = number
    result.width_m[held] = closing.width_m[closing.meets]
    result.offset_m[held] = closing.offset_m[closing.meets]
    arm = geometry.coms[number].astype(np.float32) - poses[held, :3, 3]
    result.com_m[held] = np.abs(np.einsum("ni,ni->n", arm, poses[held, :3, 0]))


def _quality(closing: Closing) -> Float32Array:
    """(N,) in [0, 1]."""
    fits = closing.meets & (closing.width_m > _WIDTHS_M[0]) & (closing.width_m < _WIDTHS_M[1])
    fits &= closing.friction <= _MOST_FRICTION
    grip = 1.0 - np.clip(closing.friction - 0.1, 0.0, 0.9)
    area = np.clip(closing.contacts / 4.0, 0.25, 1.0)
    tips = np.clip((closing.deepest_m - 0.001) / 0.008, 0.3, 1.0)
    push = 1.0 - np.clip((np.abs(closing.offset_m) - 0.015) / 0.02, 0.0, 0.8)
    return np.where(fits, np.clip(grip * area * tips * push, 0.0, 1.0), 0.0).astype(np.float32)
