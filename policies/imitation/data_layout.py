"""What a policy must know of its data before it sees any: the shapes of observations, the bounds of actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gymnasium
import numpy as np

from geometry import InputError
from policies.demonstrations import Episode, SetInfo

ONLY_KEY = "observation"
"""The name of an observation that has none."""
ACHIEVED, DESIRED = "achieved_goal", "desired_goal"
_SUMMED = {"displacement", "rotation", "speed", "velocity", "yaw"}
"""Words in the name of a number of an action that moves something on from where it is."""
SEEN_BY_CAMERA = ("pointcloud", "depth", "rgb")


@dataclass(frozen=True, kw_only=True)
class DataLayout:
    """Shapes of one observation by key, and the bounds of the actions."""

    observations: Mapping[str, tuple[int, ...]]
    """Shape of one row of every observation."""
    action_low: tuple[float, ...]
    """(A,) smallest actions, in the units of the action space."""
    action_high: tuple[float, ...]
    """(A,) largest actions."""
    summed: tuple[bool, ...] = ()
    """(A,) which numbers of an action are displacements or speeds, the sum of which is a way; empty for none."""
    places: Mapping[str, tuple[bool, ...]] = field(default_factory=dict)
    """By key of a vector, which of its numbers tell only where on the table something is: the same task done elsewhere
    differs in nothing else. Keys are there where the observation tells the way from the hand to things, too."""

    def __post_init__(self) -> None:
        low, high = np.array(self.action_low), np.array(self.action_high)
        if low.shape != high.shape or low.ndim != 1 or not len(low) or not np.isfinite([low, high]).all():
            raise InputError("DataLayout", expected="finite bounds of each action", got=f"{low} to {high}")
        if not (low < high).all():
            raise InputError("DataLayout", expected="action_low < action_high", got=f"{low} to {high}")
        if len(self.summed) not in (0, len(low)):
            raise InputError("DataLayout", expected=f"summed of none or all of {len(low)}", got=f"{self.summed}")

    @classmethod
    def of_env(cls, env: gymnasium.Env[Any, Any]) -> DataLayout:
        """The layout of what an environment shows and takes.

        Raises:
            InputError: if its actions are not in a bounded Box, or an observation is no Box.
        """
        return cls.of_info(SetInfo.of_env(env))

    @classmethod
    def of_info(cls, info: SetInfo) -> DataLayout:
        """The layout of a set of demonstrations.

        Raises:
            InputError: if the set does not tell the bounds of its actions.
        """
        if not info.action_low:
            raise InputError(
                "DataLayout", expected="a set that tells the bounds of its actions", got="one without",
                remedy="write action_low and action_high into its dataset.json",
            )  # fmt: skip
        shapes = {key: tuple(shape) for key, shape in info.observation_shapes.items()}
        summed = tuple(not _SUMMED.isdisjoint(name.split()) for name in info.action_names)
        return cls(
            observations=shapes,
            action_low=info.action_low,
            action_high=info.action_high,
            summed=summed,
            places=_places(info),
        )

    @property
    def actions(self) -> int:
        """A, numbers of an action."""
        return len(self.action_low)

    @property
    def vectors(self) -> tuple[str, ...]:
        """The keys of vectors that a policy may live on.

        Beside what cameras see, an environment's achieved goal still tells where things really are: it is left out.
        """
        vectors = tuple(key for key, shape in self.observations.items() if len(shape) == 1 and key != "pointcloud")
        by_camera = any(key in self.observations for key in SEEN_BY_CAMERA)
        return tuple(key for key in vectors if not (by_camera and key == ACHIEVED))

    def check(self, episodes: Sequence[Episode], where: str) -> None:
        """See that episodes are of this layout.

        Raises:
            InputError: if there is none, or one has other observations or actions.
        """
        if not episodes:
            raise InputError(where, expected="at least one episode", got="none")
        wanted = {**self.observations, "actions": (self.actions,)}
        for number, episode in enumerate(episodes):
            if episode.shapes != wanted:
                raise InputError(
                    where, expected=f"observations and actions {wanted}", got=f"{episode.shapes} in episode {number}"
                )


def _places(info: SetInfo) -> dict[str, tuple[bool, ...]]:
    """Places on the table in the names of `StateReading`: x and y of positions and of goals."""
    names = info.observation_names
    if not any(" from the hand " in name for name in names.get(ONLY_KEY, ())):
        return {}
    told = {ONLY_KEY: tuple(name.endswith((" position x", " position y")) for name in names[ONLY_KEY])}
    goals = {key: names[key] for key in (ACHIEVED, DESIRED) if key in names}
    return told | {key: tuple(name.endswith((" x", " y")) for name in these) for key, these in goals.items()}
