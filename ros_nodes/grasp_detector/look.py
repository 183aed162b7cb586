"""One frame as a planner takes it: a depth image or a cloud, where the camera stood, and where grasps are wanted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError, PinholeCamera, transform_points
from perception.cloud import finite_points
from perception.grasping import DepthView, view_of_cloud
from ros_nodes.grasp_detector.organised_clouds import image_of_cloud

EVERYWHERE = np.array([[-np.inf] * 3, [np.inf] * 3])
"""A workspace that leaves nothing out."""

_LEAST_PIXELS = 100
_LEAST_POINTS = 100


@dataclass(frozen=True, kw_only=True)
class Place:
    """What is known of the place, whatever the camera sees."""

    workspace: FloatArray
    """(2, 3) lower and upper corner, in the world, of where grasps are wanted; infinite where nothing was said."""
    table_z_m: float | None
    """Height of a level table in the world; None: it is looked for; -inf: there is none."""
    seed: int
    """Of the search for the table."""


def view_of_depth(
    depth_m: NDArray[np.float32], camera: PinholeCamera, T_world_camera: FloatArray, place: Place
) -> DepthView:
    """A depth image as a planner takes it, as it came.

    Args:
        depth_m: (H, W) metres, 0 or NaN where there is no return.
        camera: its intrinsics.
        T_world_camera: (4, 4) pose of the camera, optical frame.
        place: workspace, table and seed.
    Raises:
        InputError: if the image has another size than the camera, or next to nothing in it.
    """
    if depth_m.shape != (camera.height, camera.width):
        raise InputError(
            "depth image",
            expected=f"the {camera.width} x {camera.height} pixels of its CameraInfo",
            got=f"{depth_m.shape[1]} x {depth_m.shape[0]}",
            remedy="depth and camera info must be of one camera and one resolution",
        )
    with np.errstate(invalid="ignore"):
        seen = int(np.count_nonzero((depth_m > 0.0) & (depth_m < np.inf)))
    if seen < _LEAST_PIXELS:
        raise InputError(
            "depth image",
            expected=f"at least {_LEAST_PIXELS} pixels with a depth",
            got=f"{seen} of {depth_m.size}",
            remedy="is the camera's emitter on, its lens free, and the scene beyond its least distance?",
        )
    return DepthView(
        depth_m, camera, T_world_camera, place.workspace, place.table_z_m, np.random.default_rng(place.seed)
    )


def view_of_grid(grid: FloatArray, T_world_camera: FloatArray, place: Place) -> DepthView:
    """A cloud as a planner takes it: as the depth image that it was made of where that can be told, else as any points.

    Args:
        grid: (H, W, 3) metres in the sensor's frame, in the rows and columns of the message.
        T_world_camera: (4, 4) pose of the sensor.
        place: workspace, table and seed.
    Raises:
        InputError: see `view_of_points`.
    """
    image = image_of_cloud(grid)
    if image is None:
        return view_of_points(finite_points(grid.reshape(-1, 3)), T_world_camera, place)
    return view_of_depth(image.depth_m, image.camera, T_world_camera, place)


def view_of_points(points_camera: FloatArray, T_world_camera: FloatArray, place: Place) -> DepthView:
    """A cloud as a planner takes it: as the depth image that a camera at its frame's origin would have taken.

    Args:
        points_camera: (N, 3) metres in the sensor's frame, finite.
        T_world_camera: (4, 4) pose of the sensor.
        place: workspace, table and seed.
    Raises:
        InputError: if there are next to no points, or all of them lie at the sensor.
    """
    if len(points_camera) < _LEAST_POINTS:
        raise InputError(
            "point cloud",
            expected=f"at least {_LEAST_POINTS} points that are finite",
            got=f"{len(points_camera)}",
            remedy="is the camera's emitter on, and its lens free?",
        )
    return view_of_cloud(
        transform_points(T_world_camera, points_camera),
        np.random.default_rng(place.seed),
        viewpoint=T_world_camera[:3, 3],
        workspace=place.workspace,
        table_z_m=place.table_z_m,
    )


def points_in_workspace(view: DepthView) -> NDArray[np.float32]:
    """(N, 3) what a look saw inside its workspace, metres in the world, in the order of its pixels."""
    T = np.asarray(view.T_world_camera, dtype=np.float64)
    depth, camera = np.asarray(view.depth_m, dtype=np.float64), view.camera
    x = (np.arange(camera.width) - camera.cx) / camera.fx
    y = ((np.arange(camera.height) - camera.cy) / camera.fy)[:, None]
    inside = (depth > 0.0) & (depth < np.inf)
    axes = []
    for axis in range(3):  # one at a time: four times as fast as (H, W, 3) points for the whole image
        with np.errstate(invalid="ignore"):  # pixels without return may be infinite
            place = (T[axis, 0] * x + (T[axis, 1] * y + T[axis, 2])) * depth + T[axis, 3]
        inside &= (place >= view.workspace[0, axis]) & (place <= view.workspace[1, axis])
        axes.append(place)
    return np.stack([place[inside] for place in axes], axis=-1).astype(np.float32)
