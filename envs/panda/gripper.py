"""The Panda's two fingers: opening, closing with a force, and what they hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from envs.world import Body, World
from geometry import PANDA_HAND, InputError

FINGER_SPEED = 0.05
"""Speed of one finger, m/s (Franka Hand data sheet: 50 mm/s a finger)."""
GRASP_FORCE_N = 40.0
"""Default closing force of one finger; the real hand holds with up to 70 N."""


class Hold(NamedTuple):
    """What the fingers feel after the last step."""

    width_m: float
    """Gap between the inner faces of the fingers."""
    left_force_n: float
    """Sum of the contact forces on the finger at +y of the grasp frame."""
    right_force_n: float
    """Sum of the contact forces on the finger at -y."""
    bodies: tuple[int, ...]
    """Ids of the bodies that press on both fingers, in order."""

    def holds(self, min_width_m: float = 0.001, min_force_n: float = 0.5) -> bool:
        """Whether something is held: a gap that is not closed, and force on both fingers."""
        return (
            bool(self.bodies)
            and self.width_m > min_width_m
            and min(self.left_force_n, self.right_force_n) > min_force_n
        )


class PandaGripper:
    """Two finger joints that a gear constraint keeps symmetric.

    Args:
        world: the world that the arm lives in.
        body: the loaded arm.
        finger_joints: the two finger joints' indices, +y first; a finger's link has its joint's index.
        friction: lateral friction of the fingers.
    """

    def __init__(self, world: World, body: Body, finger_joints: tuple[int, int], *, friction: float = 1.0) -> None:
        self.world = world
        self.body = body
        self.finger_joints = finger_joints
        self._couple()
        for link in finger_joints:
            world.bullet.changeDynamics(body.uid, link, lateralFriction=friction)

    def _couple(self) -> None:
        bullet, (left, right) = self.world.bullet, self.finger_joints
        gear = bullet.createConstraint(
            self.body.uid, left, self.body.uid, right, bullet.JOINT_GEAR, (1, 0, 0), (0, 0, 0), (0, 0, 0)
        )
        bullet.changeConstraint(gear, gearRatio=-1, erp=0.5, maxForce=200.0)

    @property
    def width_m(self) -> float:
        """Gap between the inner faces of the fingers."""
        left, right = self.world.bullet.getJointStates(self.body.uid, self.finger_joints)
        return float(left[0] + right[0])

    def set_width(self, width_m: float) -> None:
        """Put the fingers at a gap at once, without motion, and hold them there."""
        _check_width("set_width", width_m)
        for joint in self.finger_joints:
            self.world.bullet.resetJointState(self.body.uid, joint, 0.5 * width_m)
        self.open(width_m)

    def open(self, width_m: float = PANDA_HAND.max_width_m, *, force_n: float = GRASP_FORCE_N) -> None:
        """Command a gap; the fingers travel at the hand's speed in the coming steps."""
        _check_width("open", width_m)
        self._drive(width_m, force_n)

    def close(self, *, force_n: float = GRASP_FORCE_N) -> None:
        """Command closing; the fingers press with `force_n` each on whatever stops them."""
        if not force_n > 0.0:
            raise InputError("close", expected="force_n > 0", got=f"{force_n}")
        self._drive(0.0, force_n)

    def settle(self, timeout_s: float = 2.0, on_step: Callable[[], None] | None = None) -> float:
        """Step the world until the fingers rest or the time is over; returns the simulated seconds."""
        start, still = self.world.time_s, 0
        while still < 12 and self.world.time_s - start < timeout_s:
            self.world.step()
            if on_step is not None:
                on_step()
            speeds = [abs(s[1]) for s in self.world.bullet.getJointStates(self.body.uid, self.finger_joints)]
            still = still + 1 if max(speeds) < 1e-3 else 0
        return self.world.time_s - start

    def hold(self) -> Hold:
        """What the fingers feel after the last step."""
        force, touched = {}, {}
        for finger in self.finger_joints:
            contacts = [c for c in self._touching(finger) if c[1] > 0.0]
            force[finger] = sum(c[1] for c in contacts)
            touched[finger] = {c[0] for c in contacts}
        left, right = self.finger_joints
        return Hold(self.width_m, force[left], force[right], tuple(sorted(touched[left] & touched[right])))

    def _touching(self, link: int) -> list[tuple[int, float]]:
        """(other body, normal force) of each contact of a finger link with another body."""
        points = self.world.bullet.getContactPoints(bodyA=self.body.uid, linkIndexA=link) or ()
        return [(p[2], p[9]) for p in points if p[2] != self.body.uid]

    def _drive(self, width_m: float, force_n: float) -> None:
        bullet = self.world.bullet
        for joint in self.finger_joints:
            bullet.setJointMotorControl2(
                self.body.uid,
                joint,
                bullet.POSITION_CONTROL,
                targetPosition=0.5 * width_m,
                force=force_n,
                maxVelocity=FINGER_SPEED,
                positionGain=0.3,
            )


def _check_width(where: str, width_m: float) -> None:
    if not 0.0 <= width_m <= PANDA_HAND.max_width_m:
        raise InputError(where, expected=f"0 <= width_m <= {PANDA_HAND.max_width_m}", got=f"{width_m}")
