"""Slide: strike a puck so that it comes to rest at a place that the robot cannot reach."""

from __future__ import annotations

from typing import Any

import numpy as np

from envs.manipulation.camera_settings import CameraSettings
from envs.manipulation.environment import ManipulationEnv
from envs.manipulation.goals import DISTANCE_TERM, heading, position_entries
from envs.manipulation.props import Prop
from envs.manipulation.rewards import SceneTerm, hand_near
from envs.manipulation.tabletop import TABLE_FRICTION, Tabletop
from envs.manipulation.tasks.bring import Bring

_PUCK = Prop(
    name="puck",
    shape="cylinder",
    size_m=(0.06, 0.06, 0.024),
    mass_kg=0.1,
    friction=0.09,
    rgba=(0.15, 0.35, 0.75, 1.0),
)
SLIDING_FRICTION = TABLE_FRICTION * _PUCK.friction
"""Of the puck on the table: a puck that leaves the fingers with 0.6 m/s slides 0.41 m in 1.4 s."""
_START_M = ((-0.15, -0.10), (-0.05, 0.10))
_GOAL_M = ((0.32, -0.15), (0.45, 0.15))
"""The fingers end at x = 0.22 and push a puck as far as 0.26; faster than 0.6 m/s the arm is not there."""


class Slide(Bring):
    """A puck of 6 cm; it shall slide 0.3 to 0.6 m to its place."""

    props = (_PUCK,)
    closed = True
    camera = CameraSettings(eye_m=(0.75, 0.55, 0.65), target_m=(0.1, -0.02, 0.05), field_of_view_rad=0.72)
    goal_entries = position_entries("puck")
    goal_terms = (DISTANCE_TERM,)
    scene_terms = (SceneTerm("hand near puck", 0.1, hand_near(0)),)

    def build(self, scene: Tabletop) -> None:
        """See `Task.build`; nothing but friction slows the puck, not Bullet's damping of 4 % a second."""
        scene.world.bullet.changeDynamics(scene.props[0].uid, -1, linearDamping=0.0, angularDamping=0.0)

    def begin(self, scene: Tabletop, rng: np.random.Generator, *, turned: bool) -> None:
        """See `Task.begin`."""
        rest = scene.props[0].prop.half_height_m
        scene.props[0].place((*rng.uniform(*_START_M).tolist(), rest), heading(rng, turned))
        self.goal = np.array((*rng.uniform(*_GOAL_M), rest), dtype=np.float32)


class SlideEnv(ManipulationEnv):
    """Strike a puck so that it stops within 5 cm of a place beyond the robot's reach; the fingers stay closed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(Slide(), **options)
