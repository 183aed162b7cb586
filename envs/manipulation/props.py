"""The things on the table: boxes and cylinders that a task places, reads and asks about contact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from envs.manipulation.entries import Entry, rotation, vector
from envs.world import Body, World
from geometry import InputError, transform

Vec = Sequence[float]
UPRIGHT: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0)
_REACH_M, _HEIGHT_M = 0.5, 0.6
_GRASP_REACH_M = 0.15
"""Range of positions relative to the hand: fine where fingers need it, cut off farther away."""
_INSCRIBED, _MANTLE = 0.7, 0.9
"""Half the edge of a square inside a circle of radius 1; the mantle's height as a share of the whole."""


@dataclass(frozen=True, kw_only=True)
class Prop:
    """What a loose object is made of."""

    name: str
    """How entries and pictures call it."""
    shape: Literal["box", "cylinder"] = "box"
    """A box, or an upright cylinder."""
    size_m: tuple[float, float, float] = (0.04, 0.04, 0.04)
    """Edges along x, y, z; a cylinder's diameter stands first and second, its height third."""
    mass_kg: float = 0.1
    """0 fixes it."""
    friction: float = 1.0
    """Lateral friction; Bullet multiplies it with that of what it touches."""
    rgba: tuple[float, float, float, float] = (0.85, 0.25, 0.2, 1.0)
    """Colour."""
    collides: bool = True
    """False for something that is only seen."""

    def __post_init__(self) -> None:
        if min(self.size_m) <= 0.0 or self.mass_kg < 0.0 or self.friction < 0.0:
            raise InputError("Prop", expected="sizes above 0, mass and friction not below 0", got=f"{self}")

    @property
    def half_height_m(self) -> float:
        """Height of its middle when it stands on the table."""
        return 0.5 * self.size_m[2]

    def entries(self) -> tuple[Entry, ...]:
        """What `PropBody.numbers` gives."""
        return (
            *vector(f"{self.name} position", (-_REACH_M, -_REACH_M, 0.0), (_REACH_M, _REACH_M, _HEIGHT_M), "m"),
            *rotation(self.name),
            *vector(f"{self.name} velocity", -2.0, 2.0, "m/s"),
            *vector(f"{self.name} angular velocity", -10.0, 10.0, "rad/s"),
            *vector(f"{self.name} from the hand", -_GRASP_REACH_M, _GRASP_REACH_M, "m"),
        )


class PropState(NamedTuple):
    """Where a prop is and how it moves, in the world."""

    position: Vec
    quat_xyzw: Vec
    velocity: Vec
    angular_velocity: Vec


class PropBody:
    """A prop in a world."""

    def __init__(self, world: World, prop: Prop, position_m: Vec) -> None:
        self.prop = prop
        self.body = _spawn(world, prop, position_m)
        self.uid = self.body.uid
        bullet = world.bullet
        self._pose, self._velocity = bullet.getBasePositionAndOrientation, bullet.getBaseVelocity
        self._put, self._stop = bullet.resetBasePositionAndOrientation, bullet.resetBaseVelocity
        self.state = PropState(position_m, UPRIGHT, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))

    def place(self, position_m: Vec, quat_xyzw: Vec = UPRIGHT) -> None:
        """Put it somewhere, at rest."""
        self._put(self.uid, position_m, quat_xyzw)
        self._stop(self.uid, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))

    def sense(self) -> PropState:
        """Read it; `state` holds the reading until the next."""
        self.state = PropState(*self._pose(self.uid), *self._velocity(self.uid))
        return self.state


def _spawn(world: World, prop: Prop, position_m: Vec) -> Body:
    bullet = world.bullet
    x, y, z = prop.size_m
    if prop.shape == "box":
        half = (0.5 * x, 0.5 * y, 0.5 * z)
        collision = bullet.createCollisionShape(bullet.GEOM_BOX, halfExtents=half) if prop.collides else -1
        visual = bullet.createVisualShape(bullet.GEOM_BOX, halfExtents=half, rgbaColor=prop.rgba)
    else:
        kind = bullet.GEOM_CYLINDER
        collision = _standing_cylinder(bullet, 0.5 * x, z) if prop.collides else -1
        visual = bullet.createVisualShape(kind, radius=0.5 * x, length=z, rgbaColor=prop.rgba)
    uid = bullet.createMultiBody(prop.mass_kg, collision, visual)
    return world.adopt(uid, prop.name, transform(translation=position_m))


def _standing_cylinder(bullet: Any, radius_m: float, height_m: float) -> int:
    """A collision shape whose mantle is a cylinder's, and whose ends are those of a box inside it.

    Bullet finds one point a step where a cylinder touches a plane; a sliding one wobbles and sinks in by
    3 mm. A box touches in four points and does neither.
    """
    half = _INSCRIBED * radius_m
    return int(
        bullet.createCollisionShapeArray(
            shapeTypes=[bullet.GEOM_CYLINDER, bullet.GEOM_BOX],
            radii=[radius_m, 0.0],
            lengths=[_MANTLE * height_m, 0.0],
            halfExtents=[[0.0, 0.0, 0.0], [half, half, 0.5 * height_m]],
            collisionFramePositions=[[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]],
        )
    )
