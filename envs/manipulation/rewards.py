"""Rewards as sums of named terms, each a pure function of what is passed in.

Terms of the goal see only (achieved, desired), so that a replay buffer may ask what the reward would
have been for another goal. Terms of the scene do not change with the goal; their sum travels in `info`.
The towers' terms of the scene look at the episode's own goal: no hindsight with their dense rewards.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.manipulation.tabletop import Tabletop

Array = NDArray[np.floating]


class GoalTerm(NamedTuple):
    """Part of a dense reward that depends on the goal."""

    name: str
    weight: float
    value: Callable[[Array, Array], Array]
    """Of (achieved (..., G), desired (..., G)), gives (...)."""


class SceneTerm(NamedTuple):
    """Part of a dense reward that depends on the scene, and in towers on the episode's own goal."""

    name: str
    weight: float
    value: Callable[[Tabletop], float]


def distance(a: Array, b: Array) -> Array:
    """(...) Euclidean distance between (..., n) vectors."""
    difference = np.asarray(a) - np.asarray(b)
    return np.sqrt(np.einsum("...i,...i->...", difference, difference))


def near(distance_m: float, scale_m: float = 0.1) -> float:
    """1 at no distance, falling smoothly to 0; 0.24 at `scale_m`."""
    return float(1.0 - np.tanh(distance_m / scale_m))


def apart(a: Sequence[float], b: Sequence[float]) -> float:
    """Distance between two points (3,)."""
    return math.dist(a, b)


TIME = SceneTerm("time", 1.0, lambda scene: -1.0)
"""Beside terms whose weights sum to 1 and whose values are 0 to 1 it puts a dense reward between -1 and 0."""


def hand_near(index: int, scale_m: float = 0.1) -> Callable[[Tabletop], float]:
    """How near the fingertips are to a prop's middle, 0 to 1."""
    return lambda scene: near(apart(scene.arm.state.position, scene.props[index].state.position), scale_m)


def grasped(index: int) -> Callable[[Tabletop], float]:
    """1 while both fingers touch a prop."""
    return lambda scene: float(scene.held(scene.props[index]))
