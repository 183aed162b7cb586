"""The ground floor: rigid transforms, the pinhole camera, the grasp frame and the gripper's shape."""

from geometry.camera import PinholeCamera
from geometry.errors import InputError
from geometry.gripper import PANDA_HAND, GripperSpec
from geometry.rigid import (
    FloatArray,
    from_pos_quat,
    invert,
    look_at,
    rotation_angle,
    rotation_from_quat,
    to_pos_quat,
    transform,
    transform_points,
)

__all__ = [
    "PANDA_HAND",
    "FloatArray",
    "GripperSpec",
    "InputError",
    "PinholeCamera",
    "from_pos_quat",
    "invert",
    "look_at",
    "rotation_angle",
    "rotation_from_quat",
    "to_pos_quat",
    "transform",
    "transform_points",
]
