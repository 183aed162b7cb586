"""Solid bodies of a workbench's things: boxes and cylinders, and for what is hollow the walls that make it so."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from envs.workbench.thing import Thing
from envs.world import Body, World
from geometry import FloatArray

WALL_M = 0.004
"""Thickness of walls, floors and rims."""
FRICTION = 0.8
_SIDES = 12
_PAINT_M = 0.0006


class Piece(NamedTuple):
    """One convex piece of a thing, in the thing's frame."""

    round: bool
    """A cylinder along z; else a box."""
    half_m: tuple[float, float, float]
    """Half edges; of a cylinder its radius twice, then half its height."""
    middle_m: tuple[float, float, float]
    """Where its middle is."""
    yaw_rad: float = 0.0
    """Turn about z."""


def pieces_of(thing: Thing) -> list[Piece]:
    """The convex pieces of a thing; together they fill its shape, and leave what is hollow free."""
    half = (0.5 * thing.size_m[0], 0.5 * thing.size_m[1], 0.5 * thing.size_m[2])
    if thing.category == "can":
        return [Piece(True, (half[0], half[0], half[2]), (0.0, 0.0, 0.0))]
    if thing.category in ("cup", "bowl", "plate"):
        return _round_vessel(half)
    if thing.category in ("box", "tray"):
        return _square_vessel(half)
    return [Piece(False, half, (0.0, 0.0, 0.0))]


def add_thing(world: World, thing: Thing, T_world_thing: FloatArray) -> Body:
    """Put a thing into a world; a line is paint, which nothing touches."""
    bullet, pieces = world.bullet, pieces_of(thing)
    kinds = [bullet.GEOM_CYLINDER if piece.round else bullet.GEOM_BOX for piece in pieces]
    turns = [Rotation.from_euler("z", piece.yaw_rad).as_quat().tolist() for piece in pieces]
    halves, middles = [piece.half_m for piece in pieces], [piece.middle_m for piece in pieces]
    radii, heights = [piece.half_m[0] for piece in pieces], [2.0 * piece.half_m[2] for piece in pieces]
    visual = bullet.createVisualShapeArray(
        shapeTypes=kinds,
        halfExtents=halves,
        radii=radii,
        lengths=heights,
        visualFramePositions=middles,
        visualFrameOrientations=turns,
        rgbaColors=[thing.rgba] * len(pieces),
    )
    if thing.fixed:
        T_paint = T_world_thing.copy()
        T_paint[2, 3] += _PAINT_M - 0.5 * thing.size_m[2]
        return world.adopt(bullet.createMultiBody(0.0, -1, visual), thing.name, T_paint)
    shape = bullet.createCollisionShapeArray(
        shapeTypes=kinds,
        halfExtents=halves,
        radii=radii,
        lengths=heights,
        collisionFramePositions=middles,
        collisionFrameOrientations=turns,
    )
    uid = bullet.createMultiBody(thing.mass_kg, shape, visual)
    bullet.changeDynamics(uid, -1, lateralFriction=FRICTION, rollingFriction=1e-4, spinningFriction=2e-3)
    return world.adopt(uid, thing.name, T_world_thing)


def _round_vessel(half: tuple[float, float, float]) -> list[Piece]:
    """A floor and a polygon of walls about it."""
    radius, tall, thin = min(half[:2]), half[2], 0.5 * min(WALL_M, half[2])
    floor = Piece(True, (radius - thin, radius - thin, thin), (0.0, 0.0, thin - tall))
    walls, wide = [], radius * float(np.tan(np.pi / _SIDES))
    for side in range(_SIDES):
        angle = 2.0 * np.pi * side / _SIDES
        out = radius - thin
        walls.append(Piece(False, (thin, wide, tall), (out * np.cos(angle), out * np.sin(angle), 0.0), angle))
    return [floor, *walls]


def _square_vessel(half: tuple[float, float, float]) -> list[Piece]:
    """A floor and four walls."""
    (x, y, z), thin = half, 0.5 * min(WALL_M, half[2])
    floor = Piece(False, (x, y, thin), (0.0, 0.0, thin - z))
    ends = [Piece(False, (thin, y, z), (sign * (x - thin), 0.0, 0.0)) for sign in (-1, 1)]
    sides = [Piece(False, (x - 2 * thin, thin, z), (0.0, sign * (y - thin), 0.0)) for sign in (-1, 1)]
    return [floor, *ends, *sides]
