"""What joint states tell of a Panda in the world of the policy's environment."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from envs.manipulation.arm import ArmState
from envs.panda import pose_and_jacobian
from geometry import FloatArray, InputError
from ros_nodes.task_view.joints_seen import JointSpeeds

JOINTS = 7


class ArmReader:
    """Reads the arm by its kinematics; speeds that the driver does not tell are differences of positions.

    Args:
        T_task_base: (4, 4) the robot's base in the environment's world.
    """

    def __init__(self, T_task_base: FloatArray) -> None:
        self._T_task_base = T_task_base
        self._speeds = JointSpeeds()

    def read(self, q: FloatArray, dq: FloatArray, opening_m: float, time_s: float) -> ArmState:
        """The arm's state.

        Args:
            q: (7,) rad.
            dq: (7,) rad/s, NaN where it is not told.
            opening_m: gap between the fingers.
            time_s: of the reading.

        Raises:
            InputError: if a joint position or the opening is not finite.
        """
        if q.shape != (JOINTS,) or not np.isfinite([*q, opening_m]).all():
            got = f"{np.round(q, 4).tolist()} and an opening of {opening_m:g} m"
            raise InputError("joint_states", expected=f"{JOINTS} finite joint positions and an opening", got=got)
        return arm_state(self._T_task_base, q, self._speeds.of(q, dq, time_s), opening_m)

    def forget(self) -> None:
        """Drop the last reading; after the clock has jumped."""
        self._speeds.forget()


def arm_state(T_task_base: FloatArray, q: FloatArray, dq: FloatArray, opening_m: float) -> ArmState:
    """What a Panda's kinematics tell of joint positions (7,) and speeds (7,), in the frame in which its base stands."""
    T_base_grasp, jacobian = pose_and_jacobian(q)
    T, R = T_task_base @ T_base_grasp, T_task_base[:3, :3]
    twist = jacobian @ dq
    return ArmState(
        T[:3, 3].tolist(),
        Rotation.from_matrix(T[:3, :3]).as_quat().tolist(),
        (R @ twist[:3]).tolist(),
        (R @ twist[3:]).tolist(),
        q.tolist(),
        dq.tolist(),
        opening_m,
    )
