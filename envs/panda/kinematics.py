"""Forward kinematics and Jacobian of the Panda, batched, without a physics client.

Each joint turns about the z axis of its own frame; `_ORIGINS` are the joint origins of
Franka's URDF (and of pybullet_data's copy). Poses are those of the grasp frame (see
`geometry.gripper`) in the robot's base frame.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation

from geometry import PANDA_HAND, FloatArray, transform

HOME_Q: FloatArray = np.array([0.0, -np.pi / 4, 0.0, -3 * np.pi / 4, 0.0, np.pi / 2, np.pi / 4])
"""Franka's "ready" posture, rad: hand pointing down 0.3 m in front of the base."""

_HALF_TURN = np.pi / 2
_ORIGINS = np.stack(
    [
        transform(Rotation.from_euler("x", roll_rad), xyz_m)
        for roll_rad, xyz_m in (
            (0.0, (0.0, 0.0, 0.333)),
            (-_HALF_TURN, (0.0, 0.0, 0.0)),
            (_HALF_TURN, (0.0, -0.316, 0.0)),
            (_HALF_TURN, (0.0825, 0.0, 0.0)),
            (-_HALF_TURN, (-0.0825, 0.384, 0.0)),
            (_HALF_TURN, (0.0, 0.0, 0.0)),
            (_HALF_TURN, (0.088, 0.0, 0.0)),
        )
    ]
)
_T_LINK7_GRASP = (
    transform(translation=(0.0, 0.0, 0.107)) @ transform(Rotation.from_euler("z", -np.pi / 4)) @ PANDA_HAND.T_hand_grasp
)


def joint_frames(q: ArrayLike) -> FloatArray:
    """(..., 7, 4, 4) poses in the base of the seven moving link frames at joint positions q (..., 7)."""
    angles = np.asarray(q, dtype=np.float64)
    cos, sin = np.cos(angles), np.sin(angles)
    frames = np.empty((*angles.shape, 4, 4))
    T = np.broadcast_to(np.eye(4), (*angles.shape[:-1], 4, 4))
    for i in range(7):
        T = T @ _ORIGINS[i]
        c, s = cos[..., i, None], sin[..., i, None]
        turned = T.copy()
        turned[..., :, 0] = c * T[..., :, 0] + s * T[..., :, 1]
        turned[..., :, 1] = c * T[..., :, 1] - s * T[..., :, 0]
        frames[..., i, :, :] = T = turned
    return frames


def grasp_pose(q: ArrayLike) -> FloatArray:
    """(..., 4, 4) `T_base_grasp` at joint positions q (..., 7)."""
    return joint_frames(q)[..., 6, :, :] @ _T_LINK7_GRASP


def pose_and_jacobian(q: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Grasp frame and its geometric Jacobian.

    Args:
        q: (..., 7) joint positions, rad.

    Returns:
        T_base_grasp: (..., 4, 4).
        jacobian: (..., 6, 7); joint speeds to the grasp origin's linear velocity (rows 0 to 2, m/s)
            and the hand's angular velocity (rows 3 to 5, rad/s), both in base coordinates.
    """
    frames = joint_frames(q)
    T = frames[..., 6, :, :] @ _T_LINK7_GRASP
    axes = frames[..., :3, 2]  # (..., 7, 3)
    levers = T[..., None, :3, 3] - frames[..., :3, 3]
    jacobian = np.empty((*axes.shape[:-2], 6, 7))
    jacobian[..., :3, :] = np.swapaxes(np.cross(axes, levers), -1, -2)
    jacobian[..., 3:, :] = np.swapaxes(axes, -1, -2)
    return T, jacobian
