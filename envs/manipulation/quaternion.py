"""A few operations on single xyzw quaternions in plain floats, for code that runs at every control step.

SciPy's Rotation is right and clear but costs 20 to 60 microseconds a call; these cost about one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Quat = tuple[float, float, float, float]


def multiply(a: Sequence[float], b: Sequence[float]) -> Quat:
    """The rotation `b` followed by `a`."""
    ax, ay, az, aw = a
    bx, by, bz, bw = b
    return (
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
        aw * bw - ax * bx - ay * by - az * bz,
    )


def conjugate(q: Sequence[float]) -> Quat:
    """The inverse rotation."""
    return -q[0], -q[1], -q[2], q[3]


def turn_of(q: Sequence[float]) -> tuple[float, float, float]:
    """Rotation vector (rad) of the shorter way to turn."""
    x, y, z, w = q if q[3] >= 0.0 else (-q[0], -q[1], -q[2], -q[3])
    sine = math.sqrt(x * x + y * y + z * z)
    scale = 2.0 * math.atan2(sine, w) / sine if sine > 1e-9 else 2.0
    return scale * x, scale * y, scale * z


def from_turn(turn_rad: Sequence[float]) -> Quat:
    """Quaternion of a rotation vector (rad)."""
    angle = math.sqrt(sum(a * a for a in turn_rad))
    scale = math.sin(0.5 * angle) / angle if angle > 1e-9 else 0.5
    x, y, z = (scale * a for a in turn_rad)
    return x, y, z, math.cos(0.5 * angle)


def about_z(angle_rad: float) -> Quat:
    """Quaternion of a turn about the vertical."""
    return 0.0, 0.0, math.sin(0.5 * angle_rad), math.cos(0.5 * angle_rad)


def two_columns(q: Sequence[float]) -> tuple[float, float, float, float, float, float]:
    """The first two columns of the rotation matrix, one after the other."""
    x, y, z, w = q
    return (
        1.0 - 2.0 * (y * y + z * z),
        2.0 * (x * y + z * w),
        2.0 * (x * z - y * w),
        2.0 * (x * y - z * w),
        1.0 - 2.0 * (x * x + z * z),
        2.0 * (y * z + x * w),
    )
