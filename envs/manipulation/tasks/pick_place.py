"""PickPlace: bring a cube to a point on the table or in the air."""

from __future__ import annotations

from typing import Any

import numpy as np

from envs.manipulation.environment import ManipulationEnv
from envs.manipulation.goals import at_goal, heading, near_goal, position_entries, spot
from envs.manipulation.props import Prop
from envs.manipulation.rewards import TIME, GoalTerm, SceneTerm, grasped, hand_near
from envs.manipulation.tabletop import Tabletop
from envs.manipulation.tasks.bring import Bring

_CUBE = Prop(name="cube")
_ON_THE_TABLE = 0.3
_HIGHEST_M = 0.2


class PickPlace(Bring):
    """A cube of 4 cm; the goal is within 0.2 m above the table, three times in ten on it."""

    props = (_CUBE,)
    goal_entries = position_entries("cube")
    goal_terms = (GoalTerm("cube near goal", 0.4, near_goal), GoalTerm("cube at goal", 0.2, at_goal))
    scene_terms = (SceneTerm("hand near cube", 0.2, hand_near(0)), SceneTerm("grasped", 0.2, grasped(0)), TIME)

    def begin(self, scene: Tabletop, rng: np.random.Generator, *, turned: bool) -> None:
        """See `Task.begin`."""
        scene.props[0].place(spot(rng, 0.15, 0.15, scene.props[0].prop.half_height_m), heading(rng, turned))
        self._draw_goal(scene, rng)

    def begin_ahead(self, scene: Tabletop, rng: np.random.Generator) -> None:
        """See `Task.begin_ahead`; the cube is in the hand."""
        scene.restore_held(0)
        self._draw_goal(scene, rng)

    def _draw_goal(self, scene: Tabletop, rng: np.random.Generator) -> None:
        rest = scene.props[0].prop.half_height_m
        height = rest if rng.random() < _ON_THE_TABLE else rest + float(rng.uniform(0.0, _HIGHEST_M))
        self.goal = np.array(spot(rng, 0.15, 0.15, height), dtype=np.float32)


class PickPlaceEnv(ManipulationEnv):
    """Bring a cube within 5 cm of a point on the table or in the air."""

    def __init__(self, **options: Any) -> None:
        super().__init__(PickPlace(), **options)
