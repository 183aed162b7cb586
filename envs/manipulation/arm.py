"""The Panda as tasks drive it: one batched reading and one least-squares step for each control step.

`PandaArm` is the same robot for planned motions. Here every call counts: a policy asks 25 times
a simulated second, and reading joint by joint would cost more than the physics.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from envs.manipulation.quaternion import conjugate, multiply, turn_of
from envs.panda import HOME_Q, PANDA_LIMITS, PandaArm, solve_ik
from envs.world import World
from geometry import PANDA_HAND, FloatArray, invert, transform

Vec = Sequence[float]

T_WORLD_BASE = transform(translation=(-0.6, 0.0, 0.0))
"""The base stands on the table, 0.6 m behind the middle of the workspace."""
START_POSITION_M = (0.0, 0.0, 0.2)
WORKSPACE_M = ((-0.30, -0.35, 0.003), (0.22, 0.35, 0.45))
"""Lower and upper corner of where the fingertips may be sent."""
POINTING_DOWN_XYZW = (1.0, 0.0, 0.0, 0.0)
"""The hand's orientation with its fingers down and closing along y: half a turn about x."""
MAX_OPENING_M = PANDA_HAND.max_width_m

_ARM = tuple(range(7))
_FINGERS = (9, 10)
_ALL = (*_ARM, *_FINGERS)
_HAND = 8
_DAMPING = 1e-3
_NULL_GAIN = 0.05
_FINGER_FORCE_N = 40.0
_FINGER_SPEED = 0.05
_FINGER_GAIN = 0.3
_ZEROS9 = [0.0] * 9
_MARGIN_RAD = 0.02
_LOWER: list[float] = np.add(PANDA_LIMITS.lower_rad, _MARGIN_RAD).tolist()
_UPPER: list[float] = np.subtract(PANDA_LIMITS.upper_rad, _MARGIN_RAD).tolist()
_EYE6 = _DAMPING * np.eye(6)


class ArmState(NamedTuple):
    """What the arm's encoders and kinematics tell."""

    position: Vec
    """(3,) grasp point in the world, m."""
    quat_xyzw: Vec
    """(4,) orientation of the hand in the world."""
    velocity: Vec
    """(3,) of the grasp point in the world, m/s."""
    angular_velocity: Vec
    """(3,) of the hand in the world, rad/s."""
    q: Vec
    """(7,) joint positions, rad."""
    dq: Vec
    """(7,) joint speeds, rad/s."""
    opening_m: float
    """Gap between the fingers."""


