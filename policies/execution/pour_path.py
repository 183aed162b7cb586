"""How a cup moves when it is emptied: its lip stays above the bowl, and nothing of it comes below the bowl's rim."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from envs.workbench import Thing
from geometry import FloatArray, transform

TILTS = 12
"""Moments of a path after its first."""
_DIRECTIONS = 12
_SPINS = 6
_CLEAR_M = 0.035
_SHORT_M = 0.012
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
