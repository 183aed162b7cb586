"""What the simulated robot stands in: a world with one Panda, things, a camera, and a score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

from envs.clutter import Dialect
from envs.panda import PandaArm
from envs.world import World
from geometry import FloatArray


class Thing(NamedTuple):
    """A loose thing, where it really is."""

    name: str
    """Unique in its scene."""
    T_world_thing: FloatArray
    """(4, 4) pose of its own frame."""
    T_thing_box: FloatArray
    """(4, 4) the middle of its bounding box in that frame."""
    size_m: FloatArray
    """(3,) edges of its bounding box along the axes of that frame."""


class SimScene(Protocol):
    """One scene, from its beginning to `close`; it belongs to the thread that steps its world."""

    world: World
    """Physics."""
    arm: PandaArm
    """The robot."""
    sensing: Dialect
    """The depth camera's intrinsics and noise."""
    T_world_camera: FloatArray
    """(4, 4) where the camera stands; may change in `rest`."""

    def after_step(self) -> None:
        """Called after every step of the world."""

    def rest(self) -> None:
        """Called, outside of any step, when the arm rests after the fingers have let go; may step the world."""

    def things(self) -> list[Thing]:
        """The loose things, except those that are put away."""

    def goals(self) -> Mapping[str, FloatArray]:
        """Name of a thing to the place (3,) in the world where it shall be."""

    def score(self) -> dict[str, Any]:
        """How it goes, ready for JSON."""

    def close(self) -> None:
        """Free the world."""


def camera_rng(seed: int, number: int) -> np.random.Generator:
    """Draws the camera's noise in round `number` under `seed`: apart from what the scene is drawn from."""
    return np.random.default_rng([seed, number, 2])
