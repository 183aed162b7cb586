"""What an environment's spaces and entries tell of the demonstrations that are played in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from envs.manipulation import ManipulationEnv
from geometry import InputError
from policies.demonstrations.observation_keys import ACHIEVED, DESIRED, VECTOR
from policies.demonstrations.set_info import SetInfo

_ACTIONS = "actions"


def info_of_env(env: gymnasium.Env[Any, Any]) -> SetInfo:
    """Names, shapes and bounds of an environment with its time limit, as `gymnasium.make` gives it.

    Raises:
        InputError: if actions are not a vector in a Box, or observations not in Boxes.
    """
    action, boxes = env.action_space, _boxes(env.observation_space)
    if not isinstance(action, spaces.Box) or len(action.shape) != 1:
        raise InputError("SetInfo.of_env", expected="actions (A,) in a Box", got=str(action))
    names = {key: _entry_names(env.unwrapped, key, box) for key, box in boxes.items()}
    bounded = [key for key, box in boxes.items() if names[key] and box.is_bounded()]
    options = dict(env.spec.kwargs) if env.spec else {}
    options.pop("render_mode", None)
    known = action.is_bounded()
    return SetInfo(
        env=env.spec.id if env.spec else "",
        env_options=options,
        rate_hz=_rate_hz(env.unwrapped),
        action_names=_entry_names(env.unwrapped, _ACTIONS, action),
        action_low=_numbers(action.low) if known else (),
        action_high=_numbers(action.high) if known else (),
        observation_names=names,
        observation_shapes={key: box.shape for key, box in boxes.items()},
        observation_dtypes={key: str(box.dtype) for key, box in boxes.items()},
        observation_low={key: _numbers(boxes[key].low) for key in bounded},
        observation_high={key: _numbers(boxes[key].high) for key in bounded},
    )


def _rate_hz(env: Any) -> float:
    if isinstance(env, ManipulationEnv):
        return 1.0 / env.physics.control_period_s
    return float(env.metadata.get("render_fps", 25.0))


def _boxes(space: spaces.Space[Any]) -> dict[str, spaces.Box]:
    table = dict(space.spaces) if isinstance(space, spaces.Dict) else {VECTOR: space}
    boxes = {key: box for key, box in table.items() if isinstance(box, spaces.Box)}
    if boxes.keys() != table.keys():
        raise InputError("SetInfo.of_env", expected="observations in Boxes", got=str(space))
    return boxes


def _entry_names(env: Any, key: str, box: spaces.Box) -> tuple[str, ...]:
    """What the numbers of a vector are; none for clouds and images."""
    if isinstance(env, ManipulationEnv):
        goal = env.task.goal_entries
        table = {_ACTIONS: env.action_entries, VECTOR: env.state_entries, ACHIEVED: goal, DESIRED: goal}
        return tuple(entry.name for entry in table.get(key, ()))
    if len(box.shape) != 1 or not np.issubdtype(box.dtype, np.floating):
        return ()
    return tuple(f"{'action' if key == _ACTIONS else key} {number}" for number in range(box.shape[0]))


def _numbers(bounds: Sequence[float] | np.ndarray[Any, Any]) -> tuple[float, ...]:
    return tuple(map(float, bounds))
