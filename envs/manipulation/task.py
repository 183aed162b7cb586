"""What a task adds to an arm at a table: props, how an episode begins, the goal, success, rewards.

A new task is one small file: a subclass of `Task`, an environment class of three lines, and an id
(see docs/environments.md).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from envs.manipulation.arm import START_POSITION_M, WORKSPACE_M
from envs.manipulation.camera_settings import CameraSettings
from envs.manipulation.entries import Entry
from envs.manipulation.props import Prop
from envs.manipulation.rewards import GoalTerm, SceneTerm
from envs.manipulation.tabletop import Tabletop
from geometry import InputError

Array = NDArray[np.floating]


class Task(ABC):
    """One task; it holds no state besides the goal of the running episode."""

    props: ClassVar[tuple[Prop, ...]] = ()
    """What lies on the table."""
    closed: ClassVar[bool] = False
    """Whether the fingers stay closed and the policy has no gripper."""
    start_m: ClassVar[tuple[float, float, float]] = START_POSITION_M
    """Where the fingertips begin."""
    ceiling_m: ClassVar[float] = WORKSPACE_M[1][2]
    """How high they may be sent."""
    camera: ClassVar[CameraSettings] = CameraSettings()
    """What images and clouds are seen with unless the caller says so."""
    goal_entries: ClassVar[tuple[Entry, ...]] = ()
    """What the goal's numbers mean; none for a task without a goal."""
    goal_terms: ClassVar[tuple[GoalTerm, ...]] = ()
    """Dense reward that depends on the goal."""
    scene_terms: tuple[SceneTerm, ...] = ()
    """Dense reward that depends on the scene, and perhaps on the episode's own goal."""

    def __init__(self) -> None:
        self.goal: NDArray[np.float32] = np.zeros(len(self.goal_entries), dtype=np.float32)

    def build(self, scene: Tabletop) -> Any:
        """Make what the task needs besides props, once for every new world; it is kept as `scene.built`.

        Nothing may be added to a world or taken from it later.
        """
        return None

    @abstractmethod
    def begin(self, scene: Tabletop, rng: np.random.Generator, *, turned: bool) -> None:
        """Place the props and draw the goal; `turned` asks for props turned about the vertical."""

    def begin_ahead(self, scene: Tabletop, rng: np.random.Generator) -> None:
        """Like `begin`, with a part of the work done: a start for training that makes the first part worth finding.

        Source: Andrychowicz et al. 2017, "Hindsight Experience Replay", section 4.1 (half of their training
        episodes of pick-and-place begin with the box grasped).
        """
        raise InputError("head_starts", expected="a task with head starts", got=type(self).__name__)

    def achieved(self, scene: Tabletop) -> list[float]:
        """The goal's counterpart as things stand; nothing for a task without a goal."""
        return []

    @abstractmethod
    def reached(self, achieved: Array, desired: Array) -> NDArray[np.bool_]:
        """(...) whether goals (..., G) are reached; pure, for a replay buffer asks it too."""

    def succeeded(self, scene: Tabletop, achieved: Array) -> bool:
        """Whether the task is done as things stand."""
        return bool(self.reached(achieved, self.goal))

    def extra_entries(self) -> tuple[Entry, ...]:
        """State beyond arm and props; see `extra`."""
        return ()

    def extra(self, scene: Tabletop) -> list[float]:
        """Numbers of `extra_entries`."""
        return []

    def advance(self, scene: Tabletop) -> None:  # noqa: B027 - most tasks have nothing that moves by itself
        """Move what moves by itself, once before every control period."""
