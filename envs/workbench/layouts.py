"""Random places on the bench: within reach of robot and person, and apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from envs.workbench.thing import Layout, Thing
from geometry import FloatArray, transform

REACH_M = ((0.30, -0.30), (0.65, 0.30))
"""Lower and upper corner (x, y) of where the middles of things stand."""
GAP_M = 0.035
"""Between any two things, from circle to circle."""
_HEADINGS_RAD = {"cube": 0.7, "block": 0.35, "box": 0.3, "tray": 0.3}
_TRIES = 200


class Room(NamedTuple):
    """A round place that is to stay free."""

    middle_m: tuple[float, float]
    """(x, y)."""
    radius_m: float
    """Radius."""


def standing_pose(thing: Thing, x_m: float, y_m: float, yaw_rad: float = 0.0, *, z_m: float = 0.0) -> FloatArray:
    """(4, 4) pose of a thing that stands upright on a surface of height `z_m`."""
    cos, sin = np.cos(yaw_rad), np.sin(yaw_rad)
    return transform([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]], (x_m, y_m, z_m + thing.bottom_m))


def scatter(
    things: Sequence[Thing],
    rng: np.random.Generator,
    *,
    taken: Sequence[Room] = (),
    region_m: tuple[tuple[float, float], tuple[float, float]] = REACH_M,
) -> Layout | None:
    """Put things at random places, the largest first.

    Args:
        things: what to put.
        rng: draws places and headings.
        taken: where nothing may stand.
        region_m: lower and upper corner of where the middles may be.

    Returns:
        Where they stand; None where no free place was found for one of them.
    """
    rooms, layout = list(taken), Layout()
    for thing in sorted(things, key=lambda each: -each.radius_m):
        spot = _free_spot(thing, rng, rooms, region_m)
        if spot is None:
            return None
        rooms.append(Room(spot, thing.radius_m))
        turn = _HEADINGS_RAD.get(thing.category, 0.0)
        layout[thing.name] = standing_pose(thing, *spot, float(rng.uniform(-turn, turn)))
    return layout


def rooms_along(start_m: FloatArray, end_m: FloatArray, radius_m: float) -> list[Room]:
    """A row of rooms that keeps a straight way (x, y) free."""
    count = 2 + int(np.linalg.norm(end_m - start_m) / radius_m)
    return [Room((float(x), float(y)), radius_m) for x, y in np.linspace(start_m, end_m, count)]


def _free_spot(
    thing: Thing,
    rng: np.random.Generator,
    rooms: Sequence[Room],
    region_m: tuple[tuple[float, float], tuple[float, float]],
) -> tuple[float, float] | None:
    for _ in range(_TRIES):
        x, y = rng.uniform(*region_m)
        if all(np.hypot(x - r.middle_m[0], y - r.middle_m[1]) > r.radius_m + thing.radius_m + GAP_M for r in rooms):
            return float(x), float(y)
    return None
