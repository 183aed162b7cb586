"""What a person showed: keypoints and poses of things over time, and the truth about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from envs.workbench import Layout, Outcome, Thing
from geometry import FloatArray


@dataclass(frozen=True, kw_only=True)
class ShownSegment:
    """One step of the demonstration, as it truly was."""

    kind: str
    """"reach", "grasp", "lift", "carry", "place", "release", "push", "pour" or "hand_over"."""
    object: str
    """The thing that it was done with."""
    to: str | None
    """What that went to, where the step has one."""
    start_s: float
    """When it began."""
    end_s: float
    """When it was done."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ShownGrasp:
    """How a thing was truly grasped."""

    object: str
    """Which."""
    T_thing_grasp: FloatArray
    """(4, 4) the frame between the tips of thumb and index finger in the thing's: +y from the thumb to the index
    finger, +z the direction in which the hand came."""
    width_m: float
    """What the fingers hold between them; the tips' keypoints, which lie inside, are `PAD_M` further apart at each
    end."""
    start_s: float
    """From when on the hand holds it."""
    end_s: float
    """Until when."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Demonstration:
    """One task, shown once. Points and poses are true; `noisy` and `filmed_points` measure them.

    All keypoints are synthetic: those of a kinematic model, not of a person.
    """

    time_s: FloatArray
    """(T,) from 0 on, at 30 Hz."""
    body_m: FloatArray
    """(T, 18, 3) `BODY_POINTS` of the person, in the world."""
    hand_m: FloatArray
    """(T, 21, 3) `HAND_POINTS` of the person's right hand, in the world."""
    things: tuple[Thing, ...]
    """What is on the bench."""
    T_world_things: FloatArray
    """(T, N, 4, 4) where the things are."""
    segments: tuple[ShownSegment, ...]
    """The steps, in order."""
    grasps: tuple[ShownGrasp, ...]
    """How things were held, in order."""
    outcome: Outcome
    """How the bench is left."""
    taker_body_m: FloatArray | None = None
    """(T, 18, 3) the second person, where there is one."""
    taker_hand_m: FloatArray | None = None
    """(T, 21, 3) that person's right hand."""

    @property
    def before(self) -> Layout:
        """Where the things stood."""
        return {thing.name: self.T_world_things[0, row].copy() for row, thing in enumerate(self.things)}


def lengths_m(points_m: FloatArray, bones: tuple[tuple[int, int], ...]) -> FloatArray:
    """(T, B) lengths of bones, each a pair of rows of the points (T, K, 3)."""
    rows = np.array(bones)
    lengths: FloatArray = np.linalg.norm(points_m[:, rows[:, 1]] - points_m[:, rows[:, 0]], axis=-1)
    return lengths
