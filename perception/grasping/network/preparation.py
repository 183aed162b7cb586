"""From a look at a scene to what the network is shown: the table's frame, the canonical image, its scale put right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geometry import FloatArray, InputError, PinholeCamera, invert, transform_points
from perception.grasping.network.canonical_view import CANVAS, PIXEL_M, canonical_camera, resample
from perception.grasping.network.checked_view import checked
from perception.grasping.network.depth_scale import scale_error, table_depth
from perception.grasping.network.search import View
from perception.grasping.network.support import Support, find_support, sampled_points
from perception.grasping.scene_view import DepthView, SceneView

LARGEST_CANVAS = 640
"""Most pixels of a canonical image along each side."""

_USUAL_M = 0.3
_ABOVE_M = 0.01
_TALLEST_M = 0.1
_STRIDE = 2


class Prepared(NamedTuple):
    """One look, ready for the network."""

    view: View
    """The canonical image, its scale put right."""
    camera: PinholeCamera
    """The canonical camera."""
    T_world_table: FloatArray
    """(4, 4) pose of the table frame."""
    T_table_camera: FloatArray
    """(4, 4) pose of the canonical camera in the table frame."""
    T_table_real: FloatArray
    """(4, 4) pose of the real camera in the table frame."""
    has_table: bool
    """Whether z = 0 is solid; else it only lies below what was seen, and the image shows it where nothing was."""
    workspace: FloatArray
    """(2, 3) corners in the world of where grasps are wanted; infinite where nothing was said."""
    scale: float
    """What the measured depth was divided by."""

    def in_workspace(self, points: Tensor) -> Tensor:
        """(N,) which points (N, 3) of the table frame lie in the workspace."""
        T = torch.as_tensor(self.T_world_table, dtype=points.dtype)
        low, high = torch.as_tensor(self.workspace, dtype=points.dtype)
        world = points.cpu() @ T[:3, :3].T + T[:3, 3]
        return ((world >= low) & (world <= high)).all(dim=1).to(points.device)


def prepare(view: SceneView, *, device: torch.device | str = "cpu") -> Prepared:
    """Make a look ready for the network; `workspace` may hold infinities.

    Raises:
        InputError: if the image is no depth image in metres of the camera's size, a pose is none, or the
            camera stands below the table.
    """
    return prepare_all([view], device=device)[0]


def prepare_all(views: Sequence[SceneView], *, device: torch.device | str = "cpu") -> list[Prepared]:
    """Make several looks at one scene ready for the network, all in one table frame; see `prepare`."""
    looks = [checked(view) for view in views]
    support = find_support(looks)
    return [_prepared(look, support, device) for look in looks]


def _prepared(view: DepthView, support: Support, device: torch.device | str) -> Prepared:
    T_table_camera = invert(support.T_world_table) @ view.T_world_camera
    if support.is_table and T_table_camera[2, 3] <= 0.0:
        raise InputError(
            "T_world_camera, table_z_m",
            expected="a camera above the table",
            got=f"one {-T_table_camera[2, 3]:.3f} m below it",
            remedy="T_world_camera is the camera's pose in the world (not its inverse), optical frame, metres",
        )
    center, half = _region(view, support, T_table_camera)
    camera, T_table_canonical = canonical_camera(T_table_camera, center, canvas_for(half, T_table_camera, center))
    image = resample(view.depth_m, view.camera, T_table_camera, camera, T_table_canonical)
    if not support.is_table:
        image = _on_make_believe_table(image, camera, T_table_canonical)
    known = view.table_z_m is not None and np.isfinite(view.table_z_m)
    scale = _scale(image, camera, T_table_canonical) if known else 1.0
    network_view = View(
        torch.from_numpy(image / np.float32(scale))[None].to(device),
        torch.tensor([camera.fx], dtype=torch.float32, device=device),
        torch.as_tensor(T_table_canonical, dtype=torch.float32, device=device)[None],
    )
    return Prepared(
        network_view,
        camera,
        support.T_world_table,
        T_table_canonical,
        T_table_camera,
        support.is_table,
        view.workspace,
        scale,
    )


def canvas_for(half_m: FloatArray, T_table_camera: FloatArray, center_xy: FloatArray) -> tuple[int, int]:
    """(H, W) of a canonical image for a region on the table: the usual one, grown by as much as the region needs.

    Args:
        half_m: (2,) half the region's extents along x and y of the table frame.
        T_table_camera: (4, 4) pose of the real camera.
        center_xy: (2,) middle of the region.
    """
    if np.all(half_m <= 0.5 * _USUAL_M + 1e-6):
        return CANVAS
    camera, T_table_canonical = canonical_camera(T_table_camera, center_xy)
    needed = _extent(half_m, camera, T_table_canonical, center_xy)
    usual = _extent(np.full(2, 0.5 * _USUAL_M), camera, T_table_canonical, center_xy)
    more = np.maximum(needed - usual, 0.0)
    height, width = (int(min(LARGEST_CANVAS, 16 * np.ceil((s + m) / 16))) for s, m in zip(CANVAS, more, strict=True))
    return height, width


def _extent(half_m: FloatArray, camera: PinholeCamera, T_table_canonical: FloatArray, center: FloatArray) -> FloatArray:
    """(2,) rows and columns that a box on the table takes up about the middle of the image."""
    signs = np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (0, 1)], dtype=np.float64)
    corners = np.array([*center, 0.0]) + signs * [*half_m, _TALLEST_M]
    local = transform_points(invert(T_table_canonical), corners)
    nearest_m = 0.6 * PIXEL_M * camera.fx  # what is nearer the camera than that may leave the image
    slopes = local[:, :2] / np.maximum(local[:, 2:], nearest_m)
    return 2.0 * camera.fx * np.abs(slopes).max(axis=0)[::-1]


def _region(view: DepthView, support: Support, T_table_camera: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Middle (2,) and half extents (2,), in the table frame, of where grasps are wanted."""
    workspace = view.workspace
    if not np.isfinite(workspace).all():
        points = transform_points(invert(support.T_world_table), sampled_points(view))
        above = points[points[:, 2] > _ABOVE_M]
        points = above if len(above) >= 8 else points
        if not len(points):
            ahead = T_table_camera[:3, 3] + 0.5 * T_table_camera[:3, 2]
            return ahead[:2], np.full(2, 0.5 * _USUAL_M)
        low, high = np.percentile(points[:, :2], [3.0, 97.0], axis=0)
        return 0.5 * (low + high), 0.5 * (high - low) + 0.02
    corners = np.array([[workspace[i, 0], workspace[j, 1], workspace[k, 2]] for i, j, k in np.ndindex(2, 2, 2)])
    corners = transform_points(invert(support.T_world_table), corners)[:, :2]
    low, high = corners.min(axis=0), corners.max(axis=0)
    return 0.5 * (low + high), 0.5 * (high - low)


def _scale(image: NDArray[np.float32], camera: PinholeCamera, T_table_canonical: FloatArray) -> float:
    return scale_error(image[::_STRIDE, ::_STRIDE], _table_depth(camera, T_table_canonical, _STRIDE))


def _on_make_believe_table(
    image: NDArray[np.float32], camera: PinholeCamera, T_table_canonical: FloatArray
) -> NDArray[np.float32]:
    """What was seen, on a table where nothing was: the network knows no objects that float in the void."""
    return np.where((image > 0.0) | ~image.any(), image, _table_depth(camera, T_table_canonical))


def _table_depth(camera: PinholeCamera, T_table_canonical: FloatArray, stride: int = 1) -> NDArray[np.float32]:
    """(h, w) depth of the plane z = 0 at every so many pixels; 0 where they miss it."""
    rays = camera.rays()[::stride, ::stride].astype(np.float32) @ T_table_canonical[:3, :3].T.astype(np.float32)
    return table_depth(rays, float(T_table_canonical[2, 3]))
