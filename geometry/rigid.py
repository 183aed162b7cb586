"""Rigid transforms as `(..., 4, 4)` float64 matrices, batched over the leading axes.

`T_a_b` is the pose of frame b in frame a: it maps coordinates in b to coordinates in a, and
chains with `@` so that the inner names cancel: `T_world_camera @ T_camera_grasp`.
Quaternions are xyzw, as in PyBullet, ROS and SciPy. Rotations are SciPy's; this room only
puts them into matrices.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from geometry.errors import InputError

FloatArray = NDArray[np.float64]


def transform(rotation: ArrayLike | Rotation | None = None, translation: ArrayLike = (0.0, 0.0, 0.0)) -> FloatArray:
    """Build a transform from a rotation and a translation.

    Args:
        rotation: (..., 3, 3) matrix or a SciPy `Rotation`; None is the identity.
        translation: (..., 3) metres.
    Returns:
        (..., 4, 4) float64; leading axes broadcast.
    """
    if isinstance(rotation, Rotation):
        rotation = rotation.as_matrix()
    matrix = np.eye(3) if rotation is None else np.asarray(rotation, dtype=np.float64)
    offset = np.asarray(translation, dtype=np.float64)
    if matrix.shape[-2:] != (3, 3) or offset.shape[-1:] != (3,):
        raise InputError(
            "transform",
            expected="rotation (..., 3, 3) and translation (..., 3)",
            got=f"{matrix.shape} and {offset.shape}",
        )
    result = np.zeros((*np.broadcast_shapes(matrix.shape[:-2], offset.shape[:-1]), 4, 4))
    result[..., :3, :3] = matrix
    result[..., :3, 3] = offset
    result[..., 3, 3] = 1.0
    return result


def from_pos_quat(position: ArrayLike, quat_xyzw: ArrayLike) -> FloatArray:
    """Transform of a position (..., 3) and a unit quaternion (..., 4) in xyzw order."""
    return transform(rotation_from_quat(quat_xyzw), position)


def rotation_from_quat(quat_xyzw: ArrayLike) -> FloatArray:
    """(..., 3, 3) rotation matrices of (..., 4) quaternions in xyzw order."""
    quat = np.asarray(quat_xyzw, dtype=np.float64)
    if quat.shape[-1:] != (4,):
        raise InputError("rotation_from_quat", expected="quat_xyzw (..., 4)", got=f"{quat.shape}")
    return Rotation.from_quat(quat.reshape(-1, 4)).as_matrix().reshape(*quat.shape[:-1], 3, 3)


def to_pos_quat(T_a_b: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Positions (..., 3) and xyzw quaternions (..., 4) of transforms (..., 4, 4)."""
    T = np.asarray(T_a_b, dtype=np.float64)
    quat = Rotation.from_matrix(T[..., :3, :3].reshape(-1, 3, 3)).as_quat()
    return T[..., :3, 3].copy(), quat.reshape(*T.shape[:-2], 4)


def invert(T_a_b: ArrayLike) -> FloatArray:
    """`T_b_a`, using that the rotation is orthonormal."""
    T = np.asarray(T_a_b, dtype=np.float64)
    R_b_a = np.swapaxes(T[..., :3, :3], -1, -2)
    return transform(R_b_a, -(R_b_a @ T[..., :3, 3:])[..., 0])


def transform_points(T_a_b: ArrayLike, points_b: ArrayLike) -> FloatArray:
    """Map points given in frame b to frame a.

    Args:
        T_a_b: (..., 4, 4).
        points_b: (..., N, 3) metres; leading axes broadcast with those of `T_a_b`.
    Returns:
        points_a: (..., N, 3) metres.
    """
    T = np.asarray(T_a_b, dtype=np.float64)
    points = np.asarray(points_b, dtype=np.float64)
    return points @ np.swapaxes(T[..., :3, :3], -1, -2) + T[..., None, :3, 3]


def rotation_angle(R_a: ArrayLike, R_b: ArrayLike) -> FloatArray:
    """Angle in radians, 0 to pi, of the rotation between (..., 3, 3) matrices; batches broadcast."""
    product = np.swapaxes(np.asarray(R_a, dtype=np.float64), -1, -2) @ np.asarray(R_b, dtype=np.float64)
    trace = np.trace(product, axis1=-2, axis2=-1)
    return np.arccos(np.clip((trace - 1.0) / 2.0, -1.0, 1.0))


def look_at(eye: ArrayLike, target: ArrayLike, up: ArrayLike = (0.0, 0.0, 1.0)) -> FloatArray:
    """`T_world_camera` of a camera at `eye` that looks at `target`.

    The camera frame is optical: x right, y down, z forward. `up` is the world direction that
    shall point upwards in the image; it must not be parallel to the line of sight.

    Args:
        eye: (3,) metres in the world.
        target: (3,) metres in the world.
        up: (3,) direction in the world.
    Raises:
        InputError: if eye and target coincide or `up` is parallel to the line of sight.
    """
    forward = np.asarray(target, dtype=np.float64) - np.asarray(eye, dtype=np.float64)
    right = np.cross(forward, np.asarray(up, dtype=np.float64))
    if np.linalg.norm(right) < 1e-9:
        raise InputError(
            "look_at",
            expected="target apart from eye and `up` not along the line of sight",
            got=f"eye {np.asarray(eye).tolist()}, target {np.asarray(target).tolist()}, up {np.asarray(up).tolist()}",
            remedy="pass another `up`, for example (0, 1, 0) for a camera that looks straight down",
        )
    forward = forward / np.linalg.norm(forward)
    right = right / np.linalg.norm(right)
    return transform(np.stack([right, np.cross(forward, right), forward], axis=-1), eye)
