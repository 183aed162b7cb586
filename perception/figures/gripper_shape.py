"""A parallel gripper as a fork of line segments, for drawing many of them without hiding the scene."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from geometry import PANDA_HAND, FloatArray, GripperSpec, transform_points

_STEM_M = 0.04


def gripper_fork(poses: ArrayLike, widths_m: ArrayLike, gripper: GripperSpec = PANDA_HAND) -> FloatArray:
    """Two fingers, the bridge between them and a stem along the approach, for each grasp.

    Args:
        poses: (N, 4, 4) grasps.
        widths_m: (N,) opening between the fingers, metres.
        gripper: for the length of the fingers.
    Returns:
        (N, 4, 2, 3) segments by their ends, in the frame of the poses: left, right, bridge, stem.
    """
    half = 0.5 * np.asarray(widths_m, dtype=np.float64)
    palm = -gripper.finger_depth_m
    corners = np.zeros((len(half), 4, 2, 3))
    corners[:, 0, :, 1] = half[:, None]
    corners[:, 1, :, 1] = -half[:, None]
    corners[:, 2, 0, 1], corners[:, 2, 1, 1] = half, -half
    corners[:, :, :, 2] = palm
    corners[:, :2, 1, 2] = 0.0
    corners[:, 3, 1, 2] = palm - _STEM_M
    flat = transform_points(np.asarray(poses, dtype=np.float64), corners.reshape(len(half), 8, 3))
    return flat.reshape(-1, 4, 2, 3)


def fork_tubes(segments: FloatArray, radius_m: float = 0.0025) -> tuple[FloatArray, FloatArray]:
    """Points on round tubes along segments, to draw them solid among the points of a cloud.

    Args:
        segments: (S, 2, 3) ends, metres.
        radius_m: of the tubes.
    Returns:
        points (S, M, 3), and outward normals (S, M, 3); M is the same for all segments.
    """
    start: FloatArray = segments[:, :1]
    along: FloatArray = segments[:, 1:] - start
    length = np.linalg.norm(along, axis=-1, keepdims=True)
    axis: FloatArray = along / np.maximum(length, 1e-9)
    helper: FloatArray = np.where(np.abs(axis[..., 2:]) < 0.9, [[[0.0, 0.0, 1.0]]], [[[1.0, 0.0, 0.0]]])
    side: FloatArray = np.cross(axis, helper)
    side /= np.linalg.norm(side, axis=-1, keepdims=True)
    up = np.cross(axis, side)
    steps = max(2, int(np.ceil(length.max(initial=0.0) / (0.4 * radius_m))))
    grid = np.meshgrid(np.linspace(0, 2 * np.pi, 16, endpoint=False), np.linspace(0, 1, steps))
    angle, fraction = (values.reshape(1, -1, 1) for values in grid)
    normals = np.cos(angle) * side + np.sin(angle) * up
    return start + fraction * along + radius_m * normals, normals
