"""(4, 4) transforms <-> geometry_msgs/Pose and Transform."""

from __future__ import annotations

from typing import Any

import numpy as np
from geometry_msgs.msg import Point, Pose, Quaternion, Transform, TransformStamped, Vector3
from numpy.typing import ArrayLike

from geometry import FloatArray, InputError, from_pos_quat, to_pos_quat

_UNIT_WITHIN = 1e-2


def pose_from_matrix(T_frame_body: ArrayLike) -> Pose:
    """Pose message of a (4, 4) transform."""
    return poses_from_matrices(np.asarray(T_frame_body)[None])[0]


def poses_from_matrices(T_frame_bodies: ArrayLike) -> list[Pose]:
    """Pose messages of (N, 4, 4) transforms, several times faster than one by one."""
    if not len(np.asarray(T_frame_bodies)):
        return []  # older releases of SciPy know no empty rotations
    positions, quaternions = _parts(T_frame_bodies)
    return [
        Pose(position=Point(x=x, y=y, z=z), orientation=_quaternion(quat_xyzw))
        for (x, y, z), quat_xyzw in zip(positions, quaternions, strict=True)
    ]


def matrix_from_pose(pose: Any) -> FloatArray:
    """(4, 4) transform of a Pose message, or of a PoseStamped.

    Raises:
        InputError: for numbers that are not finite, or a quaternion that is not of length 1.
    """
    pose = getattr(pose, "pose", pose)
    return _matrix("Pose", pose.position, pose.orientation)


def transform_from_matrix(T_parent_child: ArrayLike) -> Transform:
    """Transform message of a (4, 4) transform."""
    ((x, y, z),), (quat_xyzw,) = _parts(np.asarray(T_parent_child)[None])
    return Transform(translation=Vector3(x=x, y=y, z=z), rotation=_quaternion(quat_xyzw))


def matrix_from_transform(transform: Any) -> FloatArray:
    """(4, 4) transform of a Transform message, or of a TransformStamped; see `matrix_from_pose`."""
    transform = getattr(transform, "transform", transform)
    return _matrix("Transform", transform.translation, transform.rotation)


def stamped_transform(T_parent_child: ArrayLike, header: Any, child_frame: str) -> TransformStamped:
    """Message for TF: the pose of `child_frame` in the header's frame."""
    return TransformStamped(header=header, child_frame_id=child_frame, transform=transform_from_matrix(T_parent_child))


def _parts(T: ArrayLike) -> tuple[list[list[float]], list[list[float]]]:
    matrices = np.asarray(T, dtype=np.float64)
    if matrices.ndim != 3 or matrices.shape[1:] != (4, 4) or not np.all(np.isfinite(matrices)):
        got = f"{matrices.shape[1:]} {matrices.tolist()[:1]}"
        raise InputError("pose message", expected="a finite (4, 4) transform", got=got)
    positions, quaternions = to_pos_quat(matrices)
    return positions.tolist(), quaternions.tolist()


def _quaternion(quat_xyzw: list[float]) -> Quaternion:
    x, y, z, w = quat_xyzw
    return Quaternion(x=x, y=y, z=z, w=w)


def _matrix(what: str, place: Any, turn: Any) -> FloatArray:
    position = np.array([place.x, place.y, place.z], dtype=np.float64)
    quat_xyzw = np.array([turn.x, turn.y, turn.z, turn.w], dtype=np.float64)
    if not (np.all(np.isfinite(position)) and np.all(np.isfinite(quat_xyzw))):
        raise InputError(what, expected="finite numbers", got=f"{position.tolist()}, {quat_xyzw.tolist()}")
    length = float(np.linalg.norm(quat_xyzw))
    if abs(length - 1.0) > _UNIT_WITHIN:
        raise InputError(
            f"{what}: orientation",
            expected="a quaternion of length 1",
            got=f"length {length:.4g} ({quat_xyzw.tolist()})",
            remedy="normalise it; no turn at all is x 0, y 0, z 0, w 1",
        )
    return from_pos_quat(position, quat_xyzw)
