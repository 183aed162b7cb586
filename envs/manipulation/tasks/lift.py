"""Lift: take a cube off the table; a task without a goal."""

from __future__ import annotations

from typing import Any

import numpy as np

from envs.manipulation.environment import ManipulationEnv
from envs.manipulation.goals import heading, spot
from envs.manipulation.props import Prop
from envs.manipulation.rewards import TIME, Array, SceneTerm, grasped, hand_near
from envs.manipulation.tabletop import Tabletop
from envs.manipulation.task import Task

_LIFTED_M = 0.10


class Lift(Task):
    """A cube of 4 cm shall be held with its middle 10 cm above where it lay."""

    props = (Prop(name="cube"),)
    scene_terms = (
        SceneTerm("hand near cube", 0.25, hand_near(0)),
        SceneTerm("grasped", 0.25, grasped(0)),
        SceneTerm("height", 0.5, lambda scene: min(max(height(scene) / _LIFTED_M, 0.0), 1.0)),
        TIME,
    )

    def begin(self, scene: Tabletop, rng: np.random.Generator, *, turned: bool) -> None:
        """See `Task.begin`."""
        cube = scene.props[0]
        cube.place(spot(rng, 0.15, 0.15, cube.prop.half_height_m), heading(rng, turned))

    def begin_ahead(self, scene: Tabletop, rng: np.random.Generator) -> None:
        """See `Task.begin_ahead`; the cube is in the hand."""
        scene.restore_held(0)

    def reached(self, achieved: Array, desired: Array) -> Any:
        """There is no goal to reach."""
        return np.zeros(np.shape(achieved)[:-1], dtype=bool)

    def succeeded(self, scene: Tabletop, achieved: Array) -> bool:
        """Raised, and between the fingers."""
        return height(scene) > _LIFTED_M and scene.held(scene.props[0])


def height(scene: Tabletop) -> float:
    """How far the cube is above where it lay, m."""
    cube = scene.props[0]
    return float(cube.state.position[2]) - cube.prop.half_height_m


class LiftEnv(ManipulationEnv):
    """Take a cube 10 cm off the table and hold it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(Lift(), **options)
