"""From a look at a scene to what the network is shown: the table's frame, the canonical image, its scale put right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geometry import FloatArray, InputError, PinholeCamera, invert, transform, transform_points
from perception.cloud import Plane, crop_box, find_plane
from perception.grasping.network.canonical_view import CANVAS, canonical_camera, resample
from perception.grasping.network.depth_scale import scale_error, table_depth
from perception.grasping.network.search import View
from perception.grasping.scene_view import SceneView
from perception.grasping.table_scene import upright

REACH_M = 1.5
"""Without a workspace, whatever is farther from the camera than this is background."""
LARGEST_CANVAS = 640
"""Most pixels of a canonical image along each side."""

_USUAL_M = 0.3
_SAMPLES = 6000
_PLANE_TRIALS = 150
_ABOVE_M = 0.01
_TALLEST_M = 0.25
_PSEUDO_TABLE_M = 0.01
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
    """Whether z = 0 is solid; else it only lies below what was seen."""
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


class Support(NamedTuple):
    """What objects stand on, or are taken to stand on."""

    T_world_table: FloatArray
    """(4, 4) pose of the table frame: z up, origin on the surface."""
    is_table: bool
    """Whether there is a surface."""


def prepare(view: SceneView, *, device: torch.device | str = "cpu", support: Support | None = None) -> Prepared:
    """Make a look ready for the network.

    Args:
        view: the look; `workspace` may hold infinities.
        device: where the tensors go.
        support: the table, where it is known from elsewhere.
    Raises:
        InputError: if the image is no depth image in metres of the camera's size, a pose is none, or the
            camera stands below the table.
    """
    depth = _checked_depth(view.depth_m, view.camera)
    T_world_camera = _checked_pose(view.T_world_camera)
    workspace = np.asarray(view.workspace, dtype=np.float64)
    known = view.table_z_m is not None and bool(np.isfinite(view.table_z_m))
    support = support or find_support([view])
    T_table_camera = invert(support.T_world_table) @ T_world_camera
    if support.is_table and T_table_camera[2, 3] <= 0.0:
        raise InputError(
            "T_world_camera, table_z_m",
            expected="a camera above the table",
            got=f"one {-T_table_camera[2, 3]:.3f} m below it",
            remedy="T_world_camera is the camera's pose in the world (not its inverse), optical frame, metres",
        )
    center, half = _region(view, depth, workspace, support, T_table_camera)
    camera, T_table_canonical = canonical_camera(T_table_camera, center, canvas_for(half, T_table_camera, center))
    image = resample(depth, view.camera, T_table_camera, camera, T_table_canonical)
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
        workspace,
        scale,
    )


def find_support(views: Sequence[SceneView]) -> Support:
    """The table under one or several looks: where it is said to be, or the largest plane with nothing beneath.

    Without either, the frame's z axis is the world's where the camera looks down along it, else towards
    the camera, and its origin lies just below the lowest points.
    """
    first = views[0]
    if first.table_z_m is not None and np.isfinite(first.table_z_m):
        return Support(transform(None, (0.0, 0.0, first.table_z_m)), True)
    points = np.concatenate([_sampled_points(v, len(views)) for v in views])
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
    slopes = local[:, :2] / np.maximum(local[:, 2:], 0.1)
    return 2.0 * camera.fx * np.abs(slopes).max(axis=0)[::-1]


def _region(
    view: SceneView,
    depth: NDArray[np.float32],
    workspace: FloatArray,
    support: Support,
    T_table_camera: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Middle (2,) and half extents (2,), in the table frame, of where grasps are wanted."""
    if not np.isfinite(workspace).all():
        points = transform_points(invert(support.T_world_table), _sampled_points(view, 1))
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


def _sampled_points(view: SceneView, share: int) -> FloatArray:
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


def _scale(image: NDArray[np.float32], camera: PinholeCamera, T_table_canonical: FloatArray) -> float:
    rays = camera.rays()[::_STRIDE, ::_STRIDE].astype(np.float32) @ T_table_canonical[:3, :3].T.astype(np.float32)
    return scale_error(image[::_STRIDE, ::_STRIDE], table_depth(rays, float(T_table_canonical[2, 3])))


def _checked_depth(depth_m: object, camera: PinholeCamera) -> NDArray[np.float32]:
    depth = np.asarray(depth_m)
    if depth.ndim != 2 or not np.issubdtype(depth.dtype, np.floating):
        integers = depth.ndim == 2 and np.issubdtype(depth.dtype, np.integer)
        raise InputError(
            "depth_m",
            expected="a float image (H, W) in metres",
            got=f"{depth.dtype} of shape {depth.shape}",
            remedy="divide integer depth by its units per metre, usually 1000" if integers else "",
        )
    camera.check_image("depth_m", depth)
    sample = depth[:: max(1, depth.shape[0] // 40), :: max(1, depth.shape[1] // 40)]
    with np.errstate(invalid="ignore"):
        seen = sample[np.isfinite(sample) & (sample > 0.0)]
    if len(seen) and np.median(seen) > 50.0:
        raise InputError(
            "depth_m",
            expected="metres",
            got=f"a median depth of {np.median(seen):.0f}",
            remedy="these look like millimetres; divide by 1000",
        )
    return depth.astype(np.float32, copy=False)


def _checked_pose(T_world_camera: object) -> FloatArray:
    T = np.asarray(T_world_camera, dtype=np.float64)
    rigid = T.shape == (4, 4) and np.isfinite(T).all() and np.allclose(T[3], (0.0, 0.0, 0.0, 1.0))
    if not rigid or not np.allclose(T[:3, :3] @ T[:3, :3].T, np.eye(3), atol=1e-3) or np.linalg.det(T) < 0.0:
        raise InputError("T_world_camera", expected="a rigid transform (4, 4)", got=f"{T.tolist()}")
    return T
