"""Persons of one frame as arrays, in the order in which they stand there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.pose.pose_frame import PoseFrame

Space = Literal["px", "m"]
"""Where to track: in the image, or in metres."""

MIN_JOINTS = 3
"""Fewer seen joints than this are not a person."""


@dataclass(frozen=True)
class Detections:
    """N persons seen at one moment, D = 2 or 3."""

    points: FloatArray
    """(N, K, D); NaN where unseen."""
    weights: FloatArray
    """(N, K) scores of the joints; 0 where unseen."""
    scores: FloatArray
    """(N,) mean score of the seen joints; 0 where there are fewer than three."""
    sizes: FloatArray
    """(N,) diagonal of the box around the seen joints."""

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(N, K) whether each joint is seen."""
        return self.weights > 0.0

    def __len__(self) -> int:
        """Number of persons."""
        return len(self.scores)


def space_of(frame: PoseFrame) -> Space | None:
    """Pixels where the first person has them, else metres; None while nobody with either has been seen."""
    for person in frame.persons:
        if person.keypoints_px is not None:
            return "px"
        if person.keypoints_m is not None:
            return "m"
    return None


def detections_of(frame: PoseFrame, space: Space, min_score: float) -> Detections:
    """The frame's persons as arrays.

    Args:
        frame: persons in any order, with NaN or lacking keypoints.
        space: which keypoints to take; a person without them counts as unseen.
        min_score: joints below count as unseen.
    """
    joints, axes = len(frame.skeleton), 2 if space == "px" else 3
    points = np.full((len(frame.persons), joints, axes), np.nan)
    weights = np.zeros((len(frame.persons), joints))
    for row, person in enumerate(frame.persons):
        given = person.keypoints_px if space == "px" else person.keypoints_m
        if given is not None:
            points[row], weights[row] = given, person.scores
    seen = np.isfinite(points).all(-1) & (weights >= max(min_score, 1e-6))
    weights = np.where(seen, np.minimum(weights, 1.0), 0.0)
    points = np.where(seen[..., None], points, np.nan)
    count = seen.sum(-1)
    scores = np.where(count >= MIN_JOINTS, weights.sum(-1) / np.maximum(count, 1), 0.0)
    return Detections(points, weights, scores, np.maximum(box_diagonals(points), 1e-9))


def box_diagonals(points: FloatArray) -> FloatArray:
    """(...,) diagonal of the box around the points (..., K, D) that are not NaN; 0 where there are none."""
    low = np.fmin.reduce(points, axis=-2)
    high = np.fmax.reduce(points, axis=-2)
    return np.asarray(np.nan_to_num(np.sqrt(((high - low) ** 2).sum(-1))))


def check_joints(frame: PoseFrame, joints: int, where: str) -> None:
    """Raise InputError unless the frame has as many joints as the frames before."""
    if len(frame.skeleton) != joints:
        raise InputError(
            where,
            expected=f"persons of {joints} joints as before",
            got=f"{len(frame.skeleton)} ({frame.skeleton.name}) at {frame.time_s} s",
            remedy="one tracker serves one source; convert the frames to one skeleton",
        )
