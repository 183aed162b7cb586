"""Reach: bring the fingertips to a point."""

from __future__ import annotations

from typing import Any

import numpy as np

from envs.manipulation.environment import ManipulationEnv
from envs.manipulation.goals import CLOSE_M, DISTANCE_TERM, all_within, position_entries
from envs.manipulation.rewards import Array
from envs.manipulation.tabletop import Tabletop
from envs.manipulation.task import Task


class Reach(Task):
    """The goal is a point in a box of 0.3 m edges above the table."""

    closed = True
    goal_entries = position_entries("fingertips")
    goal_terms = (DISTANCE_TERM,)

    def begin(self, scene: Tabletop, rng: np.random.Generator, *, turned: bool) -> None:
        """See `Task.begin`."""
        self.goal = rng.uniform((-0.15, -0.15, 0.02), (0.15, 0.15, 0.32)).astype(np.float32)

    def achieved(self, scene: Tabletop) -> list[float]:
        """Where the fingertips are."""
        return list(scene.arm.state.position)

    def reached(self, achieved: Array, desired: Array) -> Any:
        """Within 5 cm."""
        return all_within(achieved, desired, CLOSE_M)


class ReachEnv(ManipulationEnv):
    """Bring the fingertips within 5 cm of a point in the air."""

    def __init__(self, **options: Any) -> None:
        super().__init__(Reach(), **options)
