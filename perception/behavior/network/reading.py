"""A seen person's joints in the order that a model reads them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.behavior.network.preparation import Preparation
from perception.pose import Person, PersonTrack, Skeleton
from perception.pose.skeletons import HAND21


def joints_of_person(preparation: Preparation, person: Person, skeleton: Skeleton) -> FloatArray:
    """(J, D) the joints that a model reads; NaN for those that the skeleton lacks or that are not in view.

    Args:
        preparation: the model's; with 3 dimensions it reads metres, with 2 pixels.
        person: as a source gives it.
        skeleton: of the person's rows.
    Raises:
        InputError: if none of the model's joints is the skeleton's, or the person has no metres or pixels.
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
        InputError: if none of the model's joints is the skeleton's, or the track has another dimension.
    """
    if track.keypoints.shape[2] != preparation.dimensions:
        raise InputError(
            "joints_of_track", expected=f"{preparation.dimensions} coordinates", got=f"{track.keypoints.shape[2]}"
        )
    return _rows(preparation, track.skeleton, track.keypoints, {"left": track.left_hand, "right": track.right_hand})


def _rows(
    preparation: Preparation, skeleton: Skeleton, body: FloatArray, hands: dict[str, FloatArray | None]
) -> FloatArray:
    places = {joint: body[:, row] for row, joint in enumerate(skeleton.joints)}
    for side, hand in hands.items():
        if hand is not None:
            places |= {f"{side}_hand_{joint}": hand[:, row] for row, joint in enumerate(HAND21.joints)}
    of_hands = {f"{side}_hand_{joint}" for side in hands for joint in HAND21.joints}
    if not (set(skeleton.joints) | of_hands) & set(preparation.joints):
        raise InputError(
            "joints of a person",
            expected=f"some of {', '.join(preparation.joints)}",
            got=f"skeleton {skeleton.name}",
            remedy="perception.pose.convert brings skeletons to one layout",
        )
    unseen = np.full((len(body), preparation.dimensions), np.nan)
    return np.stack([places.get(joint, unseen) for joint in preparation.joints], axis=1)


def _one(hand: NDArray[np.float64] | None) -> FloatArray | None:
    return None if hand is None else np.asarray(hand)[None]
