"""What `gymnasium.make_vec` calls: the vector environment of one environment class."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from gymnasium import Env
from gymnasium.wrappers import TimeLimit

from envs.vector.shared_memory_env import SharedMemoryVectorEnv

EnvClass = Callable[..., Env[Any, Any]]
"""An environment's class, or whatever makes one from keyword arguments."""


def vector_entry_point(env_class: EnvClass) -> Callable[..., SharedMemoryVectorEnv]:
    """Make the `vector_entry_point` of an environment class.

    Gymnasium writes only names into an environment's specification as JSON, so give the result a name beside the
    class, and register that name::

        class ReachEnv(Env): ...
        ReachVector = vector_entry_point(ReachEnv)

        gymnasium.register(
            id="graspmimic/Reach-v0",
            entry_point="envs.manipulation.tasks:ReachEnv",
            vector_entry_point="envs.manipulation.vector_entries:ReachVector",
            max_episode_steps=50,
        )
        gymnasium.make_vec("graspmimic/Reach-v0", num_envs=32, workers=4)

    Args:
        env_class: must be found by its name in its module, so that workers can import it.

    Returns:
        A function of `num_envs`, `max_episode_steps`, `workers` and the environment's own keyword arguments.
    """
    return partial(_make_vector, env_class)


def _make_vector(
    env_class: EnvClass,
    /,
    num_envs: int = 1,
    max_episode_steps: int | None = None,
    workers: int | None = None,
    **kwargs: Any,
) -> SharedMemoryVectorEnv:
    return SharedMemoryVectorEnv([partial(_make, env_class, max_episode_steps, kwargs)] * num_envs, workers=workers)


def _make(env_class: EnvClass, max_episode_steps: int | None, kwargs: dict[str, Any]) -> Env[Any, Any]:
    env = env_class(**kwargs)
    return env if max_episode_steps is None else TimeLimit(env, max_episode_steps)
