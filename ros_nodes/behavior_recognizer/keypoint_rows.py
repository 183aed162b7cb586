"""People as a flat list of named keypoints, as detection arrays carry them, and back to frames.

A joint of the body goes by its name in the skeleton ("left_wrist"); one of the 21 points of a hand by its side and its
name in `HAND21` ("left_hand/index_tip"). Keypoints that were not seen are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from geometry import FloatArray, InputError
from perception.pose import Hand, Person, PoseFrame, Skeleton
from perception.pose.skeletons import HAND21

_SIDES = ("left", "right")


class KeypointRow(NamedTuple):
    """One keypoint of one person."""

    person: int
    """The person's number; -1 where it is not known, which makes it one person's all the same."""
    name: str
    """See above."""
    point: tuple[float, ...]
    """(2,) column and row, pixels, or (3,) metres."""
    score: float
    """Confidence, 0 to 1."""


@dataclass(frozen=True)
class RowsRead:
    """What became of a list of keypoints."""

    persons: tuple[Person, ...]
    """In the order in which they first appear."""
    unknown: tuple[str, ...]
    """Names that the skeleton does not have, each once; their keypoints are left out."""


def rows_of_frame(frame: PoseFrame) -> list[KeypointRow]:
    """Every keypoint of a frame that was seen: in metres where a person has metres, else in pixels."""
    rows: list[KeypointRow] = []
    for person in frame.persons:
        metres = person.keypoints_m is not None
        points = person.keypoints_m if metres else person.keypoints_px
        rows += _rows(person.id, frame.skeleton.joints, points, person.scores)
        for side, hand in zip(_SIDES, (person.left_hand, person.right_hand), strict=True):
            if hand is not None:
                names = [f"{side}_hand/{joint}" for joint in HAND21.joints]
                rows += _rows(person.id, names, hand.keypoints_m if metres else hand.keypoints_px, hand.scores)
    return rows


def persons_of_rows(rows: Iterable[KeypointRow], skeleton: Skeleton) -> RowsRead:
    """Persons from their keypoints.

    Args:
        rows: in any order; of two with one name, the more confident counts.
        skeleton: which joints a body has.
    Raises:
        InputError: for keypoints of both two and three numbers, for ones that are not finite, or for scores out of
            0 to 1.
    """
    by_person: dict[int, list[KeypointRow]] = {}
    for row in rows:
        by_person.setdefault(row.person, []).append(row)
    widths = {len(row.point) for each in by_person.values() for row in each}
    if len(widths) > 1 or not widths <= {2, 3}:
        raise InputError("keypoints", expected="all with two or all with three numbers", got=f"{sorted(widths)}")
    for row in (row for each in by_person.values() for row in each):
        if not np.isfinite(row.point).all() or not 0.0 <= row.score <= 1.0:
            raise InputError(
                f"keypoint {row.name!r}",
                expected="finite numbers and a score of 0 to 1",
                got=f"{row.point}, {row.score}",
            )
    unknown: dict[str, None] = {}
    width = widths.pop() if widths else 3
    persons = tuple(_person(number, each, skeleton, width, unknown) for number, each in by_person.items())
    return RowsRead(persons, tuple(unknown))


def _rows(person: int, names: Sequence[str], points: FloatArray | None, scores: FloatArray) -> Iterable[KeypointRow]:
    if points is None:
        return
    for name, point, score in zip(names, points, scores, strict=True):
        if np.isfinite(point).all() and score > 0.0:
            yield KeypointRow(person, name, tuple(float(value) for value in point), float(score))


def _person(number: int, rows: list[KeypointRow], skeleton: Skeleton, width: int, unknown: dict[str, None]) -> Person:
    body = _Points(skeleton, width)
    hands = {side: _Points(HAND21, width) for side in _SIDES}
    for row in rows:
        side, slash, joint = row.name.partition("_hand/")
        points = hands.get(side) if slash else body
        if points is None or not points.take(joint if slash else row.name, row):
            unknown[row.name] = None
    left, right = (_hand(hands[side]) for side in _SIDES)
    points_px, points_m = (body.points, None) if width == 2 else (None, body.points)
    return Person(
        id=number,
        scores=body.scores,
        keypoints_px=points_px,
        keypoints_m=points_m,
        left_hand=left,
        right_hand=right,
    )


class _Points:
    """Points of one skeleton that are filled in one by one."""

    def __init__(self, skeleton: Skeleton, width: int) -> None:
        self._skeleton = skeleton
        self.points = np.full((len(skeleton), width), np.nan)
        self.scores = np.zeros(len(skeleton))

    def take(self, joint: str, row: KeypointRow) -> bool:
        if not self._skeleton.has(joint):
            return False
        index = self._skeleton.index(joint)
        if row.score > self.scores[index]:
            self.points[index], self.scores[index] = row.point, row.score
        return True


def _hand(points: _Points) -> Hand | None:
    if not np.any(points.scores > 0.0):
        return None
    metres = points.points.shape[1] == 3
    return Hand(
        scores=points.scores,
        keypoints_px=None if metres else points.points,
        keypoints_m=points.points if metres else None,
    )
