"""What varies between episodes, and the worlds that it varies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from envs.manipulation.physics import Physics
from envs.manipulation.tabletop import Tabletop
from envs.manipulation.task import Task


@dataclass(frozen=True, kw_only=True)
class Randomization:
    """Domain randomisation; every draw rescales the default, never the last draw."""

    mass: tuple[float, float] = (1.0, 1.0)
    """Range of the factor on the props' masses."""


class Variation:
    """The worlds of one environment, and what was drawn for the running episode."""

    def __init__(self, randomization: Randomization | None, task: Task, physics: Physics) -> None:
        self.randomization = randomization
        self._task, self._physics = task, physics
        self._scene: Tabletop | None = None

    @property
    def scene(self) -> Tabletop:
        """The world of the running episode."""
        if self._scene is None:
            self._scene = Tabletop(self._task.props, self._physics, closed=self._task.closed)
        return self._scene

    def begin(self, rng: np.random.Generator) -> Tabletop:
        """Draw for a new episode, and give its world in its start state."""
        scene = self.scene
        scene.restore()
        return scene

    def delayed(self, action: list[float]) -> list[float]:
        """The action that takes effect now."""
        return action

    def close(self) -> None:
        """Free the worlds; twice is harmless."""
        if self._scene is not None:
            self._scene.close()
            self._scene = None
