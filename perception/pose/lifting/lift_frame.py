"""Persons and hands of a frame in metres."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from geometry import FloatArray, InputError, PinholeCamera
from perception.pose.lifting.lift import lift
from perception.pose.lifting.lift_config import BODY_LIFT, HAND_LIFT
from perception.pose.pose_frame import Hand, Person, PoseFrame
from perception.pose.skeletons import HAND21, Skeleton


def lift_frame(
    frame: PoseFrame, depth_m: ArrayLike, camera: PinholeCamera, *, previous: PoseFrame | None = None
) -> PoseFrame:
    """The frame with metres in the camera's frame beside its pixels.

    A point without a depth to be trusted keeps its pixel, has NaN metres and score 0.

    Args:
        frame: persons in pixels.
        depth_m: (H, W) metres along +z, registered to the frame's image; 0 or NaN without return.
        camera: intrinsics of that image.
        previous: the frame before, lifted and tracked; a person of the same id does not jump from there.

    Raises:
        InputError: if the depth image has another size than the camera, or than the frame's image.
    """
    depth = np.asarray(depth_m)
    if frame.rgb is not None and depth.shape != frame.rgb.shape[:2]:
        raise InputError(
            "lift_frame",
            expected=f"depth_m of the image's size {frame.rgb.shape[:2]}",
            got=f"{depth.shape}",
            remedy="register the depth to the colour image",
        )
    camera.check_image("lift_frame: depth_m", depth)
    before = {} if previous is None else {person.id: person for person in previous.persons if person.id >= 0}
    persons = tuple(
        _lifted_person(person, before.get(person.id), frame.skeleton, depth, camera) for person in frame.persons
    )
    return replace(frame, persons=persons, camera=camera, reference="camera")


def _lifted_person(
    person: Person, before: Person | None, skeleton: Skeleton, depth: FloatArray, camera: PinholeCamera
) -> Person:
    hand = partial(_lifted_hand, depth=depth, camera=camera)
    person = replace(
        person,
        left_hand=hand(person.left_hand, None if before is None else before.left_hand),
        right_hand=hand(person.right_hand, None if before is None else before.right_hand),
    )
    if person.keypoints_px is None:
        return person
    config = HAND_LIFT if skeleton is HAND21 else BODY_LIFT
    last = None if before is None else before.keypoints_m
    points, scores = lift(
        person.keypoints_px, person.scores, depth, camera, skeleton=skeleton, previous_m=last, config=config
    )
    return replace(person, keypoints_m=points, scores=scores)


def _lifted_hand(hand: Hand | None, before: Hand | None, *, depth: FloatArray, camera: PinholeCamera) -> Hand | None:
    if hand is None or hand.keypoints_px is None:
        return hand
    last = None if before is None else before.keypoints_m
    points, scores = lift(
        hand.keypoints_px, hand.scores, depth, camera, skeleton=HAND21, previous_m=last, config=HAND_LIFT
    )
    return replace(hand, keypoints_m=points, scores=scores)
