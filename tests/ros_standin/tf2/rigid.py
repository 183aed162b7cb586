"""Rigid transforms as tf2 keeps them: a quaternion (x, y, z, w) and a translation in metres."""

from __future__ import annotations

import math
from dataclasses import dataclass

Quaternion = tuple[float, float, float, float]
Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Rigid:
    """p_parent = rotation * p_child + translation."""

    rotation: Quaternion = (0.0, 0.0, 0.0, 1.0)
    translation: Vector = (0.0, 0.0, 0.0)

    def __matmul__(self, inner: Rigid) -> Rigid:
        """This transform after the inner one."""
        rotated = rotate(self.rotation, inner.translation)
        x, y, z = (a + b for a, b in zip(self.translation, rotated, strict=True))
        return Rigid(product(self.rotation, inner.rotation), (x, y, z))

    def inverse(self) -> Rigid:
        """The transform the other way round."""
        x, y, z, w = self.rotation
        turned = (-x, -y, -z, w)
        tx, ty, tz = rotate(turned, self.translation)
        return Rigid(turned, (-tx, -ty, -tz))


def product(a: Quaternion, b: Quaternion) -> Quaternion:
    """Hamilton product of two quaternions."""
    ax, ay, az, aw = a
    bx, by, bz, bw = b
    return (
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
        aw * bw - ax * bx - ay * by - az * bz,
    )


def rotate(q: Quaternion, v: Vector) -> Vector:
    """A vector turned by a unit quaternion."""
    x, y, z, w = q
    x, y, z, _ = product(product(q, (*v, 0.0)), (-x, -y, -z, w))
    return (x, y, z)


def between(a: Rigid, b: Rigid, ratio: float) -> Rigid:
    """Linear in the translation, along the shorter arc (slerp) in the rotation; `ratio` from 0 (a) to 1 (b)."""
    x, y, z = (p + ratio * (q - p) for p, q in zip(a.translation, b.translation, strict=True))
    return Rigid(_slerp(a.rotation, b.rotation, ratio), (x, y, z))


def _slerp(a: Quaternion, b: Quaternion, ratio: float) -> Quaternion:
    cosine = sum(p * q for p, q in zip(a, b, strict=True))
    if cosine < 0.0:
        b = (-b[0], -b[1], -b[2], -b[3])
    angle = math.acos(min(abs(cosine), 1.0))
    if angle < 1e-9:
        return a
    scale_a, scale_b = (math.sin(part * angle) / math.sin(angle) for part in (1.0 - ratio, ratio))
    x, y, z, w = (scale_a * p + scale_b * q for p, q in zip(a, b, strict=True))
    return (x, y, z, w)
