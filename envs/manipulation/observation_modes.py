"""What a policy gets to see: state, images, clouds, or a mixture, with the goal beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envs.manipulation.action_modes import ActionMode
from envs.manipulation.entries import box
from envs.manipulation.randomization import Variation
from envs.manipulation.state_reading import StateReading
from envs.manipulation.tabletop import Tabletop
from envs.manipulation.task import Task
from geometry import InputError

_KNOWN = ("state", "depth", "rgbd", "pointcloud")


class Observer:
    """Builds the observations of one environment.

    Args:
        observation: names joined by "+".
        task: what is done.
        mode: how the arm is moved.
        variation: delays and sensors' faults of the running episode.
    """

    def __init__(self, observation: str, task: Task, mode: ActionMode, variation: Variation) -> None:
        self.parts = tuple(observation.split("+"))
        if not set(self.parts) <= set(_KNOWN) or len(set(self.parts)) != len(self.parts):
            raise InputError(
                "observation", expected=f"some of {', '.join(_KNOWN)} joined by '+'", got=repr(observation)
            )
        self.state = StateReading(task, mode)
        self._task = task
        self._goal_space = box(task.goal_entries) if task.goal_entries else None
        self.space = self._make_space()

    def begin(self, scene: Tabletop, achieved: NDArray[np.float32], rng: np.random.Generator) -> Any:
        """The first observation of an episode."""
        return self.observe(scene, achieved, rng)

    def observe(self, scene: Tabletop, achieved: NDArray[np.float32], rng: np.random.Generator) -> Any:
        """The observation as things stand."""
        reading = self.state.read(scene)
        if self._goal_space is None and self.parts == ("state",):
            return reading
        return {
            "observation": reading,
            "achieved_goal": np.minimum(np.maximum(achieved, self._goal_space.low), self._goal_space.high),
            "desired_goal": self._task.goal.copy(),
        }

    def _make_space(self) -> spaces.Space[Any]:
        if self._goal_space is None and self.parts == ("state",):
            return self.state.space
        return spaces.Dict(
            {
                "observation": self.state.space,
                "achieved_goal": box(self._task.goal_entries),
                "desired_goal": box(self._task.goal_entries),
            }
        )
