"""Detour: bring the fingertips behind a pillar without touching it, by the left or by the right."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from envs.manipulation.entries import Entry
from envs.manipulation.environment import ManipulationEnv
from envs.manipulation.goals import CLOSE_M, near_goal, position_entries
from envs.manipulation.props import Prop
from envs.manipulation.rewards import TIME, Array, GoalTerm, distance
from envs.manipulation.tabletop import Tabletop
from envs.manipulation.task import Task

_PILLAR = Prop(name="pillar", shape="cylinder", size_m=(0.12, 0.12, 0.06), mass_kg=0.0, rgba=(0.2, 0.35, 0.7, 1.0))
_START_M = (-0.13, 0.0, 0.035)
_CEILING_M = 0.045
"""The fingers cannot go over the pillar, and the palm passes above it."""
_PILLAR_M = ((-0.01, -0.02), (0.01, 0.02))
_GOAL_M = ((0.14, -0.03), (0.18, 0.03))
_TOUCH_M = 0.005
"""Nearer than this is a touch: a graze between two readings is no farther off when it is read, at 4 cm a step."""
_AROUND_M = 0.25
"""Farther apart nothing of the hand is near the pillar."""


def _near(achieved: Array, desired: Array) -> Array:
    """(...) 1 at the goal, falling smoothly to 0."""
    return near_goal(np.asarray(achieved)[..., :3], np.asarray(desired)[..., :3])


def _as_wished(achieved: Array, desired: Array) -> NDArray[np.bool_]:
    """(...) whether the pillar was touched, or not, as the goal says."""
    return np.asarray(np.abs(np.asarray(achieved)[..., 3] - np.asarray(desired)[..., 3]) < 0.5)


def _left_alone(achieved: Array, desired: Array) -> Array:
    """(...) 1 where the pillar was touched, or not, as the goal says, else 0."""
    return _as_wished(achieved, desired).astype(np.float64)


class Detour(Task):
    """A fixed pillar stands between the fingertips and the goal, which lies nearly straight behind it.

    Both ways round it are equally long but for a few centimetres, and the hand starts so near that it must choose
    at once: what follows the mean of both ways runs into the pillar. A touch is remembered and spoils the episode.
    Besides the goal, the task holds of the running episode whether the robot has `touched` the pillar, and by which
    `side` the fingertips passed its middle last: 1 left (the greater y), -1 right, 0 not yet.
    """

    props = (_PILLAR,)
    closed = True
    start_m = _START_M
    ceiling_m = _CEILING_M
    goal_entries = (*position_entries("fingertips"), Entry("pillar touched", 0.0, 1.0, "-"))
    goal_terms = (
        GoalTerm("fingertips near goal", 0.5, _near),
        GoalTerm("pillar left alone", 0.5, _left_alone),
    )
    scene_terms = (TIME,)

    def __init__(self) -> None:
        super().__init__()
        self.touched, self.side = False, 0
        self._behind = False

    def begin(self, scene: Tabletop, rng: np.random.Generator, *, turned: bool) -> None:
        """See `Task.begin`."""
        pillar = scene.props[0]
        x, y = rng.uniform(*_PILLAR_M).tolist()
        pillar.place((x, y, pillar.prop.half_height_m))
        self.goal = np.array((*rng.uniform(*_GOAL_M), _START_M[2], 0.0), dtype=np.float32)
        self.touched, self.side, self._behind = False, 0, False

    def achieved(self, scene: Tabletop) -> list[float]:
        """Where the fingertips are, and 1 once the robot has touched the pillar."""
        self._watch(scene)
        return [*scene.arm.state.position, float(self.touched)]

    def reached(self, achieved: Array, desired: Array) -> Any:
        """Within 5 cm, and the pillar touched or not as the goal says; the episode's own goal says not."""
        achieved, desired = np.asarray(achieved), np.asarray(desired)
        there = distance(achieved[..., :3], desired[..., :3]) < CLOSE_M
        return np.asarray(there & _as_wished(achieved, desired))[()]

    def _watch(self, scene: Tabletop) -> None:
        """Remember a touch and the side of passing."""
        (x, y, _), (px, py, _) = scene.arm.state.position, scene.props[0].state.position
        if (x > px) != self._behind:
            self._behind = x > px
            if self._behind:
                self.side = 1 if y > py else -1
        if not self.touched and math.hypot(x - px, y - py) < _AROUND_M:
            closest = scene.world.bullet.getClosestPoints(scene.arm.uid, scene.props[0].uid, _TOUCH_M)
            self.touched = bool(closest)


class DetourEnv(ManipulationEnv):
    """Bring the fingertips within 5 cm of a point behind a pillar, never touching it; the fingers stay closed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(Detour(), **options)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """As in every task; `info` also tells "touched" and "side", see `Detour`."""
        observation, info = super().reset(seed=seed, options=options)
        return observation, info | self._told()

    def step(self, action: ArrayLike) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """As in every task; `info` also tells "touched" and "side", see `Detour`."""
        observation, reward, terminated, truncated, info = super().step(action)
        return observation, reward, terminated, truncated, info | self._told()

    def _told(self) -> dict[str, Any]:
        assert isinstance(self.task, Detour)
        return {"touched": self.task.touched, "side": self.task.side}
