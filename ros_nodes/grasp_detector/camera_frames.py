"""Frames as they come from topics, and what a planner sees in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from geometry import FloatArray, InputError, transform_points
from perception.grasping import DepthView
from ros_nodes.frames import Lookup
from ros_nodes.grasp_detector.look import Place, view_of_depth, view_of_grid
from ros_nodes.grasp_detector.problems import Problem, ProblemKind
from ros_nodes.grasp_detector.wishes import TargetPoint
from ros_nodes.messages.camera_infos import camera_from_info
from ros_nodes.messages.clouds import grid_from_cloud
from ros_nodes.messages.images import depth_from_image
from ros_nodes.messages.stamps import nanoseconds_of

WhereIs = Callable[[str, Any], Lookup]
"""Pose in the world of a frame at a time (a Time message)."""


@dataclass(frozen=True, kw_only=True)
class CameraFrame:
    """A depth image with its camera information, or a cloud."""

    data: Any
    """sensor_msgs Image or PointCloud2."""
    info: Any | None
    """CameraInfo of an image."""
    arrived_s: float
    """When it came, seconds of `time.perf_counter`."""

    @property
    def stamp(self) -> Any:
        """Its time, as a message."""
        return self.data.header.stamp

    @property
    def stamp_ns(self) -> int:
        """Its time."""
        return nanoseconds_of(self.data.header.stamp)

    @property
    def frame_id(self) -> str:
        """The camera's frame."""
        return str(self.data.header.frame_id)


def look_of(frame: CameraFrame, where_is: WhereIs, place: Place, *, rectified: bool) -> DepthView | Problem:
    """What a planner sees in a frame, or why nothing can be seen in it.

    Args:
        frame: as it came.
        where_is: asks TF.
        place: workspace and table.
        rectified: whether the image goes with its camera's projection matrix.
    """
    try:
        if frame.info is None:
            grid = grid_from_cloud(frame.data)
        else:
            camera, depth_m = camera_from_info(frame.info, rectified=rectified), depth_from_image(frame.data)
        found = where_is(frame.frame_id, frame.stamp)
        if found.T is None:
            return Problem(ProblemKind.NO_TRANSFORM, found.problem)
        if frame.info is None:
            return view_of_grid(grid, found.T, place)
        return view_of_depth(depth_m, camera, found.T, place)
    except InputError as error:
        return Problem(ProblemKind.BAD_FRAME, str(error))


def point_in_world(target: TargetPoint, stamp: Any, where_is: WhereIs) -> FloatArray | Problem:
    """(3,) a target's place in the world at the time of a frame, or why it is not known."""
    found = where_is(target.frame_id, stamp)
    if found.T is None:
        return Problem(ProblemKind.NO_TRANSFORM, f"target: {found.problem}")
    return np.asarray(transform_points(found.T, target.point_m[None])[0])
