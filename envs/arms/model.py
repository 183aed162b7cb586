"""A serial arm with a parallel gripper: geometry, limits, and batched forward kinematics without a physics client.

Each joint turns about the z axis of its own frame. Poses are those of the grasp frame (see
`geometry.gripper`) in the robot's base frame.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from envs.arms.capsules import LinkCapsule, capsules_along
from envs.arms.limits import CartesianLimits, JointLimits
from geometry import PANDA_HAND, FloatArray, GripperSpec, InputError, transform


@dataclass(frozen=True, kw_only=True, eq=False)
class ArmModel:
    """What planning must know of an arm of n joints; two are the same only if they are one object."""

    name: str
    """Name for messages and figures."""
    joint_names: tuple[str, ...]
    """(n,) as the robot's driver and its URDF name them, from the base to the hand."""
    origins: FloatArray
    """(n, 4, 4) pose of each joint's frame at position 0, in the frame of the joint before it or the base."""
    T_last_grasp: FloatArray
    """(4, 4) pose of the grasp frame in the frame of the last joint."""
    limits: JointLimits
    """Of the joints."""
    home_q: FloatArray
    """(n,) rad, a posture to begin from and to spend redundancy on."""
    hand: CartesianLimits = field(default_factory=CartesianLimits)
    """Of the hand's motion."""
    gripper: GripperSpec = PANDA_HAND
    """The hand's shape."""
    link_radius_m: float = 0.07
    """How thick the links are, for collision checks of an arm whose meshes are not at hand."""
    capsules: tuple[LinkCapsule, ...] = ()
    """Where the links are, for the same; empty draws them along the lines between the joints."""

    def __post_init__(self) -> None:
        n = len(self.joint_names)
        shapes = {
            "origins": self.origins.shape,
            "home_q": self.home_q.shape,
            "limits": np.shape(self.limits.lower_rad),
            "T_last_grasp": self.T_last_grasp.shape,
        }
        expected = {"origins": (n, 4, 4), "home_q": (n,), "limits": (n,), "T_last_grasp": (4, 4)}
        if not n or shapes != expected:
            raise InputError(f"arm {self.name}", expected=f"{expected}", got=f"{shapes}")
        if not (np.isfinite(self.origins).all() and np.isfinite(self.T_last_grasp).all()):
            raise InputError(f"arm {self.name}", expected="finite poses", got="NaN or infinity")
        if not self.link_radius_m > 0.0 or self.limits.margin(self.home_q).min() < 0.0:
            got = f"{self.link_radius_m}, {self.home_q.round(3).tolist()}"
            raise InputError(f"arm {self.name}", expected="link_radius_m > 0, home_q within the limits", got=got)

    @property
    def joints(self) -> int:
        """N."""
        return len(self.joint_names)

    @property
    def link_capsules(self) -> tuple[LinkCapsule, ...]:
        """What the links fill, the hand left out."""
        palm = self.gripper.finger_depth_m + self.gripper.palm_thickness_m
        T_last_palm = self.T_last_grasp @ transform(translation=(0.0, 0.0, -palm))
        return self.capsules or capsules_along(self.origins, T_last_palm, self.link_radius_m)

    def joint_frames(self, q: ArrayLike) -> FloatArray:
        """(..., n, 4, 4) poses in the base of the moving link frames at joint positions q (..., n)."""
        angles = np.asarray(q, dtype=np.float64)
        cos, sin = np.cos(angles), np.sin(angles)
        frames = np.empty((*angles.shape, 4, 4))
        T = np.broadcast_to(np.eye(4), (*angles.shape[:-1], 4, 4))
        for i in range(self.joints):
            T = T @ self.origins[i]
            c, s = cos[..., i, None], sin[..., i, None]
            turned = T.copy()
            turned[..., :, 0] = c * T[..., :, 0] + s * T[..., :, 1]
            turned[..., :, 1] = c * T[..., :, 1] - s * T[..., :, 0]
            frames[..., i, :, :] = T = turned
        return frames

    def grasp_pose(self, q: ArrayLike) -> FloatArray:
        """(..., 4, 4) `T_base_grasp` at joint positions q (..., n)."""
        return self.joint_frames(q)[..., -1, :, :] @ self.T_last_grasp

    def pose_and_jacobian(self, q: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Grasp frame and its geometric Jacobian.

        Args:
            q: (..., n) joint positions, rad.

        Returns:
            T_base_grasp: (..., 4, 4).
            jacobian: (..., 6, n); joint speeds to the grasp origin's linear velocity (rows 0 to 2, m/s)
                and the hand's angular velocity (rows 3 to 5, rad/s), both in base coordinates.
        """
        frames = self.joint_frames(q)
        T = frames[..., -1, :, :] @ self.T_last_grasp
        axes = frames[..., :3, 2]  # (..., n, 3)
        levers = T[..., None, :3, 3] - frames[..., :3, 3]
        jacobian = np.empty((*axes.shape[:-2], 6, self.joints))
        jacobian[..., :3, :] = np.swapaxes(np.cross(axes, levers), -1, -2)
        jacobian[..., 3:, :] = np.swapaxes(axes, -1, -2)
        return T, jacobian
