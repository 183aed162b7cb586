"""What a measuring system tells of a demonstration: keypoints with scores, and poses of things. No truth beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from envs.demonstrator.demonstration import Demonstration
from envs.workbench import Thing
from geometry import FloatArray, InputError


@dataclass(frozen=True, kw_only=True, eq=False)
class RecordedPerson:
    """One person over time. What was not seen is NaN with score 0."""

    body_m: FloatArray
    """(T, 18, 3) `BODY_POINTS` in the world."""
    body_scores: FloatArray
    """(T, 18) confidence, 0 to 1."""
    hand_m: FloatArray
    """(T, 21, 3) `HAND_POINTS` of the right hand, in the world."""
    hand_scores: FloatArray
    """(T, 21) confidence, 0 to 1."""

    def __post_init__(self) -> None:
        for points, scores in ((self.body_m, self.body_scores), (self.hand_m, self.hand_scores)):
            if points.shape != (*scores.shape, 3):
                raise InputError("RecordedPerson", expected="a score for every point", got=f"{points.shape}")


@dataclass(frozen=True, kw_only=True, eq=False)
class DemonstrationRecording:
    """A recording with synthetic keypoints."""

    time_s: FloatArray
    """(T,)."""
    persons: tuple[RecordedPerson, ...]
    """Who shows the task first; then the one who takes something, where there is one."""
    things: tuple[Thing, ...]
    """What is on the bench."""
    T_world_things: FloatArray
    """(T, N, 4, 4) where the things are, as measured."""


def exact(demonstration: Demonstration) -> DemonstrationRecording:
    """The recording of a system without any error."""
    return DemonstrationRecording(
        time_s=demonstration.time_s,
        persons=tuple(_exact_person(body, hand) for body, hand in points_of_persons(demonstration)),
        things=demonstration.things,
        T_world_things=demonstration.T_world_things,
    )


def points_of_persons(demonstration: Demonstration) -> list[tuple[FloatArray, FloatArray]]:
    """True points (T, 18, 3) of body and (T, 21, 3) of right hand of everybody."""
    found = [(demonstration.body_m, demonstration.hand_m)]
    if demonstration.taker_body_m is not None and demonstration.taker_hand_m is not None:
        found.append((demonstration.taker_body_m, demonstration.taker_hand_m))
    return found


def _exact_person(body: FloatArray, hand: FloatArray) -> RecordedPerson:
    return RecordedPerson(
        body_m=body, body_scores=np.ones(body.shape[:2]), hand_m=hand, hand_scores=np.ones(hand.shape[:2])
    )
