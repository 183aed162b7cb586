"""A person's own way of doing things: lengths, speed, and scatter from move to move."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from envs.demonstrator.hand_model import HAND_LENGTH_M, HandModel, grasp_frame
from envs.demonstrator.seated_body import SeatedBody
from geometry import FloatArray


@dataclass(frozen=True, kw_only=True)
class Person:
    """Who shows a task."""

    body: SeatedBody = field(default_factory=SeatedBody)
    """Body."""
    hand: HandModel = field(default_factory=HandModel)
    """Right hand."""
    pace: float = 1.0
    """Factor on all durations."""

    @property
    def rest(self) -> FloatArray:
        """(4, 4) grasp frame of the hand that lies at the bench's edge."""
        at = self.body.shoulder_m + (-0.32, 0.02, 0.0)
        at[2] = 0.05
        return grasp_frame(np.array([-np.cos(0.3), -np.sin(0.3), 0.0]), 0.2, at)


REST_APERTURE_M = 0.045
"""How far a hand is open that lies there."""


def draw_person(rng: np.random.Generator) -> Person:
    """Somebody: 1.60 to 1.90 m tall, up to 12 % faster or slower than others."""
    height = float(rng.uniform(1.60, 1.90))
    pelvis = (1.08 + float(rng.uniform(-0.02, 0.02)), float(rng.uniform(-0.03, 0.03)), -0.20)
    hand = HandModel(HAND_LENGTH_M * height / 1.75)
    return Person(body=SeatedBody(height_m=height, pelvis_m=pelvis), hand=hand, pace=float(rng.uniform(0.9, 1.12)))
