"""panda-gym as the other side of `bench envs`: an optional package, its environments and a scripted grasp for them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module, metadata
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import SubprocVecEnv

from geometry import InputError

VERSION = "3.0.7"
_THEIR_NAMES = {"Reach": "Reach", "Push": "Push", "PickPlace": "PickAndPlace"}
_HAND_STEP_M = 0.05
_HOVER_M = 0.06
_NEAR_M = 0.01
_HELD_WIDTH_M = 0.045


def require_panda_gym() -> None:
    """See that panda-gym is there.

    Raises:
        InputError: says how to install it.
    """
    try:
        got = metadata.version("panda-gym")
    except metadata.PackageNotFoundError:
        got = "none"
    if got != VERSION:
        raise InputError(
            "bench envs",
            expected=f"panda-gym {VERSION} to measure beside",
            got=got,
            remedy=f"pip install panda-gym=={VERSION}, which the extra 'dev' holds too",
        )


def make_panda_gym(task: str) -> gymnasium.Env[Any, Any]:
    """panda-gym's environment of the same task, as `gymnasium.make` gives it, without the checker."""
    with _silenced():
        import_module("panda_gym")
        return gymnasium.make(f"Panda{_THEIR_NAMES[task]}-v3", disable_env_checker=True)


def make_panda_gym_workers(task: str, workers: int) -> SubprocVecEnv:
    """Stable-Baselines3's own way to several processes: one environment in each."""
    return SubprocVecEnv([partial(make_panda_gym, task)] * workers, start_method="spawn")


def panda_gym_grasp(observation: dict[str, NDArray[np.float64]]) -> NDArray[np.float32]:
    """Grasp the cube and carry it to the goal, from what panda-gym's PickAndPlace shows.

    Args:
        observation: of which `observation` holds hand (3), its velocity (3), width between the fingers, cube (3), ...

    Returns:
        action: (4,) displacement of the hand in steps of 5 cm, opening.
    """
    state = observation["observation"]
    hand, width_m, cube = state[:3], state[6], state[7:10]
    aside = np.linalg.norm(hand[:2] - cube[:2])
    low = abs(hand[2] - cube[2]) < _NEAR_M
    if aside < 2.0 * _NEAR_M and abs(hand[2] - cube[2]) < 2.0 * _NEAR_M and width_m < _HELD_WIDTH_M:
        way, opening = observation["desired_goal"] - cube, -1.0
    elif aside > _NEAR_M:
        way, opening = cube + (0.0, 0.0, _HOVER_M) - hand, 1.0
    else:
        way, opening = cube - hand, -1.0 if low else 1.0
    return np.clip([*(0.6 * way / _HAND_STEP_M), opening], -1.0, 1.0).astype(np.float32)


@contextmanager
def _silenced() -> Iterator[None]:
    """Without what Bullet's C code writes to both outputs when it is imported, and for every client."""
    sys.stdout.flush()
    kept, nowhere = (os.dup(1), os.dup(2)), os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(nowhere, number)
    try:
        yield
    finally:
        for number, output in zip((1, 2), kept, strict=True):
            os.dup2(output, number)
            os.close(output)
        os.close(nowhere)
