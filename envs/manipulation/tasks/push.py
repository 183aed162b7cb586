"""Push: bring a cube to a place on the table with closed fingers."""

from __future__ import annotations

from typing import Any

import numpy as np

from envs.manipulation.environment import ManipulationEnv
from envs.manipulation.goals import at_goal, heading, near_goal, position_entries, spot
from envs.manipulation.props import Prop
from envs.manipulation.rewards import TIME, GoalTerm, SceneTerm, hand_near
from envs.manipulation.tabletop import Tabletop
from envs.manipulation.tasks.bring import Bring

_CUBE = Prop(name="cube", mass_kg=0.3)


class Push(Bring):
    """A cube of 4 cm; it and its goal lie in a square of 0.3 m edges."""

    props = (_CUBE,)
    closed = True
    start_m = (0.0, 0.0, 0.08)
    ceiling_m = 0.15
    goal_entries = position_entries("cube")
    goal_terms = (GoalTerm("cube near goal", 0.5, near_goal), GoalTerm("cube at goal", 0.3, at_goal))
    scene_terms = (SceneTerm("hand near cube", 0.2, hand_near(0)), TIME)

    def begin(self, scene: Tabletop, rng: np.random.Generator, *, turned: bool) -> None:
        """See `Task.begin`."""
        scene.props[0].place(spot(rng, 0.15, 0.15, scene.props[0].prop.half_height_m), heading(rng, turned))
        self.goal = np.array(spot(rng, 0.15, 0.15, scene.props[0].prop.half_height_m), dtype=np.float32)


class PushEnv(ManipulationEnv):
    """Push a cube within 5 cm of its place on the table; the fingers stay closed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(Push(), **options)
