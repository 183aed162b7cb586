"""Grasps from a thing's shape alone: what the robot falls back on where the detector sees none."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation

from envs.workbench import Thing
from geometry import PANDA_HAND, FloatArray, transform

_WIDEST_M = PANDA_HAND.max_width_m - 0.006
_DEPTH_M = 0.034
_FLOOR_M = 0.006
_BEYOND_AXIS_M = 0.012
_WALL_M = 0.004
_LEANS_RAD = (0.0, np.radians(25.0), -np.radians(25.0))
_SIDE_LEANS_RAD = (0.0, np.radians(20.0), np.radians(40.0))
_AZIMUTHS = 16


def planned_grasps(thing: Thing) -> FloatArray:
    """(n, 4, 4) `T_thing_grasp` of grasps that close on a thing of this shape; whether they can be reached is open."""
    if thing.category in ("cube", "block"):
        return _on_box(np.array(thing.size_m))
    if thing.category in ("can", "cup") and thing.size_m[0] <= _WIDEST_M:
        around = _around(thing.size_m[0], thing.size_m[2])
        return np.concatenate([around, _from_top(thing)]) if thing.category == "can" else around
    return _on_rim(thing)


def frame(approach: ArrayLike, closing: ArrayLike, at_m: ArrayLike) -> FloatArray:
    """(4, 4) grasp frame of an approach (3,), a closing direction (3,) about at right angles to it, and an origin."""
    z = np.asarray(approach, dtype=np.float64) / np.linalg.norm(approach)
    y = np.asarray(closing, dtype=np.float64) - z * (z @ np.asarray(closing, dtype=np.float64))
    y = y / np.linalg.norm(y)
    return transform(np.stack([np.cross(y, z), y, z], axis=-1), at_m)


def _on_box(size: FloatArray) -> FloatArray:
    """From every face, closing across every edge that fits into the hand, upright and leaning."""
    found = []
    for along in range(3):
        depth = min(_DEPTH_M, 0.5 * size[along] + 0.01, size[along] - _FLOOR_M)
        for across in range(3):
            if across == along or size[across] > _WIDEST_M:
                continue
            third = 3 - along - across
            shifts = (0.0,) if size[third] < 0.06 else (0.0, 0.25 * size[third], -0.25 * size[third])
            for sign in (-1.0, 1.0):
                approach, closing, side = np.eye(3)[along] * sign, np.eye(3)[across], np.eye(3)[third]
                at = -approach * (0.5 * size[along] - depth)
                for shift in shifts:
                    found += [_leaning(approach, closing, at + side * shift, lean) for lean in _LEANS_RAD]
    return _stacked(found)


def _leaning(approach: FloatArray, closing: FloatArray, at: FloatArray, lean_rad: float) -> FloatArray:
    return frame(Rotation.from_rotvec(lean_rad * closing).apply(approach), closing, at)


def _around(diameter: float, height: float) -> FloatArray:
    """From the side of an upright cylinder, at two heights, level and leaning down."""
    found = []
    for azimuth in 2.0 * np.pi * np.arange(_AZIMUTHS) / _AZIMUTHS:
        out = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
        tangent = np.array([-out[1], out[0], 0.0])
        for lean in _SIDE_LEANS_RAD:
            approach = -np.cos(lean) * out - np.array([0.0, 0.0, np.sin(lean)])
            beyond = min(_BEYOND_AXIS_M, 0.3 * diameter)
            for share in (0.28, 0.08):
                found.append(frame(approach, tangent, approach * beyond + (0.0, 0.0, share * height)))
    return _stacked(found)


def _from_top(thing: Thing) -> FloatArray:
    """Straight onto an upright cylinder."""
    depth = min(_DEPTH_M, thing.size_m[2] - _FLOOR_M)
    angles = np.pi * np.arange(_AZIMUTHS // 2) / (_AZIMUTHS // 2)
    at = (0.0, 0.0, 0.5 * thing.size_m[2] - depth)
    return _stacked(
        _leaning(np.array([0.0, 0.0, -1.0]), np.array([np.cos(a), np.sin(a), 0.0]), np.array(at), lean)
        for a in angles
        for lean in _LEANS_RAD
    )


def _on_rim(thing: Thing) -> FloatArray:
    """From above on the wall of what is open, one finger inside."""
    half = 0.5 * np.array(thing.size_m)
    at_z = half[2] - min(0.03, thing.size_m[2] - _FLOOR_M)
    if thing.category in ("box", "tray"):
        ways = [(np.eye(3)[axis] * sign, half[axis]) for axis in (0, 1) for sign in (-1.0, 1.0)]
    else:
        angles = 2.0 * np.pi * np.arange(_AZIMUTHS) / _AZIMUTHS
        ways = [(np.array([np.cos(a), np.sin(a), 0.0]), float(half[0])) for a in angles]
    down = np.array([0.0, 0.0, -1.0])
    return _stacked(frame(down, out, out * (reach - 0.5 * _WALL_M) + (0.0, 0.0, at_z)) for out, reach in ways)


def _stacked(found: Iterable[FloatArray]) -> FloatArray:
    return np.array(list(found)).reshape(-1, 4, 4)
