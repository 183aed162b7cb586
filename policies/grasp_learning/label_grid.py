"""Every orientation and depth of the network's grid at every seed, rated."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.grasp_labels import SceneGeometry, rate_grasps
from geometry import FloatArray, transform
from perception.grasping.network import DEPTHS_M, ORIENTATIONS, view_rotation
from policies.grasp_learning.views import SEEDS, LabelledView

QUALITY_STEPS = 200
"""Bytes store quality in steps of one two-hundredth."""


class LabelGrid(NamedTuple):
    """Labels of one view: S seeds, K orientations, D depths."""

    quality: NDArray[np.uint8]
    """(S, K, D) quality times `QUALITY_STEPS`; 0 where the grasp fails."""
    width_mm: NDArray[np.uint8]
    """(S, K) of the best depth, 0 where all fail."""
    offset_mm: NDArray[np.int8]
    """(S, K) of the best depth, 0 where all fail."""
    failure: NDArray[np.uint8]
    """(S, K, D) why a grasp fails: index into `envs.grasp_labels.FAILURES`."""
    object: NDArray[np.int16]
    """(S, K, D) the object between the fingers, -1 where there is none."""


def grid_poses(view: LabelledView) -> FloatArray:
    """(n, K, D, 4, 4) `T_table_grasp` of the grid at the view's n seeds."""
    points = view.seed_points()
    rotations = view_rotation(view.T_table_camera) @ ORIENTATIONS  # (K, 3, 3)
    reach = DEPTHS_M[:, None] * rotations[:, None, :, 2]  # (K, D, 3)
    origins = points[:, None, None] + reach
    return transform(np.broadcast_to(rotations[:, None], (*origins.shape[:-1], 3, 3)), origins)


def label_view(geometry: SceneGeometry, view: LabelledView) -> LabelGrid:
    """Rate the grid of a view."""
    poses = grid_poses(view)
    shape = poses.shape[:3]
    ratings = rate_grasps(geometry, poses.reshape(-1, 4, 4))
    quality = ratings.quality.reshape(shape)
    best = quality.argmax(axis=2)[..., None]
    fails = np.take_along_axis(quality, best, axis=2)[..., 0] <= 0.0
    width_mm = np.take_along_axis(1e3 * ratings.width_m.reshape(shape), best, axis=2)[..., 0]
    offset_mm = np.take_along_axis(1e3 * ratings.offset_m.reshape(shape), best, axis=2)[..., 0]
    return LabelGrid(
        quality=_padded(np.rint(QUALITY_STEPS * quality).astype(np.uint8), 0),
        width_mm=_padded(np.where(fails, 0, np.rint(width_mm)).astype(np.uint8), 0),
        offset_mm=_padded(np.where(fails, 0, np.rint(offset_mm)).clip(-127, 127).astype(np.int8), 0),
        failure=ratings.failure.reshape(shape),
        object=ratings.object.reshape(shape).astype(np.int16),
    )


def _padded(labels: NDArray, fill: int) -> NDArray:  # type: ignore[type-arg]
    """The labels with `SEEDS` rows."""
    missing = SEEDS - len(labels)
    return np.concatenate([labels, np.full((missing, *labels.shape[1:]), fill, labels.dtype)])
