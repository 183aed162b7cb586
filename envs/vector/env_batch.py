"""Several environments of one process, stepped one after the other over the rows of the shared arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from mmap import mmap
from typing import Any, NamedTuple

from gymnasium import Env

from envs.vector.step_arrays import Layout, put_row, take_row
from geometry import InputError

EnvFn = Callable[[], Env[Any, Any]]
"""Makes one environment."""

Info = dict[str, Any]


class EpisodeEnd(NamedTuple):
    """What comes with the end of an episode besides arrays."""

    final_info: Info
    """Of the last step."""
    reset_info: Info
    """Of the next episode's first observation."""


class EnvBatch:
    """Environments `first` to `first + len(env_fns) - 1` of all.

    An episode that ends begins anew within the same step (Gymnasium's SAME_STEP).

    Raises:
        InputError: if their spaces are not those of the layout.
    """

    def __init__(self, env_fns: Sequence[EnvFn], layout: Layout, memory: mmap, first: int = 0) -> None:
        self.arrays = layout.over(memory)
        """Of all environments; this batch writes its own rows."""
        self.at = first
        """Number of the environment whose turn it is, to be named when it fails."""
        self._envs: dict[int, Env[Any, Any]] = {}
        for number, make in enumerate(env_fns, first):
            self.at = number
            env = self._envs[number] = make()
            spaces, wanted = (env.observation_space, env.action_space), (layout.observation_space, layout.action_space)
            if spaces != wanted:
                raise InputError(
                    f"environment {number}", expected=f"the spaces of the first, {wanted}", got=f"{spaces}"
                )

    def reset(self, seeds: Mapping[int, int | None], options: dict[str, Any] | None) -> dict[int, Info]:
        """Begin new episodes in those of the environments that `seeds` names; their infos."""
        infos = {}
        for number, env in self._envs.items():
            if number not in seeds:
                continue
            self.at = number
            observation, infos[number] = env.reset(seed=seeds[number], options=options)
            put_row(self.arrays.observation, number, observation)
            self.arrays.terminated[number] = self.arrays.truncated[number] = False
        return infos

    def step(self) -> dict[int, EpisodeEnd]:
        """Take the actions from the arrays, leave there what came of them; the episodes that ended."""
        arrays, ends = self.arrays, {}
        for number, env in self._envs.items():
            self.at = number
            observation, reward, terminated, truncated, info = env.step(take_row(arrays.action, number))
            arrays.reward[number] = reward
            arrays.terminated[number] = terminated
            arrays.truncated[number] = truncated
            if terminated or truncated:
                put_row(arrays.final_observation, number, observation)
                observation, reset_info = env.reset()
                ends[number] = EpisodeEnd(info, reset_info)
                info = {}
            put_row(arrays.observation, number, observation)
            arrays.put_info(number, info)
        return ends

    def each(self, method: str, args: Mapping[int, tuple[Any, ...]]) -> dict[int, Any]:
        """`call`, `get_attr` or `set_attr` for some of the environments, with the arguments of each."""
        found = {}
        for number, rest in args.items():
            self.at = number
            found[number] = getattr(self, method)(self._envs[number], *rest)
        return found

    @staticmethod
    def call(env: Env[Any, Any], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a method of an environment or its wrappers; an attribute that cannot be called is returned."""
        found = env.get_wrapper_attr(name)
        return found(*args, **kwargs) if callable(found) else found

    @staticmethod
    def get_attr(env: Env[Any, Any], name: str) -> Any:
        """An attribute of an environment or its wrappers."""
        return env.get_wrapper_attr(name)

    @staticmethod
    def set_attr(env: Env[Any, Any], name: str, value: Any) -> None:
        """Set an attribute where the environment has it, else on its outermost wrapper."""
        env.set_wrapper_attr(name, value)

    def close(self) -> None:
        """Close every environment."""
        for env in self._envs.values():
            env.close()
