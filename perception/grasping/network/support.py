"""What objects stand on: a table whose height is said or found, or a make-believe one below all that is seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from geometry import FloatArray, transform, transform_points
from perception.cloud import Plane, crop_box, find_plane
from perception.grasping.scene_view import SceneView
from perception.grasping.table_scene import upright

REACH_M = 1.5
"""Without a workspace, whatever is farther from the camera than this is background."""

_SAMPLES = 6000
_PLANE_TRIALS = 150
_PSEUDO_TABLE_M = 0.01


class Support(NamedTuple):
    """What objects stand on, or are taken to stand on."""

    T_world_table: FloatArray
    """(4, 4) pose of the table frame: z up, origin on the surface."""
    is_table: bool
    """Whether there is a surface."""


def find_support(views: Sequence[SceneView]) -> Support:
    """The table under one or several looks: where it is said to be, or the largest plane with nothing beneath.

    Without either, the frame's z axis is the world's where the camera looks down along it, else towards
    the camera, and its origin lies just below the lowest points.
    """
    first = views[0]
    if first.table_z_m is not None and np.isfinite(first.table_z_m):
        return Support(transform(None, (0.0, 0.0, first.table_z_m)), True)
    points = np.concatenate([sampled_points(v, len(views)) for v in views])
    eye = np.asarray(first.T_world_camera, dtype=np.float64)[:3, 3]
    plane: Plane | None = None
    if first.table_z_m is None:
        plane = find_plane(points, first.rng, viewpoint=eye, trials=_PLANE_TRIALS)
    if plane is not None:
        return Support(transform(upright(plane.normal), plane.normal * plane.offset_m), True)
    forward = np.asarray(first.T_world_camera, dtype=np.float64)[:3, 2]
    up = np.array([0.0, 0.0, 1.0]) if forward[2] < -0.1 else -forward
    heights = points @ up
    lowest = float(np.percentile(heights, 1.0)) if len(points) else float(eye @ up) - 0.5
    return Support(transform(upright(up), up * (lowest - _PSEUDO_TABLE_M)), False)


def sampled_points(view: SceneView, share: int = 1) -> FloatArray:
    """(N, 3) some thousand points in the world, within reach and about the workspace."""
    depth = np.asarray(view.depth_m)
    step = max(1, int(np.sqrt(depth.size * share / _SAMPLES)))
    first = step // 2
    rows, columns = np.arange(first, depth.shape[0], step), np.arange(first, depth.shape[1], step)
    z = depth[first::step, first::step].astype(np.float64)
    with np.errstate(invalid="ignore"):
        good = np.isfinite(z) & (z > 0.0) & (z < REACH_M)
    x = (columns - view.camera.cx) / view.camera.fx * z
    y = ((rows - view.camera.cy) / view.camera.fy)[:, None] * z
    points = transform_points(view.T_world_camera, np.stack([x, y, z], axis=-1)[good])
    box = np.asarray(view.workspace, dtype=np.float64)
    size = np.where(np.isfinite(box).all(axis=0), box[1] - box[0], 0.0)
    near = points[crop_box(points, box + np.array([[-1.0], [1.0]]) * (0.3 * size + 0.05))]
    return near
