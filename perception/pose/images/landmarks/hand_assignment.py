"""Whose hand is whose: hands that were found on their own go to the bodies that were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from geometry import FloatArray
from perception.pose.images.landmarks.mediapipe_tasks import FoundBody, FoundHand
from perception.pose.pose_frame import Hand, Person
from perception.pose.skeletons import HAND21, MEDIAPIPE33

SIDES = ("left", "right")
_REACH = 1.0
"""A hand's wrist is at most this far from the body's, in diagonals of the hand's box (about 18 cm)."""
_WRONG_SIDE = 0.5
_FORBIDDEN = 1e3
_SMALLEST_BODY = 2.5
"""A body about a hand is no smaller than so many diagonals of the hand's box. Whole persons are 8 or more; a hand
nearer to the camera than its person looks larger."""


def persons_with_hands(
    bodies: Sequence[FoundBody], hands: Sequence[FoundHand], *, size_px: tuple[int, int], alone: bool
) -> tuple[Person, ...]:
    """Persons with the hands that are theirs.

    A hand goes to the nearest wrist within reach, all hands at once at the least total distance; a wrist of the
    other side than the hand's own label costs half a hand more. A hand that no body can reach makes a person
    whose body was not seen. A body that is hardly larger than a hand, and about it, is dropped: a hand that fills
    the image is easily taken for a person.

    Args:
        bodies: every body in the image.
        hands: every hand in the image.
        size_px: width and height of the image; a hand's points outside of it count as not seen.
        alone: there is one person at most, so that hands without a body belong together.

    Returns:
        Bodies in their order, then those of whom only hands were seen.
    """
    bodies = [body for body in bodies if not any(_is_that_hand(body, hand) for hand in hands)]
    persons = [Person(scores=body.scores, keypoints_px=body.keypoints_px) for body in bodies]
    taken = _assign(bodies, hands)
    for number, (row, side) in taken.items():
        persons[row] = _with_hand(persons[row], side, _hand(hands[number], size_px))
    rest = [hand for number, hand in enumerate(hands) if number not in taken]
    for hand in sorted(rest, key=lambda hand: -hand.score):
        side = hand.side
        if alone and persons and (persons[0].left_hand if side == "left" else persons[0].right_hand) is None:
            persons[0] = _with_hand(persons[0], side, _hand(hand, size_px))
        elif not (alone and persons):
            persons.append(_with_hand(_unseen_body(), side, _hand(hand, size_px)))
    return tuple(persons)


def _is_that_hand(body: FoundBody, hand: FoundHand) -> bool:
    (body_middle, body_span), (hand_middle, hand_span) = (_box(found.keypoints_px) for found in (body, hand))
    return body_span < _SMALLEST_BODY * hand_span and bool(np.linalg.norm(body_middle - hand_middle) < hand_span)


def _box(points: FloatArray) -> tuple[FloatArray, float]:
    """Middle and diagonal of the box about points."""
    low, high = points.min(axis=0), points.max(axis=0)
    return (low + high) / 2.0, float(np.linalg.norm(high - low))


def _assign(bodies: Sequence[FoundBody], hands: Sequence[FoundHand]) -> dict[int, tuple[int, str]]:
    """Body and side by the number of the hand."""
    if not bodies or not hands:
        return {}
    slots = [(row, side) for row in range(len(bodies)) for side in SIDES]
    wrists = np.array([bodies[row].keypoints_px[MEDIAPIPE33.index(f"{side}_wrist")] for row, side in slots])
    found = np.array([hand.keypoints_px[HAND21.index("wrist")] for hand in hands])
    spans = np.array([_box(hand.keypoints_px)[1] for hand in hands])
    distance = np.linalg.norm(found[:, None] - wrists, axis=-1) / np.maximum(spans, 1.0)[:, None]
    other = np.array([[hand.side != side for _, side in slots] for hand in hands])
    cost = np.where(distance <= _REACH, distance + _WRONG_SIDE * other, _FORBIDDEN)
    pairs = zip(*linear_sum_assignment(cost), strict=True)
    return {int(hand): slots[slot] for hand, slot in pairs if cost[hand, slot] < _FORBIDDEN}


def _hand(found: FoundHand, size_px: tuple[int, int]) -> Hand:
    points: FloatArray = found.keypoints_px
    inside = np.all((points >= -0.5) & (points < np.array(size_px) - 0.5), axis=1)
    return Hand(scores=np.where(inside, found.score, 0.0), keypoints_px=np.where(inside[:, None], points, np.nan))


def _with_hand(person: Person, side: str, hand: Hand) -> Person:
    return replace(person, left_hand=hand) if side == "left" else replace(person, right_hand=hand)


def _unseen_body() -> Person:
    count = len(MEDIAPIPE33)
    return Person(scores=np.zeros(count), keypoints_px=np.full((count, 2), np.nan))