class TaskArm:
    """One Panda in one world, commanded once a control period.

    Args:
        world: where it lives.
        control_period_s: how long one command acts.
        closed: whether the fingers stay closed; they are then never driven.
        start_m: (3,) where the fingertips begin.
        ceiling_m: how high they may be sent.
    """

    def __init__(
        self,
        world: World,
        control_period_s: float,
        *,
        closed: bool,
        start_m: Vec = START_POSITION_M,
        ceiling_m: float = WORKSPACE_M[1][2],
    ) -> None:
        self.world = world
        self.period_s = control_period_s
        self.closed = closed
        self.workspace_m = (WORKSPACE_M[0], (*WORKSPACE_M[1][:2], ceiling_m))
        self.panda = PandaArm(world, T_WORLD_BASE, q=start_posture(start_m))
        self.uid = self.panda.body.uid
        self._rest = self.panda.q
        bullet = world.bullet
        self._get_joints, self._get_link = bullet.getJointStates, bullet.getLinkState
        self._jacobian, self._drive_one = bullet.calculateJacobian, bullet.setJointMotorControl2
        self._drive = bullet.setJointMotorControlArray
        self._velocity_mode, self._position_mode = bullet.VELOCITY_CONTROL, bullet.POSITION_CONTROL
        offset = np.asarray(bullet.getLinkState(self.uid, _HAND)[2])
        self._reach = float(PANDA_HAND.T_hand_grasp[2, 3])
        self._grasp_in_com = (PANDA_HAND.T_hand_grasp[:3, 3] - offset).tolist()
        self._width_target = -1.0
        self._opening_m = 0.0 if closed else MAX_OPENING_M
        for joint in _FINGERS:
            bullet.resetJointState(self.uid, joint, 0.5 * self._opening_m)
        self.state = self.sense()
        self.rest()

    def rest(self, opening_m: float | None = None) -> None:
        """Read the arm and command it to stand still; after the world was restored, which forgets commands.

        Args:
            opening_m: what the fingers head for; None is as at first.
        """
        self.sense()
        self._width_target = -1.0
        self.set_opening(self._opening_m if opening_m is None else opening_m)
        self.move_joints([0.0] * 7)

    def sense(self) -> ArmState:
        """Read the arm; `state` holds it until the next reading."""
        joints = self._get_joints(self.uid, _ALL)
        link = self._get_link(self.uid, _HAND, 1, 1)
        (x, y, z), quat = link[4], link[5]
        ax, ay, az = _approach(quat)
        rx, ry, rz = self._reach * ax, self._reach * ay, self._reach * az
        (vx, vy, vz), (wx, wy, wz) = link[6], link[7]
        # Bullet's velocity is that of the link's centre of mass; the lever leads from there to the grasp point.
        cx, cy, cz = link[0]
        lx, ly, lz = x + rx - cx, y + ry - cy, z + rz - cz
        self.state = ArmState(
            (x + rx, y + ry, z + rz),
            quat,
            (vx + wy * lz - wz * ly, vy + wz * lx - wx * lz, vz + wx * ly - wy * lx),
            (wx, wy, wz),
            [joint[0] for joint in joints[:7]],
            [joint[1] for joint in joints[:7]],
            joints[7][0] + joints[8][0],
        )
        return self.state

    def move_hand(self, offset_m: Vec, quat_wanted_xyzw: Vec) -> None:
        """Head for a point beside the hand, and for an orientation, in the coming control period.

        One damped least-squares step at the present posture; joint speeds stay within the Panda's limits,
        with the direction kept.

        Args:
            offset_m: (3,) from the grasp point, in world axes.
            quat_wanted_xyzw: (4,) orientation of the hand in the world.
        """
        now = self.state
        fingers = 0.5 * now.opening_m
        linear, angular = self._jacobian(
            self.uid, _HAND, self._grasp_in_com, [*now.q, fingers, fingers], _ZEROS9, _ZEROS9
        )
        jacobian = np.array(linear + angular)[:, :7]
        turn = turn_of(multiply(quat_wanted_xyzw, conjugate(now.quat_xyzw)))
        drift = _NULL_GAIN * (self._rest - now.q)
        error = np.array((*offset_m, *turn)) - jacobian @ drift
        step = drift + jacobian.T @ np.linalg.solve(jacobian @ jacobian.T + _EYE6, error)
        self.move_joints(step / self.period_s)

    def move_joints(self, dq: FloatArray | list[float]) -> None:
        """Move with joint speeds (7,), rad/s; scaled down together to the limits, stopped at the joint limits."""
        speeds = dq.tolist() if isinstance(dq, np.ndarray) else dq
        excess = max([abs(speed) / limit for speed, limit in zip(speeds, PANDA_LIMITS.velocity, strict=True)])
        if excess > 1.0:
            speeds = [speed / excess for speed in speeds]
        period = self.period_s
        speeds = [
            min(max(speed, (lower - q) / period), (upper - q) / period)
            for speed, lower, upper, q in zip(speeds, _LOWER, _UPPER, self.state.q, strict=True)
        ]
        self._drive(self.uid, _ARM, self._velocity_mode, targetVelocities=speeds, forces=PANDA_LIMITS.torque_nm)

    def move_to_joints(self, q: FloatArray) -> None:
        """Head for joint positions (7,), rad, to be there after one period where the speed limits allow it."""
        self.move_joints(np.subtract(q, self.state.q) / self.period_s)

    def set_opening(self, width_m: float) -> None:
        """Head for a gap between the fingers, at the hand's speed and with its force."""
        if width_m == self._width_target:
            return
        self._width_target = width_m
        for joint in _FINGERS:
            self._drive_one(
                self.uid,
                joint,
                self._position_mode,
                targetPosition=0.5 * width_m,
                force=_FINGER_FORCE_N,
                maxVelocity=_FINGER_SPEED,
                positionGain=_FINGER_GAIN,
            )

    def yaw(self) -> float:
        """Angle of the hand about the vertical, rad, 0 where it closes along y; meant for a hand that points down."""
        x, y, _, _ = self.state.quat_xyzw
        return _wrapped(2.0 * math.atan2(y, x))


def down_with_yaw(yaw_rad: float) -> tuple[float, float, float, float]:
    """(4,) xyzw orientation of a hand that points down, turned about the vertical."""
    return (math.cos(0.5 * yaw_rad), math.sin(0.5 * yaw_rad), 0.0, 0.0)


def start_posture(position_m: Vec) -> FloatArray:
    """(7,) rad, the hand pointing down at a position (3,)."""
    T_world_grasp = transform(np.diag([1.0, -1.0, -1.0]), position_m)
    return solve_ik(invert(T_WORLD_BASE) @ T_world_grasp, HOME_Q).q


def _approach(quat_xyzw: Vec) -> tuple[float, float, float]:
    """The z axis of an orientation, in the world."""
    x, y, z, w = quat_xyzw
    return 2.0 * (x * z + w * y), 2.0 * (y * z - w * x), 1.0 - 2.0 * (x * x + y * y)


def _wrapped(angle_rad: float) -> float:
    return (angle_rad + math.pi) % (2.0 * math.pi) - math.pi
