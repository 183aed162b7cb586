"""Which points of a cloud a gripper would hit: at the grasp, between its fingers, and on its way there."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geometry import PANDA_HAND, FloatArray, GripperSpec, InputError
from perception.grasping.grasps import Grasps

_PAIRS_AT_ONCE = 400_000


class CollisionCounts(NamedTuple):
    """Points of the cloud inside each part of the gripper, for G grasps. Only `between` is welcome."""

    left_finger: NDArray[np.int64]
    """(G,) in the finger at +y, at the grasp's width."""
    right_finger: NDArray[np.int64]
    """(G,) in the finger at -y."""
    palm: NDArray[np.int64]
    """(G,) in the palm."""
    between: NDArray[np.int64]
    """(G,) in the volume that the fingers sweep when they close."""
    approach: NDArray[np.int64]
    """(G,) in what fingers and palm sweep on the straight way to the grasp, but not at its end."""

    @property
    def colliding(self) -> NDArray[np.int64]:
        """(G,) points that the gripper hits, on its way or at the grasp."""
        return self.left_finger + self.right_finger + self.palm + self.approach


def count_collisions(
    grasps: Grasps,
    points: ArrayLike,
    gripper: GripperSpec = PANDA_HAND,
    *,
    approach_m: float = 0.05,
    margin_m: float = 0.0,
    open_fully: bool = False,
) -> CollisionCounts:
    """Count the cloud's points inside the gripper at each grasp.

    Args:
        grasps: in the frame of the points; their `widths_m` open the fingers, clipped to the gripper.
        points: (N, 3) metres, in the frame of the grasps; rows that are not finite are ignored.
        gripper: its boxes.
        approach_m: length of the straight way along +z that leads to the grasp.
        margin_m: grows every box of the gripper on all sides; the volume between the fingers shrinks by it.
        open_fully: take the gripper's whole opening in place of each grasp's width.
    """
    cloud = np.asarray(points, dtype=np.float64)
    if cloud.ndim != 2 or cloud.shape[1] != 3 or not (approach_m >= 0.0 and margin_m >= 0.0):
        raise InputError(
            "count_collisions",
            expected="points (N, 3), approach_m and margin_m of at least 0",
            got=f"{cloud.shape}, {approach_m} and {margin_m}",
        )
    cloud = cloud[np.all(np.isfinite(cloud), axis=1)]
    counts = np.zeros((5, len(grasps)), dtype=np.int64)
    if not len(cloud) or not len(grasps):
        return CollisionCounts(*counts)
    widths = np.clip(grasps.widths_m, 0.0, gripper.max_width_m)
    widths = np.full_like(widths, gripper.max_width_m) if open_fully else widths
    hull = _hull(gripper, approach_m, margin_m)
    step = max(1, _PAIRS_AT_ONCE // len(cloud))
    for start in range(0, len(grasps), step):
        owner, local = _near(cloud, grasps.poses[start : start + step], hull)
        for row, hit in enumerate(_inside_parts(local, widths[start + owner], gripper, approach_m, margin_m)):
            counts[row] += np.bincount(start + owner[hit], minlength=len(grasps))
    return CollisionCounts(*counts)


def _inside_parts(
    local: FloatArray, widths: FloatArray, gripper: GripperSpec, approach_m: float, margin_m: float
) -> tuple[NDArray[np.bool_], ...]:
    """For points (P, 3) in grasp frames, with openings (P,): in left, right, palm, between, approach.

    The points are mirrored and shifted so that every finger is that of a closed gripper at y = 0.
    """
    boxes = gripper.boxes(0.0)
    palm_box, region = boxes[4], gripper.closing_region(0.0)
    half = 0.5 * widths
    sides = [np.stack([local[:, 0], s * local[:, 1] - half, local[:, 2]], axis=1) for s in (1.0, -1.0)]
    left, right = (_inside(p, boxes[0], margin_m) | _inside(p, boxes[2], margin_m) for p in sides)
    palm = _inside(local, palm_box, margin_m)
    region_z, region_x = region[:, 2], region[:, 0]
    between = (
        (np.abs(local[:, 1]) < half - margin_m)
        & (local[:, 0] > region_x[0])
        & (local[:, 0] < region_x[1])
        & (local[:, 2] > region_z[0])
        & (local[:, 2] < region_z[1])
        & ~palm
    )
    swept = _inside(local, _extended(palm_box, approach_m), margin_m)
    for p in sides:
        swept |= _inside(p, _extended(boxes[0], approach_m), margin_m)
        swept |= _inside(p, _extended(boxes[2], approach_m), margin_m)
    return left, right, palm, between, swept & ~(left | right | palm)


def _inside(points: FloatArray, box: FloatArray, margin_m: float) -> NDArray[np.bool_]:
    return np.asarray(np.all((points > box[0] - margin_m) & (points < box[1] + margin_m), axis=1))


def _extended(box: FloatArray, back_m: float) -> FloatArray:
    """The box, and where it was on its way, from `back_m` behind."""
    return np.array([box[0] - (0.0, 0.0, back_m), box[1]])


def _hull(gripper: GripperSpec, approach_m: float, margin_m: float) -> FloatArray:
    """(2, 3) box around the open gripper and its way."""
    corners = np.concatenate([_extended(box, approach_m) for box in gripper.boxes()])
    return np.stack([corners.min(axis=0) - margin_m, corners.max(axis=0) + margin_m])


def _near(cloud: FloatArray, poses: FloatArray, hull: FloatArray) -> tuple[NDArray[np.int64], FloatArray]:
    """Pairs of a pose and a point in its hull: the pose's index (P,), the point in its frame (P, 3)."""
    inside = np.ones((len(poses), len(cloud)), dtype=bool)
    for axis in range(3):
        column = poses[:, :3, axis]
        along = column @ cloud.T
        along -= np.einsum("gi,gi->g", column, poses[:, :3, 3])[:, None]
        inside &= (along > hull[0, axis]) & (along < hull[1, axis])
    owner, index = np.nonzero(inside)
    return owner, np.einsum("pij,pi->pj", poses[owner, :3, :3], cloud[index] - poses[owner, :3, 3])
