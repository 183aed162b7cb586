"""How far an episode came: stages of a task, each reached or not, told from the simulator's true state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from numpy.typing import NDArray

from envs.manipulation import ManipulationEnv

_NEAR_M = 0.03
_MOVED_M = 0.01
_LIFTED_M = 0.03
Places = NDArray[np.float64]
"""(P, 3) where the props are, m."""


class Stage(NamedTuple):
    """A part of a task."""

    name: str
    """What has come about when it is reached."""
    reached: Callable[[ManipulationEnv, Places], bool]
    """Whether it has, in an environment as it stands, from where the props were at first."""


class StageWatch(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Notes which stages are reached in the running episode, at any step.

    Args:
        env: of a task.
        stages: to look for; none in environments that are no `ManipulationEnv`.
        on_reset: called when an episode begins.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], stages: tuple[Stage, ...], on_reset: Callable[[], None]) -> None:
        super().__init__(env)
        self.stages, self._on_reset = stages, on_reset
        self.reached = dict.fromkeys((stage.name for stage in stages), False)
        """By name of the stage."""
        self._start: Places = np.zeros((0, 3))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode, nothing reached."""
        seen, info = self.env.reset(seed=seed, options=options)
        self._on_reset()
        self.reached = dict.fromkeys(self.reached, False)
        if self.stages:
            self._start = _places(self._scene_env())
        return seen, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Act, and look how far things have come."""
        after = self.env.step(action)
        for stage in self.stages:
            if not self.reached[stage.name]:
                self.reached[stage.name] = stage.reached(self._scene_env(), self._start)
        return after

    def _scene_env(self) -> ManipulationEnv:
        env = self.env.unwrapped
        assert isinstance(env, ManipulationEnv)
        return env


def stages_of(env: gymnasium.Env[Any, Any]) -> tuple[Stage, ...]:
    """The stages before success of an environment's task; none where it has no parts worth telling apart."""
    bare = env.unwrapped
    return _STAGES.get(type(bare.task).__name__, ()) if isinstance(bare, ManipulationEnv) else ()


def _places(env: ManipulationEnv) -> Places:
    return np.array([prop.state.position for prop in env.scene.props], dtype=np.float64).reshape(-1, 3)


def _hand_there(env: ManipulationEnv, _: Places) -> bool:
    hand = np.array(env.scene.arm.state.position)
    return bool(np.linalg.norm(_places(env) - hand, axis=1).min() < _NEAR_M)


def _moved(env: ManipulationEnv, start: Places) -> bool:
    return bool(np.linalg.norm(_places(env) - start, axis=1).max() > _MOVED_M)


def _held(env: ManipulationEnv, _: Places) -> bool:
    return any(env.scene.held(prop) for prop in env.scene.props)


def _lifted(env: ManipulationEnv, start: Places) -> bool:
    raised = _places(env)[:, 2] - start[:, 2] > _LIFTED_M
    return any(env.scene.held(prop) for prop, up in zip(env.scene.props, raised, strict=True) if up)


def _first_placed(env: ManipulationEnv, _: Places) -> bool:
    first = env.scene.props[0]
    away = np.linalg.norm(np.array(first.state.position) - env.task.goal[:3])
    return bool(away < _NEAR_M) and not env.scene.held(first)


_TOWER = (Stage("grasped", _held), Stage("lifted", _lifted), Stage("first placed", _first_placed))
_STAGES = {
    "PickPlace": (Stage("reached", _hand_there), Stage("grasped", _held)),
    "Lift": (Stage("reached", _hand_there), Stage("grasped", _held)),
    "Push": (Stage("moved", _moved),),
    "Stack": _TOWER,
    "Stack3": _TOWER,
}
"""By the name of the task's class."""
