"""What tasks have in common that bring one thing to one place."""

from __future__ import annotations

from typing import Any

from envs.manipulation.goals import CLOSE_M, all_within
from envs.manipulation.rewards import Array
from envs.manipulation.tabletop import Tabletop
from envs.manipulation.task import Task


class Bring(Task):
    """The first prop shall be within 5 cm of the goal, a position, as things stand."""

    def achieved(self, scene: Tabletop) -> list[float]:
        """Where the prop's middle is."""
        return list(scene.props[0].state.position)

    def reached(self, achieved: Array, desired: Array) -> Any:
        """Within 5 cm."""
        return all_within(achieved, desired, CLOSE_M)
