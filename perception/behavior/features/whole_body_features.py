"""What the body does: how it leans, walks, turns, and bends its limbs."""

from __future__ import annotations

import numpy as np

from geometry import FloatArray
from perception.behavior.features.geometry_of_points import angle_between, distance
from perception.behavior.features.motion import Motion
from perception.pose.skeletons import BODY18

BODY_FEATURES: tuple[tuple[str, str], ...] = (
    ("hand_to_hand", "torso"),
    ("torso_speed", "torso/s"),
    ("torso_rise_speed", "torso/s"),
    ("trunk_lean", "rad"),
    ("heading_rate", "rad/s"),
    *((f"{side}_{angle}_angle", "rad") for angle in ("elbow", "hip", "knee") for side in ("left", "right")),
    *((f"{side}_foot_{what}", unit) for what, unit in (("speed", "torso/s"), ("height", "torso"))
      for side in ("left", "right")),
    ("feet_apart", "torso"),
    ("feet_alternation", "1"),
)  # fmt: skip
"""Name and unit of each feature of the body."""


def _both(joint: str) -> list[int]:
    return [BODY18.index(f"left_{joint}"), BODY18.index(f"right_{joint}")]


_PELVIS, _NECK, _WRISTS, _ANKLES = BODY18.index("pelvis"), BODY18.index("neck"), _both("wrist"), _both("ankle")
_ANGLES = [[_both(joint) for joint in joints] for joints in (
    ("shoulder", "elbow", "wrist"), ("shoulder", "hip", "knee"), ("hip", "knee", "ankle"))]  # fmt: skip
_SHOULDERS = _both("shoulder")


def whole_body_features(motion: Motion) -> FloatArray:
    """(T, len(BODY_FEATURES)).

    An angle is that inside the joint, pi for a straight limb. The lean is the angle of the line from hips to neck
    with the vertical (in a picture: as seen in it). Heading is the direction of the shoulders about the vertical,
    known in 3D alone. The torso moves as the hips do, or the neck where they are hidden. A foot's height is that of
    its ankle over the lowest ankle of the last seconds. Alternation is (left speed - right speed) / (their sum): it
    swings between -1 and 1 in walking.
    """
    body, velocity, torso = motion.body, motion.body_velocity, motion.torso[:, None]
    middle_velocity = np.where(np.isfinite(velocity[:, _PELVIS]), velocity[:, _PELVIS], velocity[:, _NECK])
    trunk = body[:, _NECK] - body[:, _PELVIS]
    foot_speed = np.linalg.norm(velocity[:, _ANKLES], axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        alternation = (foot_speed[:, 0] - foot_speed[:, 1]) / foot_speed.sum(axis=1)
    columns = [
        distance(body[:, _WRISTS[0]], body[:, _WRISTS[1]])[:, None] / torso,
        np.linalg.norm(middle_velocity, axis=-1, keepdims=True) / torso,
        motion.height(middle_velocity)[:, None] / torso,
        angle_between(trunk, np.broadcast_to(motion.up, trunk.shape))[:, None],
        _heading_rate(motion)[:, None],
        *(_joint_angles(body, joints) for joints in _ANGLES),
        foot_speed / torso,
        (motion.height(body[:, _ANKLES]) - motion.ground[:, None]) / torso,
        distance(body[:, _ANKLES[0]], body[:, _ANKLES[1]])[:, None] / torso,
        alternation[:, None],
    ]
    return np.hstack(columns)


def _joint_angles(body: FloatArray, joints: list[list[int]]) -> FloatArray:
    """(T, 2) angle at the middle one of three joints, left and right."""
    first, middle, last = (body[:, rows] for rows in joints)
    return angle_between(first - middle, last - middle)


def _heading_rate(motion: Motion) -> FloatArray:
    """(T,) turn of the shoulders' line about the vertical, radians a second, left turns positive; NaN in 2D."""
    if motion.body.shape[-1] == 2:
        return np.full(len(motion.body), np.nan)
    across = motion.body[:, _SHOULDERS[0]] - motion.body[:, _SHOULDERS[1]]
    turning = motion.body_velocity[:, _SHOULDERS[0]] - motion.body_velocity[:, _SHOULDERS[1]]
    level = across - motion.height(across)[:, None] * motion.up
    squared = (level**2).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(squared > 0.0, np.cross(level, turning) @ motion.up / squared, np.nan)
