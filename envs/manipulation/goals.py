"""Goals that are positions: where something shall be, and whether it is there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.manipulation.entries import Entry, vector
from envs.manipulation.quaternion import about_z
from envs.manipulation.rewards import Array, GoalTerm, distance

_LOW_M, _HIGH_M = (-0.5, -0.5, 0.0), (0.7, 0.5, 0.6)
_NEAR_M = 0.2
CLOSE_M = 0.05
"""How near a single object must be to its goal (as in panda-gym and Fetch)."""


def position_entries(name: str) -> tuple[Entry, ...]:
    """Entries of a position."""
    return vector(name, _LOW_M, _HIGH_M, "m")


def all_within(achieved: Array, desired: Array, tolerance_m: float) -> NDArray[np.bool_]:
    """(...) whether each of the positions in (..., 3 n) is within a tolerance of its goal."""
    achieved, desired = np.asarray(achieved), np.asarray(desired)
    if achieved.shape[-1] == 3:
        return np.asarray(distance(achieved, desired) < tolerance_m)[()]
    shape = (*achieved.shape[:-1], -1, 3)
    return np.asarray((distance(achieved.reshape(shape), desired.reshape(shape)) < tolerance_m).all(axis=-1))[()]


def minus_distance(achieved: Array, desired: Array) -> Array:
    """(...) minus the distance to the goal, m."""
    return -distance(achieved, desired)


DISTANCE_TERM = GoalTerm("distance", 1.0, minus_distance)


def near_goal(achieved: Array, desired: Array) -> Array:
    """(...) 1 at the goal, falling smoothly to 0; 0.24 at 20 cm."""
    return np.asarray(1.0 - np.tanh(distance(achieved, desired) / _NEAR_M))


def at_goal(achieved: Array, desired: Array) -> Array:
    """(...) 1 within 5 cm of the goal, else 0."""
    return np.asarray(all_within(achieved, desired, CLOSE_M), dtype=np.float64)


def spot(rng: np.random.Generator, half_x_m: float, half_y_m: float, height_m: float) -> tuple[float, float, float]:
    """A point drawn evenly from a rectangle about the middle of the table, at a height."""
    x, y = rng.uniform((-half_x_m, -half_y_m), (half_x_m, half_y_m))
    return float(x), float(y), height_m


def heading(rng: np.random.Generator, turned: bool) -> tuple[float, float, float, float]:
    """An upright orientation (4,) xyzw, turned about the vertical by up to 45 degrees either way, or not at all."""
    return about_z(float(rng.uniform(-np.pi / 4, np.pi / 4))) if turned else (0.0, 0.0, 0.0, 1.0)
