"""What is seen at one moment: persons with their keypoints and hands, and objects."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError, PinholeCamera
from perception.pose.skeletons import HAND21, Skeleton


@dataclass(frozen=True, kw_only=True)
class Hand:
    """One hand of 21 points (`HAND21`). What was not seen is NaN with score 0."""

    scores: FloatArray
    """(21,) confidence of each point, 0 to 1."""
    keypoints_px: FloatArray | None = None
    """(21, 2) pixels (column, row)."""
    keypoints_m: FloatArray | None = None
    """(21, 3) metres in the frame's reference."""

    def __post_init__(self) -> None:
        _check_points("Hand", len(HAND21), self.scores, self.keypoints_px, self.keypoints_m)


@dataclass(frozen=True, kw_only=True)
class Person:
    """One person's body, and hands where they are known. What was not seen is NaN with score 0."""

    id: int = -1
    """Number that stays with the person over time; -1 before tracking."""
    scores: FloatArray
    """(K,) confidence of each joint, 0 to 1."""
    keypoints_px: FloatArray | None = None
    """(K, 2) pixels (column, row)."""
    keypoints_m: FloatArray | None = None
    """(K, 3) metres in the frame's reference."""
    left_hand: Hand | None = None
    """The person's own left hand."""
    right_hand: Hand | None = None
    """The person's own right hand."""

    def __post_init__(self) -> None:
        _check_points("Person", len(self.scores), self.scores, self.keypoints_px, self.keypoints_m)


@dataclass(frozen=True, kw_only=True)
class SeenObject:
    """One thing in view."""

    name: str
    """What tells it from the others, such as "cup" or "cube_2"; stays with it over time."""
    category: str = ""
    """Its class; empty: the same as its name."""
    T_reference_object: FloatArray | None = None
    """(4, 4) its pose in the frame's reference."""
    box_px: FloatArray | None = None
    """(4,) columns and rows of its corners in the image: u0, v0, u1, v1."""
    size_m: FloatArray | None = None
    """(3,) edge lengths along its own axes, metres."""
    score: float = 1.0
    """Confidence, 0 to 1."""


@dataclass(frozen=True, kw_only=True)
class PoseFrame:
    """Persons and objects at one time.

    Pixels belong to one image; metres to one reference, "camera" (optical frame) or "world" (z up).
    """

    time_s: float
    """Seconds since some start; grows from frame to frame."""
    skeleton: Skeleton
    """What the rows of the persons' keypoints are."""
    persons: tuple[Person, ...] = ()
    """Who is in view; empty where nobody is."""
    objects: tuple[SeenObject, ...] = ()
    """What is in view."""
    reference: str = "camera"
    """Frame of everything in metres: "camera" or "world"."""
    camera: PinholeCamera | None = None
    """The camera that saw it, where known."""
    rgb: NDArray[np.uint8] | None = None
    """(H, W, 3) the image, where one came with it."""

    def __post_init__(self) -> None:
        if not np.isfinite(self.time_s):
            raise InputError("PoseFrame", expected="a finite time_s", got=f"{self.time_s}")
        if self.reference not in ("camera", "world"):
            raise InputError("PoseFrame", expected='reference "camera" or "world"', got=f"{self.reference!r}")
        for person in self.persons:
            if len(person.scores) != len(self.skeleton):
                raise InputError(
                    "PoseFrame",
                    expected=f"persons of {len(self.skeleton)} joints ({self.skeleton.name})",
                    got=f"{len(person.scores)} joints",
                    remedy="every frame of a source has one skeleton; convert first",
                )
        ids = [person.id for person in self.persons if person.id >= 0]
        if len(set(ids)) < len(ids):
            raise InputError(
                f"PoseFrame at {self.time_s:g} s",
                expected="each person's id once, -1 before tracking",
                got=f"ids {ids}",
                remedy="leave ids out where they are not known, and track the persons",
            )

    def with_persons(self, persons: tuple[Person, ...]) -> PoseFrame:
        """The same moment with other persons."""
        return replace(self, persons=persons)


def _check_points(
    where: str, count: int, scores: FloatArray, pixels: FloatArray | None, metres: FloatArray | None
) -> None:
    if np.shape(scores) != (count,):
        raise InputError(where, expected=f"scores of shape ({count},)", got=f"{np.shape(scores)}")
    for name, points, width in (("keypoints_px", pixels, 2), ("keypoints_m", metres, 3)):
        if points is not None and np.shape(points) != (count, width):
            raise InputError(where, expected=f"{name} of shape ({count}, {width})", got=f"{np.shape(points)}")
