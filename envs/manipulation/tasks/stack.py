"""Stack: build a tower of two or three cubes at a place on the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from envs.manipulation.environment import ManipulationEnv
from envs.manipulation.goals import all_within, heading, position_entries, spot
from envs.manipulation.props import Prop
from envs.manipulation.rewards import Array, SceneTerm, apart, grasped, hand_near, near
from envs.manipulation.tabletop import Tabletop
from envs.manipulation.task import Task

_TOLERANCE_M = 0.03
_APART_M = 0.08
_PLACED_M = 0.02
"""How near to its place a cube counts for the dense reward: with a margin to what success asks."""
_NEAR_M, _NEARLY_M = 0.2, 0.05
_RED, _GREEN, _BLUE = (0.85, 0.25, 0.2, 1.0), (0.2, 0.6, 0.3, 1.0), (0.2, 0.4, 0.8, 1.0)
_CUBES = tuple(Prop(name=name, rgba=rgba) for name, rgba in (("red", _RED), ("green", _GREEN), ("blue", _BLUE)))


class Stack(Task):
    """Cubes of 4 cm, the first to a place on the table, each other one on top of the one before.

    All start on the table, at least 8 cm from each other and from the tower's place.
    """

    props = _CUBES[:2]
    goal_entries = tuple(entry for cube in _CUBES[:2] for entry in position_entries(cube.name))

    def __init__(self) -> None:
        super().__init__()
        self.scene_terms = (
            SceneTerm("cubes in place", 1.0, self._in_place),
            SceneTerm("hand near next cube", 0.15, lambda scene: self._of_next(scene, _hand_near)),
            SceneTerm("next cube grasped", 0.15, lambda scene: self._of_next(scene, _grasped)),
            SceneTerm("next cube near its place", 0.25, lambda scene: self._of_next(scene, self._near_place)),
            SceneTerm("next cube nearly there", 0.35, lambda scene: self._of_next(scene, self._nearly_there)),
            SceneTerm("time", float(len(self.props)), lambda scene: -1.0),
        )

    def begin(self, scene: Tabletop, rng: np.random.Generator, *, turned: bool) -> None:
        """See `Task.begin`."""
        places = self._draw_places(scene, rng)
        for cube, place in zip(scene.props, places, strict=True):
            cube.place(place, heading(rng, turned))

    def begin_ahead(self, scene: Tabletop, rng: np.random.Generator) -> None:
        """See `Task.begin_ahead`; some cubes stand in their places, and the next may be in the hand."""
        done = int(rng.integers(len(scene.props)))
        held = done if done == 0 or rng.random() < 0.5 else None
        if held is not None:
            scene.restore_held(held)
        places = self._draw_places(scene, rng)
        for number, cube in enumerate(scene.props):
            if number != held:
                cube.place(self.goal[3 * number : 3 * number + 3].tolist() if number < done else places[number])

    def _draw_places(self, scene: Tabletop, rng: np.random.Generator) -> list[tuple[float, float, float]]:
        """Draw the goal, and give a free place on the table for each cube."""
        rest = scene.props[0].prop.half_height_m
        spots: list[tuple[float, float, float]] = []
        while len(spots) <= len(scene.props):
            one = spot(rng, 0.15, 0.15, rest)
            if all(np.hypot(one[0] - x, one[1] - y) > _APART_M for x, y, _ in spots):
                spots.append(one)
        x, y, _ = spots[0]
        tower = [(x, y, (2 * level + 1) * rest) for level in range(len(scene.props))]
        self.goal = np.array(tower, dtype=np.float32).reshape(-1)
        return spots[1:]

    def _in_place(self, scene: Tabletop) -> int:
        """How many cubes are in their places, from the first on."""
        offsets = np.reshape(self.achieved(scene), (-1, 3)) - self.goal.reshape(-1, 3)
        away = np.flatnonzero(np.einsum("ij,ij->i", offsets, offsets) >= _PLACED_M**2)
        return int(away[0]) if len(away) else len(offsets)

    def _of_next(self, scene: Tabletop, value: Callable[[Tabletop, int], float]) -> float:
        """Something about the first cube that is not in its place; 0 when the tower stands."""
        index = self._in_place(scene)
        return value(scene, index) if index < len(scene.props) else 0.0

    def _near_place(self, scene: Tabletop, index: int) -> float:
        return near(self._away(scene, index), _NEAR_M)

    def _nearly_there(self, scene: Tabletop, index: int) -> float:
        return near(self._away(scene, index), _NEARLY_M)

    def _away(self, scene: Tabletop, index: int) -> float:
        return apart(scene.props[index].state.position, self.goal[3 * index : 3 * index + 3].tolist())

    def achieved(self, scene: Tabletop) -> list[float]:
        """Where the cubes are."""
        return [number for cube in scene.props for number in cube.state.position]

    def reached(self, achieved: Array, desired: Array) -> Any:
        """Every cube within 3 cm of its place, which only a standing (or held) tower is."""
        return all_within(achieved, desired, _TOLERANCE_M)


def _hand_near(scene: Tabletop, index: int) -> float:
    return hand_near(index)(scene)


def _grasped(scene: Tabletop, index: int) -> float:
    return grasped(index)(scene)


class Stack3(Stack):
    """The same with three cubes."""

    props = _CUBES
    goal_entries = tuple(entry for cube in _CUBES for entry in position_entries(cube.name))


class StackEnv(ManipulationEnv):
    """Build a tower of two cubes at a place on the table."""

    def __init__(self, **options: Any) -> None:
        super().__init__(Stack(), **options)


class Stack3Env(ManipulationEnv):
    """Build a tower of three cubes at a place on the table."""

    def __init__(self, **options: Any) -> None:
        super().__init__(Stack3(), **options)
