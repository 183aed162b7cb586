"""A person's hand that holds a prop out: boxes in the shape of a fist and a forearm, and a grip that can let go.

Bodies and constraints belong to the saved world, so the grip is never removed; it opens by losing its force.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from envs.manipulation.props import PropBody
from envs.manipulation.quaternion import Quat, about_z, conjugate, multiply
from envs.world import World

Vec = Sequence[float]

GRIP_N = 25.0
"""Largest force and torque of the grip along each axis, N and N m."""
GRIP_UP_M = 0.025
"""The middle of the fist is so far above the prop's lower end."""
OPEN_RAD = 1.2
"""How far the fingers swing open."""
_SKIN, _SLEEVE = (0.87, 0.66, 0.53, 1.0), (0.25, 0.33, 0.45, 1.0)
_KNUCKLES_M = (-0.026, -0.036, 0.0)
_FINGERS_M = tuple(zip((-0.027, -0.009, 0.009, 0.027), (0.026, 0.031, 0.033, 0.030), strict=True))
"""Height in the fist, and half the length up to where the finger bends."""
_HAND_BOXES_M = (
    ((0.020, -0.030, 0.0), (0.044, 0.013, 0.037)),
    ((0.044, -0.008, -0.004), (0.020, 0.014, 0.030)),
    ((0.028, 0.014, 0.032), (0.010, 0.028, 0.010)),
    ((0.110, -0.022, 0.0), (0.055, 0.022, 0.028)),
)
"""Middle and half edges of back, heel, thumb, wrist; the prop stands at the origin along z, the arm comes from +x."""
_FINGER_BOXES_M = (
    *(((0.0, half, z), (0.008, half, 0.0075)) for z, half in _FINGERS_M),
    *(((0.020, 2.0 * half - 0.001, z), (0.022, 0.008, 0.0075)) for z, half in _FINGERS_M),
)
"""The same of the fingers' first and second halves, from the knuckles."""
_SLEEVE_BOXES_M = (
    ((0.172, -0.022, 0.0), (0.012, 0.034, 0.039)),
    ((0.310, -0.022, 0.0), (0.130, 0.038, 0.043)),
)


class Giver:
    """The hand in one world, and its grip on one prop.

    Args:
        world: where it lives.
        prop: what it holds, at its lower end.
    """

    def __init__(self, world: World, prop: PropBody) -> None:
        self.prop = prop
        self._bullet = bullet = world.bullet
        self._fingers = _boxes(world, _FINGER_BOXES_M, _SKIN, "giver's fingers")
        self._rest = (
            _boxes(world, _HAND_BOXES_M, _SKIN, "giver's hand"),
            _boxes(world, _SLEEVE_BOXES_M, _SLEEVE, "giver's sleeve"),
        )
        self._bodies = (self._fingers, *self._rest)
        for uid in self._bodies:
            bullet.setCollisionFilterPair(uid, prop.uid, -1, -1, enableCollision=0)
        self._in_prop = (0.0, 0.0, GRIP_UP_M - prop.prop.half_height_m)
        position, quat = prop.state.position, prop.state.quat_xyzw
        self._grip: int = bullet.createConstraint(
            prop.uid, -1, -1, -1, bullet.JOINT_FIXED, (0.0, 0.0, 0.0), self._in_prop, position, (0, 0, 0, 1), quat
        )
        self.move(position, quat)

    def present(self, position_m: Vec, quat_xyzw: Vec) -> None:
        """Begin with the prop in the hand, both at rest."""
        x, y, z = turned(quat_xyzw, self._in_prop)
        self.prop.place((position_m[0] - x, position_m[1] - y, position_m[2] - z), quat_xyzw)
        self.hold(position_m, quat_xyzw)

    def hold(self, position_m: Vec, quat_xyzw: Vec) -> None:
        """Move the fist, and the prop with it as far as the grip's force goes."""
        self.move(position_m, quat_xyzw)
        self._bullet.changeConstraint(self._grip, position_m, quat_xyzw, maxForce=GRIP_N)

    def let_go(self) -> None:
        """Open the grip."""
        self._bullet.changeConstraint(self._grip, maxForce=0.0)

    def move(self, position_m: Vec, quat_xyzw: Vec, open_rad: float = 0.0) -> None:
        """Move the hand alone, its fingers swung open by an angle about the knuckles."""
        put = self._bullet.resetBasePositionAndOrientation
        for uid in self._rest:
            put(uid, position_m, quat_xyzw)
        x, y, z = turned(quat_xyzw, _KNUCKLES_M)
        knuckles = (position_m[0] + x, position_m[1] + y, position_m[2] + z)
        put(self._fingers, knuckles, multiply(quat_xyzw, about_z(open_rad)))

    def slipped_m(self, position_m: Vec) -> float:
        """How far the held end of the prop is from a place where the fist is."""
        offset = turned(self.prop.state.quat_xyzw, self._in_prop)
        return math.dist(position_m, [p + o for p, o in zip(self.prop.state.position, offset, strict=True)])

    def touched_by(self, uid: int) -> bool:
        """Whether a body touched the hand or the arm in the last simulation step."""
        return any(self._bullet.getContactPoints(uid, body) for body in self._bodies)


def turned(quat_xyzw: Vec, offset: Vec) -> tuple[float, float, float]:
    """A vector (3,), turned."""
    x, y, z, _ = multiply(multiply(quat_xyzw, (*offset, 0.0)), conjugate(quat_xyzw))
    return x, y, z


def leaning(yaw_rad: float, pitch_rad: float, roll_rad: float) -> Quat:
    """Orientation turned about the vertical, then leaning about its own y and x axes."""

    def half(axis: int, angle: float) -> Quat:
        numbers = [0.0, 0.0, 0.0, math.cos(0.5 * angle)]
        numbers[axis] = math.sin(0.5 * angle)
        return numbers[0], numbers[1], numbers[2], numbers[3]

    return multiply(half(2, yaw_rad), multiply(half(1, pitch_rad), half(0, roll_rad)))


def _boxes(world: World, boxes_m: Sequence[tuple[Vec, Vec]], rgba: tuple[float, float, float, float], name: str) -> int:
    """A body that moves only when it is put somewhere."""
    bullet, count = world.bullet, len(boxes_m)
    middles, halves = [middle for middle, _ in boxes_m], [half for _, half in boxes_m]
    kinds = [bullet.GEOM_BOX] * count
    collision = bullet.createCollisionShapeArray(shapeTypes=kinds, halfExtents=halves, collisionFramePositions=middles)
    visual = bullet.createVisualShapeArray(
        shapeTypes=kinds, halfExtents=halves, visualFramePositions=middles, rgbaColors=[rgba] * count
    )
    uid: int = bullet.createMultiBody(0.0, collision, visual)
    world.adopt(uid, name, None)
    return uid
