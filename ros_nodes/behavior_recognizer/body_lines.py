"""A person's bones as line segments, and the place of a caption above."""

from __future__ import annotations

import numpy as np

from geometry import FloatArray
from perception.pose import Person, Skeleton
from perception.pose.skeletons import HAND21

_ABOVE_M = 0.25


def body_lines(person: Person, skeleton: Skeleton) -> FloatArray:
    """(2N, 3) ends of every bone that was seen whole, body and hands, metres; empty without metres."""
    parts = [(person.keypoints_m, skeleton)]
    parts += [(hand.keypoints_m, HAND21) for hand in (person.left_hand, person.right_hand) if hand is not None]
    ends = [
        np.asarray(points, dtype=np.float64)[list(bone)]
        for points, layout in parts
        if points is not None
        for bone in layout.bone_rows
    ]
    seen = [bone for bone in ends if np.isfinite(bone).all()]
    return np.concatenate(seen) if seen else np.zeros((0, 3))


def caption_place(person: Person, reference: str) -> FloatArray | None:
    """(3,) metres, a little above the highest joint; None where no joint has metres.

    Args:
        person: in metres.
        reference: "camera" (up is -y) or "world" (up is +z).
    """
    if person.keypoints_m is None:
        return None
    points = person.keypoints_m[np.isfinite(person.keypoints_m).all(axis=1)]
    if not len(points):
        return None
    up = np.array([0.0, -1.0, 0.0]) if reference == "camera" else np.array([0.0, 0.0, 1.0])
    middle = points.mean(axis=0)
    return np.asarray(middle + up * (float(((points - middle) @ up).max()) + _ABOVE_M))
