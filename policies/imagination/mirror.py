"""The vertical mirror plane that best explains what was seen of an object, hidden half and all.

Most things people make have one, and a look from one side shows one half. A plane is believed if the
mirrored surface stays out of places that the camera looked through, falls onto seen surface where it
is in view, and needs little room (Bohg et al., "Mind the Gap - Robotic Grasping under Incomplete
Observation", ICRA 2011).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geometry import FloatArray
from policies.imagination.sight import Sight

_ANGLES_RAD = np.deg2rad(np.arange(-60.0, 61.0, 15.0))
_OFFSETS = 9
_ON_SURFACE_M = 0.004
_MOST_IN_AIR = 0.06
_AIR_PRICE, _GROWTH_PRICE = 4.0, 1.0


class Mirror(NamedTuple):
    """A vertical plane: the points with `normal @ p == offset_m`."""

    normal: FloatArray
    """(3,) level unit vector, away from the camera."""
    offset_m: float
    """Distance from the origin along it."""

    def reflect(self, points: FloatArray) -> FloatArray:
        """(N, 3) points on the other side."""
        return points - 2.0 * (points @ self.normal - self.offset_m)[:, None] * self.normal


def find_mirror(points: FloatArray, number: int, sight: Sight) -> Mirror | None:
    """The plane through an object's seen points (N, 3) that explains them best; None where none does.

    Only planes that turn the seen side towards the hidden one are tried: a plane along the line of sight
    may explain an object as well, but shows nothing new.
    """
    eye = -sight.T_camera_table[:3, :3].T @ sight.T_camera_table[:3, 3]
    away = points[:, :2].mean(axis=0) - eye[:2]
    azimuth = np.arctan2(away[1], away[0])
    best, best_worth = None, -np.inf
    for angle in azimuth + _ANGLES_RAD:
        normal = np.array([np.cos(angle), np.sin(angle), 0.0])
        along = points @ normal
        near, far = np.percentile(along, (2.0, 98.0))
        for offset in np.linspace(0.5 * (near + far), far, _OFFSETS):
            mirror = Mirror(normal, float(offset))
            worth = _worth(mirror.reflect(points), number, sight, far - near, 2.0 * offset - near - far)
            if worth > best_worth:
                best, best_worth = mirror, worth
    return best


def _worth(reflected: FloatArray, number: int, sight: Sight, depth_m: float, growth_m: float) -> float:
    """How well the reflected points (N, 3) agree with the look; -inf where they stand in the open."""
    behind, owner = sight.depth_behind(reflected)
    in_air = float(np.mean(behind < -_ON_SURFACE_M))
    if in_air > _MOST_IN_AIR:
        return -np.inf
    matched = float(np.mean((np.abs(behind) <= _ON_SURFACE_M) & (owner == number)))
    return matched - _AIR_PRICE * in_air - _GROWTH_PRICE * growth_m / max(depth_m, 0.01)
