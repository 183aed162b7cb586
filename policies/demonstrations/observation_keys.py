"""Keys of observations: those that Gymnasium's goal tasks have, and the name of a vector that has none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

VECTOR = "observation"
"""The key of an observation that is a bare vector."""
ACHIEVED, DESIRED = "achieved_goal", "desired_goal"
"""What is to be at the goal, and the goal."""


def named(observation: Any) -> Mapping[str, NDArray[Any]]:
    """An environment's observation by key; a bare vector gets one."""
    return observation if isinstance(observation, Mapping) else {VECTOR: observation}
