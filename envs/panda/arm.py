"""The Franka Panda in the simulated world: joints, hand frame, gripper, contacts.

The model is pybullet_data's (Franka's URDF with convex collision meshes). A fixed base stands
at `T_world_base`; joint motors hold the last commanded posture between commands.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from envs.arms.ik import IKConfig, IKResult, solve_ik
from envs.arms.panda import ARM_JOINTS, FINGER_JOINTS, HAND_LINK, HOME_Q, PANDA_LIMITS, PANDA_URDF
from envs.panda.gripper import PandaGripper
from envs.world import Contact, World
from geometry import PANDA_HAND, FloatArray, InputError, from_pos_quat, invert

_POSITION_GAIN = 0.3


class PandaArm:
    """One Panda in one world.

    Args:
        world: where it lives.
        T_world_base: (4, 4) pose of the base; None is the world's origin.
        q: (7,) rad, the posture it starts in.
        finger_friction: lateral friction of the fingers.
    """

    def __init__(
        self,
        world: World,
        T_world_base: ArrayLike | None = None,
        *,
        q: ArrayLike = HOME_Q,
        finger_friction: float = 1.0,
    ) -> None:
        self.world = world
        self.T_world_base: FloatArray = np.eye(4) if T_world_base is None else np.array(T_world_base, dtype=np.float64)
        self.body = world.load_urdf(PANDA_URDF, self.T_world_base, fixed=True, name="panda")
        self.gripper = PandaGripper(world, self.body, FINGER_JOINTS, friction=finger_friction)
        for link in (*ARM_JOINTS, *FINGER_JOINTS):
            world.bullet.changeDynamics(self.body.uid, link, linearDamping=0.0, angularDamping=0.0, jointDamping=0.0)
        self.set_q(q)
        self.gripper.set_width(PANDA_HAND.max_width_m)

    @property
    def q(self) -> FloatArray:
        """(7,) joint positions, rad."""
        return np.array([s[0] for s in self.world.bullet.getJointStates(self.body.uid, ARM_JOINTS)])

    @property
    def dq(self) -> FloatArray:
        """(7,) joint speeds, rad/s."""
        return np.array([s[1] for s in self.world.bullet.getJointStates(self.body.uid, ARM_JOINTS)])

    def set_q(self, q: ArrayLike) -> None:
        """Put the arm into a posture at once, at rest, and hold it there."""
        posture = _check_posture("set_q", q)
        for joint, angle in zip(ARM_JOINTS, posture, strict=True):
            self.world.bullet.resetJointState(self.body.uid, joint, angle)
        self.command(posture)

    def command(self, q: ArrayLike, dq: ArrayLike | None = None) -> None:
        """Set the joint motors' targets for the coming steps.

        Args:
            q: (7,) rad, where the joints should be at the start of the step.
            dq: (7,) rad/s, how fast they should move during it; None is at rest.
        """
        bullet = self.world.bullet
        bullet.setJointMotorControlArray(
            self.body.uid,
            ARM_JOINTS,
            bullet.POSITION_CONTROL,
            targetPositions=np.asarray(q, dtype=np.float64).tolist(),
            targetVelocities=[0.0] * 7 if dq is None else np.asarray(dq, dtype=np.float64).tolist(),
            forces=PANDA_LIMITS.torque_nm,
            positionGains=[_POSITION_GAIN] * 7,
            velocityGains=[1.0] * 7,
        )

    @property
    def T_world_hand(self) -> FloatArray:
        """(4, 4) pose of the hand link (`panda_hand`)."""
        state = self.world.bullet.getLinkState(self.body.uid, HAND_LINK, computeForwardKinematics=1)
        return from_pos_quat(state[4], state[5])

    @property
    def T_world_grasp(self) -> FloatArray:
        """(4, 4) pose of the grasp frame, midway between the fingertips."""
        return self.T_world_hand @ PANDA_HAND.T_hand_grasp

    def solve_ik(
        self, T_world_grasp: ArrayLike, q_seed: ArrayLike | None = None, *, config: IKConfig | None = None
    ) -> IKResult:
        """IK in world coordinates from `q_seed`, by default where the arm stands; see `envs.panda.ik.solve_ik`."""
        targets = invert(self.T_world_base) @ np.asarray(T_world_grasp, dtype=np.float64)
        return solve_ik(targets, self.q if q_seed is None else q_seed, config=config)

    def contacts(self) -> list[Contact]:
        """Contact points of the arm or its hand with other bodies after the last step."""
        return [c for c in self.world.contacts(self.body) if c.body_b != c.body_a]


def _check_posture(where: str, q: ArrayLike) -> FloatArray:
    posture = np.asarray(q, dtype=np.float64)
    if posture.shape != (7,) or not np.all(np.isfinite(posture)):
        raise InputError(where, expected="7 finite joint positions", got=f"{posture.tolist()}")
    if PANDA_LIMITS.margin(posture).min() < 0.0:
        raise InputError(where, expected="joint positions within PANDA_LIMITS", got=f"{posture.round(4).tolist()}")
    return posture
