"""How far a body's joints turn: cones for swings, ranges for twists, hinges for elbows and knees.

A bone may point anywhere within a round cone about a middle direction, and a hinge may bend in its range and give a
little sideways. The cones are the smallest round ones that hold what the American Academy of Orthopaedic Surgeons
lists ("Joint Motion: Method of Measuring and Recording", 1965), so they allow more than any person can and only
forbid what nobody can (degrees): shoulder flexion 180, extension 60, abduction 180; elbow 0 to 150; wrist flexion 80,
extension 70; hip flexion 120, extension 30, abduction 45; knee 0 to 135, to 155 in a squat; ankle 20 up, 40 under the
body's weight (Bennell et al. 1998), 50 down; neck and trunk 45 and 80 forward, 45 and 30 back; rotation of hip 45,
shoulder 70 in and 90 out, neck 60, trunk 45, forearm 80. Twists get about half as much again, since the shortest
swing brings some of its own; the shoulder's, which it can turn over, is left free.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geometry import FloatArray
from perception.pose.kinematics.swing_twist import cross, unit


@dataclass(frozen=True, kw_only=True)
class JointLimit:
    """What one joint may do."""

    middle: tuple[float, float, float]
    """Middle of the cone in the parent's frame (x forward, y left, z up), for a left joint; any length."""
    half_angle_rad: float
    """How far the bone may point from the middle."""
    twist_rad: float
    """How far it may turn about itself from the rest pose, either way."""


@dataclass(frozen=True, kw_only=True)
class HingeLimit:
    """What an elbow or a knee may do: bend, and a little else."""

    forward: bool
    """Whether it bends its bone forward (elbow) or back (knee)."""
    bend_rad: tuple[float, float]
    """Least and most bend; 0 is straight."""
    sideways_rad: float = np.radians(20.0)
    """How far out of the plane of bending: carrying angle, and the keypoints' own inexactness."""
    twist_rad: float = 0.0
    """How far the bone below may turn about itself, either way."""


_D = np.pi / 180.0
STRETCH_RAD = 10.0 * _D
"""How far elbows and knees go beyond straight."""
LIMITS: dict[str, JointLimit] = {
    "spine": JointLimit(middle=(0.42, 0.0, 0.91), half_angle_rad=55 * _D, twist_rad=60 * _D),
    "neck": JointLimit(middle=(0.0, 0.0, 1.0), half_angle_rad=50 * _D, twist_rad=75 * _D),
    "shoulder": JointLimit(middle=(0.8, 0.6, 0.0), half_angle_rad=135 * _D, twist_rad=180 * _D),
    "wrist": JointLimit(middle=(0.0, 0.0, -1.0), half_angle_rad=85 * _D, twist_rad=30 * _D),
    "hip": JointLimit(middle=(0.71, 0.0, -0.71), half_angle_rad=75 * _D, twist_rad=90 * _D),
    "ankle": JointLimit(middle=(0.91, 0.0, -0.41), half_angle_rad=50 * _D, twist_rad=45 * _D),
}
"""By joint; both sides alike."""
HINGES = {
    "elbow": HingeLimit(forward=True, bend_rad=(-STRETCH_RAD, 155 * _D), twist_rad=90 * _D),
    "knee": HingeLimit(forward=False, bend_rad=(-STRETCH_RAD, 160 * _D)),
}


def cone_of(joint: str) -> tuple[FloatArray, float, float]:
    """Middle (3,), half angle and twist of a joint of `BODY18`; right ones mirrored."""
    side, _, limb = joint.rpartition("_")
    limit = LIMITS[limb]
    mirror = -1.0 if side == "right" else 1.0
    return unit(np.array(limit.middle) * (1.0, mirror, 1.0)), limit.half_angle_rad, limit.twist_rad


def into_cone(directions: FloatArray, middle: FloatArray, half_angle_rad: FloatArray) -> FloatArray:
    """Unit vectors (..., 3), those outside their cone turned the shortest way to its edge."""
    cosine = (directions * middle).sum(axis=-1, keepdims=True)
    half = half_angle_rad[..., None]
    outside = cosine < np.cos(half)
    if not outside.any():
        return directions
    across = directions - cosine * middle
    length = np.sqrt((across * across).sum(axis=-1, keepdims=True))
    some = cross(np.broadcast_to(middle, directions.shape), np.array([0.0, 1.0, 0.0]))
    edge = np.cos(half) * middle + np.sin(half) * np.where(length > 1e-9, across / np.maximum(length, 1e-9), some)
    return np.where(outside, unit(edge), directions)


def into_hinge(
    directions: FloatArray, axes: FloatArray, least: FloatArray, most: FloatArray, sideways: FloatArray
) -> FloatArray:
    """Unit vectors (..., 3) with their bend and their sideways angle brought into range.

    Args:
        directions: of the bones below the hinges, in the frames of those above.
        axes: (..., 3, 3) rows: where the bone points when straight, where bending moves it first, and sideways.
        least: (...) radians, least bend.
        most: (...) radians, most bend.
        sideways: (...) radians.
    """
    local = (axes @ directions[..., None])[..., 0]
    bend = np.arctan2(local[..., 1], local[..., 0])
    # A bone bent past half a turn shows as bent the other way: the nearer end of the range is meant.
    bend = np.where(bend < 0.5 * (least + most) - np.pi, bend + 2.0 * np.pi, bend)
    tilt = np.arcsin(np.clip(local[..., 2], -1.0, 1.0))
    kept, flat = np.clip(bend, least, most), np.clip(tilt, -sideways, sideways)
    if np.array_equal(kept, bend) and np.array_equal(flat, tilt):
        return directions
    across = np.cos(flat)
    inside = np.stack([across * np.cos(kept), across * np.sin(kept), np.sin(flat)], axis=-1)
    return (np.swapaxes(axes, -1, -2) @ inside[..., None])[..., 0]
