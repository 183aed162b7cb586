"""Poses as people and programs write them down, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from geometry import FloatArray, InputError, from_pos_quat, transform

_FAR_M = 20.0
_ORTHONORMAL, _UNIT = 2e-3, 2e-2
_EXPECTED = (
    "a pose: 4 x 4 numbers, or [x, y, z, qx, qy, qz, qw], or {xyz_m: [...], quat_xyzw: [...]}, or ROS's translation "
    "and rotation"
)


def pose_from_text(value: Any, where: str) -> FloatArray:
    """(4, 4) pose of a parsed JSON or YAML value; metres, quaternions xyzw.

    Raises:
        InputError: if it is no pose, no rotation, or so far away that it is hardly in metres.
    """
    try:
        if isinstance(value, Mapping):
            T = _from_mapping(value)
        else:
            numbers = np.asarray(value, dtype=np.float64)
            T = _from_numbers(numbers[:3], numbers[3:]) if numbers.shape == (7,) else numbers.reshape(4, 4)
    except (KeyError, TypeError, ValueError):
        raise InputError(where, expected=_EXPECTED, got=_short(value)) from None
    R = T[:3, :3]
    if not np.all(np.isfinite(T)) or not np.allclose(T[3], [0.0, 0.0, 0.0, 1.0], atol=1e-6):
        raise InputError(where, expected="a finite pose whose last row is 0 0 0 1", got=_short(value))
    if np.abs(R @ R.T - np.eye(3)).max() > _ORTHONORMAL or np.linalg.det(R) < 0.0:
        raise InputError(where, expected="a rotation in the upper left 3 x 3", got=_short(value))
    if np.linalg.norm(T[:3, 3]) > _FAR_M:
        raise InputError(where, expected="metres", got=f"a pose {np.linalg.norm(T[:3, 3]):.0f} away")
    return transform(Rotation.from_matrix(R), T[:3, 3])


def point_from_text(value: Any, where: str) -> FloatArray:
    """(3,) point, metres.

    Raises:
        InputError: if it is none.
    """
    try:
        point = np.asarray([value[axis] for axis in "xyz"] if isinstance(value, Mapping) else value, dtype=np.float64)
    except (KeyError, TypeError, ValueError):
        point = np.zeros(0)
    if point.shape != (3,) or not np.all(np.isfinite(point)) or np.linalg.norm(point) > _FAR_M:
        raise InputError(where, expected="a point [x, y, z] in metres", got=_short(value))
    return point


def _from_mapping(value: Mapping[str, Any]) -> FloatArray:
    if "xyz_m" in value:
        return _from_numbers(value["xyz_m"], value["quat_xyzw"])
    place, turn = ("position", "orientation") if "position" in value else ("translation", "rotation")
    return _from_numbers([value[place][axis] for axis in "xyz"], [value[turn][axis] for axis in "xyzw"])


def _from_numbers(xyz: Any, quat: Any) -> FloatArray:
    position, quat_xyzw = np.asarray(xyz, dtype=np.float64), np.asarray(quat, dtype=np.float64)
    length = float(np.linalg.norm(quat_xyzw))
    if position.shape != (3,) or quat_xyzw.shape != (4,) or not abs(length - 1.0) < _UNIT:
        raise ValueError
    return from_pos_quat(position, quat_xyzw)


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) < 80 else text[:77] + "..."
