"""What a hand does that no single person or thing tells: near another person's hand, or full of another thing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import expit

from geometry import FloatArray
from perception.behavior.features.body_points import body_points
from perception.behavior.features.body_scale import palm_lengths, torso_lengths
from perception.behavior.part_states import SIDES
from perception.pose import Person, PersonTrack, PoseFrame
from perception.pose.skeletons import BODY18

_NEAR, _WIDTH = 1.2, 0.08
"""Torsos between two people's wrists at which they are near: each holds the thing between them."""
_WRISTS = [BODY18.index(f"{side}_wrist") for side in SIDES]


def hands_near_people(frame: PoseFrame) -> dict[int, dict[str, float]]:
    """Truth of "left_hand:near-person" and "right_hand:near-person" of every numbered person.

    Near is a distance to the nearest wrist of anybody else, in torsos of the hand's owner. Nothing is told of who is
    alone in view, or whose hand is not seen.
    """
    if len(frame.persons) < 2:
        return {}
    wrists, torsos = zip(*(_wrists_and_torso(frame, person) for person in frame.persons), strict=True)
    found = {}
    for row, person in enumerate(frame.persons):
        others = np.concatenate([wrists[other] for other in range(len(wrists)) if other != row])
        apart = np.linalg.norm(wrists[row][:, None] - others, axis=-1)  # (2, others)
        nearest = np.fmin.reduce(apart, axis=1) / torsos[row]
        truths = expit((_NEAR - nearest) / _WIDTH)
        found[person.id] = {f"{side}_hand:near-person": float(truth) for side, truth in zip(SIDES, truths, strict=True)}
    return found


def full_hands(of_things: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Truth of "left_hand:full" and "right_hand:full": the most that the hand holds any of the things.

    Args:
        of_things: truths of part states with each thing, by name; (T,) or single numbers. Without any, nothing is told.
    """
    names = {f"{side}_hand:full": f"{side}_hand:hold" for side in SIDES} if of_things else {}
    return {full: np.fmax.reduce([states[hold] for states in of_things]) for full, hold in names.items()}


def _wrists_and_torso(frame: PoseFrame, person: Person) -> tuple[FloatArray, float]:
    """(2, D) wrists and the torso's length, in metres where the person has them, else in pixels."""
    keypoints = person.keypoints_px if person.keypoints_m is None else person.keypoints_m
    if keypoints is None:
        return np.full((2, 2), np.nan), np.nan
    track = PersonTrack(
        skeleton=frame.skeleton,
        time_s=np.array([frame.time_s]),
        keypoints=np.asarray(keypoints, dtype=float)[None],
        scores=person.scores[None],
    )
    points = body_points(track)
    return points.body[0, _WRISTS], float(torso_lengths(points.body, palm_lengths(points.hands))[0])
