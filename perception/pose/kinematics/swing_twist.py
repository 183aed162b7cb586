"""Rotations of bones as swing and twist.

A bone that lies along the unit vector a at rest is carried by its joint's rotation Q. Every Q is one swing after one
twist, Q = S(a -> d) W(a, phi): the twist W turns by phi about the bone itself, the swing S is the shortest turn that
brings a to the bone's direction d = Q a, its axis perpendicular to both: two reflections, first a -> -a, then the one
that takes -a to d, whose mirror stands across a + d,

    S = (1 - (a + d)(a + d)^T / (1 + a.d)) (1 - 2 a a^T) = 1 - (a + d)(a + d)^T / (1 + a.d) + 2 d a^T

so d tells the swing and only phi is left open. Where d = -a every axis across a is as short; the turn about the
sideways axis y is taken.
Source: F. Dobrowolski, "Swing-twist decomposition in Clifford algebra", 2015; P. Baerlocher, R. Boulic,
"Parametrization and range of motion of the ball-and-socket joint", 2001.
"""

from __future__ import annotations

import numpy as np

from geometry import FloatArray

_NEAR = 1e-9
_DIAGONAL = np.arange(3)
_X, _Y = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])


def cross(a: FloatArray, b: FloatArray) -> FloatArray:
    """Cross product a x b over the last axis; far quicker than NumPy's for few vectors."""
    ax, ay, az = a[..., 0], a[..., 1], a[..., 2]
    bx, by, bz = b[..., 0], b[..., 1], b[..., 2]
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=-1)


def unit(vectors: FloatArray) -> FloatArray:
    """Vectors (..., 3) of length 1; NaN where they have none."""
    length = np.sqrt((vectors * vectors).sum(axis=-1, keepdims=True))
    return vectors / np.where(length > _NEAR, length, np.nan)


def swing_between(rest: FloatArray, direction: FloatArray) -> FloatArray:
    """(..., 3, 3) the shortest rotation from unit vectors `rest` to unit vectors `direction`, (..., 3) each."""
    cosine = (rest * direction).sum(axis=-1)
    opposite = cosine < -1.0 + _NEAR
    middle = rest + direction
    scaled = middle / np.where(opposite, 1.0, 1.0 + cosine)[..., None]
    swing = 2.0 * direction[..., :, None] * rest[..., None, :] - middle[..., :, None] * scaled[..., None, :]
    swing[..., _DIAGONAL, _DIAGONAL] += 1.0
    if opposite.any():
        across = unit(cross(np.broadcast_to(rest, middle.shape), np.array([1.0, 1e-6, 0.0])))
        half_turn = 2.0 * across[..., :, None] * across[..., None, :] - np.eye(3)
        swing = np.where(opposite[..., None, None], half_turn, swing)
    return swing


def cross_matrix(v: FloatArray) -> FloatArray:
    """(..., 3, 3) matrices [v] of vectors (..., 3), with [v] w = v x w."""
    x, y, z = v[..., 0], v[..., 1], v[..., 2]
    zero = np.zeros_like(x)
    return np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*v.shape[:-1], 3, 3)


def turn_about(axis_cross: FloatArray, angle: FloatArray) -> FloatArray:
    """(..., 3, 3) turns by `angle` (...) radians about unit vectors given by their `cross_matrix` (..., 3, 3).

    R = 1 + sin(angle) [a] + (1 - cos(angle)) [a]^2 (Rodrigues).
    """
    turned = np.sin(angle)[..., None, None] * axis_cross
    turned += (1.0 - np.cos(angle))[..., None, None] * (axis_cross @ axis_cross)
    turned[..., _DIAGONAL, _DIAGONAL] += 1.0
    return turned


def compose(rest: FloatArray, direction: FloatArray, twist: FloatArray) -> FloatArray:
    """(..., 3, 3) the rotation of that swing and twist: S(rest -> direction) W(rest, twist)."""
    return swing_between(rest, direction) @ turn_about(cross_matrix(rest), twist)


def twist_of(rotation: FloatArray, rest: FloatArray) -> FloatArray:
    """Twist (...) in radians, -pi to pi, of rotations (..., 3, 3) about unit vectors `rest` (..., 3).

    What is left when the swing is taken off, W = S^T Q, seen as the turn of a vector e across the bone.
    """
    direction = (rotation @ rest[..., None])[..., 0]
    e = unit(cross(np.broadcast_to(rest, direction.shape), np.where(np.abs(rest[..., :1]) < 0.8, _X, _Y)))
    turned = np.swapaxes(swing_between(rest, direction), -1, -2) @ (rotation @ e[..., None])
    return np.arctan2((cross(rest, e) * turned[..., 0]).sum(axis=-1), (e * turned[..., 0]).sum(axis=-1))
