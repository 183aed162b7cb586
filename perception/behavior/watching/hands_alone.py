"""People of whom only a hand is in the picture: what the body knows of a hand is filled in from it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from geometry import FloatArray
from perception.pose import Person, PoseFrame
from perception.pose.skeletons import HAND21

_JOINTS = (("wrist", "wrist"), ("thumb", "thumb_ip"), ("index", "index_mcp"), ("pinky", "pinky_mcp"))
"""Joints of a body, without their side, and the points of a hand where they lie."""


def with_bodies_of_hands(frame: PoseFrame) -> PoseFrame:
    """The same frame; persons without a single joint of the body get those that lie on their hands.

    People are followed and measured by the joints of their bodies, so somebody who shows a hand alone would go
    unnoticed. Skeletons that know nothing of hands beyond the wrist (three joints are the least that is followed)
    are left as they are.
    """
    rows = [
        (frame.skeleton.index(f"{side}_{joint}"), side, HAND21.index(point))
        for side in ("left", "right")
        for joint, point in _JOINTS
        if frame.skeleton.has(f"{side}_{joint}")
    ]
    return frame.with_persons(tuple(_filled(person, rows) for person in frame.persons))


def _filled(person: Person, rows: list[tuple[int, str, int]]) -> Person:
    hands = {"left": person.left_hand, "right": person.right_hand}
    if np.any(person.scores > 0.0) or not any(hands.values()):
        return person
    scores = np.array(person.scores, dtype=float)
    for row, side, point in rows:
        hand = hands[side]
        scores[row] = 0.0 if hand is None else hand.scores[point]
    pixels = {side: None if hand is None else hand.keypoints_px for side, hand in hands.items()}
    metres = {side: None if hand is None else hand.keypoints_m for side, hand in hands.items()}
    return replace(
        person,
        scores=scores,
        keypoints_px=_points(person.keypoints_px, pixels, rows),
        keypoints_m=_points(person.keypoints_m, metres, rows),
    )


def _points(
    body: FloatArray | None, hands: dict[str, FloatArray | None], rows: list[tuple[int, str, int]]
) -> FloatArray | None:
    """(K, D) of the body with the hands' points filled in; None where the person has no points of the kind."""
    if body is None:
        return None
    points = np.array(body, dtype=float)
    for row, side, point in rows:
        hand = hands[side]
        points[row] = np.nan if hand is None else hand[point]
    return points
