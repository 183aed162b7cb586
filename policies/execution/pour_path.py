"""How a cup moves when it is emptied: its lip stays above the bowl, and nothing of it comes below the bowl's rim."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation

from envs.workbench import Thing
from geometry import FloatArray, transform

TILTS = 12
"""Moments of a path after its first."""
_DIRECTIONS = 12
_SPINS = 6
_CLEAR_M = 0.035
_SHORT_M = 0.012
_MEANT_M = 0.01
LEAST_TILT_RAD = float(np.radians(115.0))
"""A cup that is tilted less keeps some of its content, whatever was shown."""


def pour_paths(cup: Thing, into: Thing, T_world_into: FloatArray, angle_rad: float, heading: FloatArray) -> FloatArray:
    """Ways to pour: directions in which the cup may tip, each in turns of the cup about its own axis.

    The lowest point of the lip stays in a plane through the middle of what is poured into, and a little short of
    it, for what runs out keeps going. It is so high that no part of the cup is lower than the rim.

    Args:
        cup: upright things that are round.
        into: what it runs into.
        T_world_into: (4, 4).
        angle_rad: largest tilt as shown; at least `LEAST_TILT_RAD` is used.
        heading: (4, 4) rotation of the upright cup.

    Returns:
        (72, 13, 4, 4) `T_world_cup`, from upright to the largest tilt.
    """
    rim = float(T_world_into[2, 3]) + 0.5 * into.size_m[2] + _CLEAR_M
    radius, tall = 0.5 * cup.size_m[0], cup.size_m[2]
    tilts = np.linspace(0.0, max(angle_rad, LEAST_TILT_RAD), TILTS + 1)
    spins = Rotation.from_rotvec(np.arange(_SPINS)[:, None] * (0.0, 0.0, 2.0 * np.pi / _SPINS)).as_matrix()
    paths = []
    for azimuth in 2.0 * np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS:
        ahead = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
        axis = np.array([-ahead[1], ahead[0], 0.0])
        turns = transform(Rotation.from_rotvec(tilts[:, None] * axis))[:, :3, :3]
        lip = turns @ (radius * ahead + (0.0, 0.0, 0.5 * tall))
        lip_at = np.array([*T_world_into[:2, 3], rim]) - _SHORT_M * ahead
        middle = lip_at - lip
        middle[:, 2] += tall * np.cos(tilts).clip(0.0)
        paths += [transform(turns @ spin @ heading[:3, :3], middle) for spin in spins]
    return np.array(paths)


def aside_rad(T_world_cup: FloatArray, offset_m: ArrayLike) -> FloatArray:
    """(n,) angle, about the vertical, between the side from which each path pours and the side that was shown.

    Args:
        T_world_cup: (n, k, 4, 4) paths; at its end a cup's own z axis points where it tips to.
        offset_m: (3,) from the middle of what is poured into to that of the tilted cup, as shown; where it was hardly
            to a side of it, every side is as good.
    """
    side = np.asarray(offset_m, dtype=np.float64)[:2]
    if float(np.linalg.norm(side)) < _MEANT_M:
        return np.zeros(len(T_world_cup))
    from_m = -T_world_cup[:, -1, :2, 2]
    cosine = from_m @ side / (np.linalg.norm(from_m, axis=1) * np.linalg.norm(side)).clip(1e-9)
    angle: FloatArray = np.arccos(np.clip(cosine, -1.0, 1.0))
    return angle
