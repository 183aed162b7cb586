"""From one look to cleaned object points in the frame of the table.

The table frame has its origin on the support plane and z up. Where no support is found, "up" is
towards the camera and there is no table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError, PinholeCamera, invert, transform, transform_points
from perception.cloud import Plane, crop_box, find_plane, flying_pixels, noise_level, smooth_depth, valid_depth
from perception.grasping.scene_view import SceneView

_PIXEL_M = 0.0022
_PLANE_POINTS = 20000
_LARGEST_SCALE_ERROR = 0.15
_LEVEL_RAD = 0.12
_SMOOTHING_M = 0.009
_LEAST_HEIGHT_M = 0.005
_NO_TABLE_M = -10.0


@dataclass(frozen=True)
class TableScene:
    """A cleaned depth image, thinned to pixels of about 2 mm, and the object points in it."""

    depth_m: FloatArray
    """(H, W) metres, 0 where there is no return; smoothed, its scale put right by the table."""
    camera: PinholeCamera
    """Intrinsics of `depth_m`."""
    T_world_table: FloatArray
    """(4, 4) pose of the table frame."""
    T_table_camera: FloatArray
    """(4, 4) pose of the camera in the table frame."""
    points: FloatArray
    """(H, W, 3) points in the table frame, NaN where there is no return."""
    is_object: NDArray[np.bool_]
    """(H, W) pixels inside the workspace and above the table."""
    has_table: bool
    """Whether a support plane is known; else z = 0 means nothing."""
    noise_m: float
    """Standard deviation of the depth noise before smoothing."""

    @property
    def object_points(self) -> FloatArray:
        """(N, 3) points of the objects in the table frame."""
        return self.points[self.is_object]


def read_scene(view: SceneView, *, correct_scale: bool = True) -> TableScene:
    """Clean one look at a scene, find its table, and tell objects from the rest.

    A depth camera's scale error moves everything along the lines of sight, by centimetres at 3 %. The
    table's known height gives it away: the ratio of the camera's heights above the seen and above
    the known table is the factor to divide by.
    """
    depth = valid_depth(view.depth_m)
    view.camera.check_image("read_scene: depth_m", depth)
    T_world_camera = np.asarray(view.T_world_camera, dtype=np.float64)
    if T_world_camera.shape != (4, 4) or not np.all(np.isfinite(T_world_camera)):
        raise InputError("read_scene", expected="T_world_camera (4, 4), finite", got=f"{T_world_camera.tolist()}")
    depth[flying_pixels(depth)] = 0.0
    inside = crop_box(transform_points(T_world_camera, view.camera.unproject(depth)), view.workspace)
    noise = noise_level(np.where(inside, depth, 0.0))
    depth, camera = _thinned(depth, view.camera, inside)
    plane = None if view.table_z_m == -np.inf else _support(depth, camera, T_world_camera, view)
    if correct_scale and view.table_z_m is not None and plane is not None:
        depth = depth / _scale_error(plane, T_world_camera[:3, 3], view.table_z_m)
    depth = _smoothed(depth, camera, noise)
    T_world_table, has_table = _table_frame(plane, T_world_camera, view.table_z_m)
    points_world = transform_points(T_world_camera, camera.unproject(depth))
    points = transform_points(invert(T_world_table), points_world)
    least = max(_LEAST_HEIGHT_M, 0.8 * noise) if has_table else -np.inf
    with np.errstate(invalid="ignore"):
        is_object = crop_box(points_world, view.workspace) & (points[..., 2] > least)
    return TableScene(
        depth_m=depth,
        camera=camera,
        T_world_table=T_world_table,
        T_table_camera=invert(T_world_table) @ T_world_camera,
        points=points,
        is_object=is_object,
        has_table=has_table,
        noise_m=noise,
    )


def _thinned(depth: FloatArray, camera: PinholeCamera, inside: NDArray[np.bool_]) -> tuple[FloatArray, PinholeCamera]:
    """Every n-th pixel, such that pixels are about 2 mm wide where the objects are."""
    if not inside.any():
        return depth, camera
    step = max(1, round(_PIXEL_M * camera.fx / float(np.median(depth[inside]))))
    first = step // 2
    thin = depth[first::step, first::step]
    return thin, PinholeCamera(
        width=thin.shape[1],
        height=thin.shape[0],
        fx=camera.fx / step,
        fy=camera.fy / step,
        cx=(camera.cx - first) / step,
        cy=(camera.cy - first) / step,
    )


def _support(depth: FloatArray, camera: PinholeCamera, T_world_camera: FloatArray, view: SceneView) -> Plane | None:
    """The plane under the objects in the world, or None."""
    points = transform_points(T_world_camera, camera.unproject(depth)[depth > 0.0])
    box = np.array(view.workspace, dtype=np.float64)
    size = np.nan_to_num(box[1] - box[0], posinf=0.0)
    points = points[crop_box(points, box + np.array([[-1.0], [1.0]]) * 0.3 * size)]
    points = points[:: max(1, len(points) // _PLANE_POINTS)]
    eye = T_world_camera[:3, 3]
    if view.table_z_m is None:
        return find_plane(points, view.rng, viewpoint=eye)
    return find_plane(points, view.rng, viewpoint=eye, up=(0, 0, 1), max_tilt_rad=_LEVEL_RAD, distance_m=0.01)


def _scale_error(plane: Plane, eye: FloatArray, table_z_m: float) -> float:
    """Seen over true distance, from the camera's height above the table; 1 where that makes no sense."""
    true_height = float(eye[2]) - table_z_m
    if true_height < 0.05:
        return 1.0
    scale = float(plane.height(eye)) / true_height
    return scale if abs(scale - 1.0) < _LARGEST_SCALE_ERROR else 1.0


def _smoothed(depth: FloatArray, camera: PinholeCamera, noise_m: float) -> FloatArray:
    """Depth smoothed over about a centimetre where the noise calls for it."""
    if noise_m < 0.0008 or not (depth > 0.0).any():
        return depth
    footprint = float(np.median(depth[depth > 0.0])) / camera.fx
    radius = int(np.clip(round(_SMOOTHING_M / footprint), 1, 6))
    for _ in range(2):
        depth = smooth_depth(depth, radius_px=radius, range_m=max(0.004, 2.5 * noise_m))
    return depth


def _table_frame(plane: Plane | None, T_world_camera: FloatArray, table_z_m: float | None) -> tuple[FloatArray, bool]:
    """`T_world_table`, and whether there is a table."""
    if table_z_m is not None and np.isfinite(table_z_m):
        return transform(None, (0.0, 0.0, table_z_m)), True
    if plane is not None:
        return transform(upright(plane.normal), plane.normal * plane.offset_m), True
    return transform(upright(-T_world_camera[:3, 2]), T_world_camera[:3, 3]), False


def upright(up: FloatArray) -> FloatArray:
    """(3, 3) rotation whose z axis is `up` and whose x axis is level in the frame that `up` stands in."""
    side = np.array([1.0, 0.0, 0.0]) if abs(up[0]) < 0.9 else np.array([0.0, 1.0, 0.0])
    y = np.cross(up, side)
    y /= np.linalg.norm(y)
    return np.stack([np.cross(y, up), y, up], axis=-1)
