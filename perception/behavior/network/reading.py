"""A seen person's joints in the order that a model reads them, whatever the layout of the source.

Joints of one name are carried over as they are; those that the layout lacks are built from their neighbours as in
`perception.pose.convert` (a hand from its knuckles or, without any, from the wrist; the spine from hips and shoulders).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.behavior.network.preparation import Preparation
from perception.pose import Person, PersonTrack, Skeleton, convert
from perception.pose.skeletons import HAND21


def joints_of_person(preparation: Preparation, person: Person, skeleton: Skeleton) -> FloatArray:
    """(J, D) the joints that a model reads; NaN for those that the skeleton lacks or that are not in view.

    Args:
        preparation: the model's; with 3 dimensions it reads metres, with 2 pixels.
        person: as a source gives it.
        skeleton: of the person's rows.
    Raises:
        InputError: if the skeleton lacks the joints that the model measures by, or the person has no metres or pixels.
    """
    name = "keypoints_m" if preparation.dimensions == 3 else "keypoints_px"
    body = getattr(person, name)
    if body is None:
        raise InputError("joints_of_person", expected=f"{name}, as the model reads", got="a person without")
    hands = {"left": person.left_hand, "right": person.right_hand}
    found = {side: None if hand is None else getattr(hand, name) for side, hand in hands.items()}
    return _rows(preparation, skeleton, np.asarray(body)[None], {s: _one(hand) for s, hand in found.items()})[0]


def joints_of_track(preparation: Preparation, track: PersonTrack) -> FloatArray:
    """(T, J, D) the same of a whole track.

    Raises:
        InputError: if the skeleton lacks the joints that the model measures by, or the track has another dimension.
    """
    if track.keypoints.shape[2] != preparation.dimensions:
        raise InputError(
            "joints_of_track", expected=f"{preparation.dimensions} coordinates", got=f"{track.keypoints.shape[2]}"
        )
    return _rows(preparation, track.skeleton, track.keypoints, {"left": track.left_hand, "right": track.right_hand})


def _rows(
    preparation: Preparation, skeleton: Skeleton, body: FloatArray, hands: dict[str, FloatArray | None]
) -> FloatArray:
    sides = tuple(side for side in hands if not skeleton.has(f"{side}_hand_wrist"))
    source, target = _with_hands(skeleton, sides), _named(preparation.joints)
    if not all(_readable(source, target)[row] for row in preparation.unit):
        raise InputError(
            "joints of a person",
            expected=f"a skeleton with {' and '.join(preparation.joints[row] for row in preparation.unit)}, "
            "whose distance is the model's unit of length",
            got=f"skeleton {skeleton.name}",
            remedy="perception.pose.convert brings skeletons to one layout",
        )
    unseen = np.full((len(body), len(HAND21), preparation.dimensions), np.nan)
    found = [hands[side] for side in sides]
    points = np.concatenate([body, *(unseen if hand is None else hand for hand in found)], axis=1)
    read, _ = convert(points, np.ones(points.shape[:2]), source, target)
    own = [row for row, joint in enumerate(target.joints) if source.has(joint)]
    read[:, own] = points[:, [source.index(target.joints[row]) for row in own]]  # unseen stays so: no stand-in
    return read


@lru_cache(maxsize=64)
def _with_hands(skeleton: Skeleton, sides: tuple[str, ...]) -> Skeleton:
    """A body's layout with the points of these hands behind it."""
    more = tuple(f"{side}_hand_{joint}" for side in sides for joint in HAND21.joints)
    return Skeleton(name=skeleton.name, joints=(*skeleton.joints, *more), bones=())


@lru_cache(maxsize=64)
def _named(joints: tuple[str, ...]) -> Skeleton:
    return Skeleton(name="model", joints=joints, bones=())


@lru_cache(maxsize=64)
def _readable(source: Skeleton, target: Skeleton) -> tuple[bool, ...]:
    """Which of a model's joints a layout has or can build."""
    points, _ = convert(np.zeros((len(source), 1)), np.ones(len(source)), source, target)
    return tuple(np.isfinite(points[:, 0]).tolist())


def _one(hand: NDArray[np.float64] | None) -> FloatArray | None:
    return None if hand is None else np.asarray(hand)[None]
