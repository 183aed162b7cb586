"""Stable-Baselines3's view of a Gymnasium vector environment.

The two differ in what they tell at the end of an episode: Gymnasium's SAME_STEP puts the old episode's end
into `final_obs` and `final_info` of batched infos, Stable-Baselines3 wants a list of dicts with
`terminal_observation` and `TimeLimit.truncated`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from gymnasium import Wrapper
from numpy.typing import NDArray
from stable_baselines3.common.env_util import is_wrapped
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from envs.vector import SharedMemoryVectorEnv
from geometry import InputError

Indices = int | Iterable[int] | None


class SB3VecEnv(VecEnv):
    """A `SharedMemoryVectorEnv` for Stable-Baselines3's learners, which steps as their DummyVecEnv does.

    `compute_reward`, which hindsight replay calls for every batch, is answered by the vector environment's own
    environment in this process. It must depend on its arguments alone.

    Args:
        vector_env: is closed with this one.
    """

    def __init__(self, vector_env: SharedMemoryVectorEnv) -> None:
        self.vector_env = vector_env
        super().__init__(vector_env.num_envs, vector_env.single_observation_space, vector_env.single_action_space)

    @classmethod
    def from_id(cls, id: str, num_envs: int, *, workers: int | None = None, **kwargs: Any) -> SB3VecEnv:
        """Environments as `gymnasium.make(id, **kwargs)` makes them, over `workers` processes (see the vector's)."""
        return cls(SharedMemoryVectorEnv.from_id(id, num_envs, workers=workers, **kwargs))

    def reset(self) -> VecEnvObs:
        """Begin new episodes in all environments, with the seeds and options that were set last."""
        if any(options != self._options[0] for options in self._options):
            raise InputError("reset", expected="the same options for every environment", got=f"{self._options}")
        observation, infos = self.vector_env.reset(seed=self._seeds, options=self._options[0] or None)
        self.reset_infos = [_of_one(infos, number) for number in range(self.num_envs)]
        self._reset_seeds()
        self._reset_options()
        return observation

    def step_async(self, actions: NDArray[Any]) -> None:
        """Begin a step."""
        self.vector_env.step_async(actions)

    def step_wait(self) -> VecEnvStepReturn:
        """Wait for its end: observations, rewards (n,) float32, dones (n,), infos."""
        observation, reward, terminated, truncated, batched = self.vector_env.step_wait()
        final_observation, final_info = batched.pop("final_obs", None), batched.pop("final_info", {})
        done = terminated | truncated
        infos = []
        for number, (over, by_limit) in enumerate(zip(done.tolist(), (truncated & ~terminated).tolist(), strict=True)):
            info = _of_one(final_info if over else batched, number)
            info["TimeLimit.truncated"] = by_limit
            if over:
                info["terminal_observation"] = final_observation[number]
                self.reset_infos[number] = _of_one(batched, number)
            infos.append(info)
        return observation, reward.astype(np.float32), done, infos

    def close(self) -> None:
        """End the workers; twice is harmless."""
        self.vector_env.close()

    def env_method(self, method_name: str, *args: Any, indices: Indices = None, **kwargs: Any) -> list[Any]:
        """Call a method of each environment in `indices`, of all by default."""
        chosen = self._chosen(indices)
        if method_name == "compute_reward":
            return [self.vector_env.local_env.get_wrapper_attr(method_name)(*args, **kwargs)] * len(chosen)
        return list(self.vector_env.call(method_name, *args, indices=chosen, **kwargs))

    def get_attr(self, attr_name: str, indices: Indices = None) -> list[Any]:
        """An attribute of each environment in `indices`."""
        if not self.has_attr(attr_name):
            raise AttributeError(attr_name)
        return list(self.vector_env.get_attr(attr_name, self._chosen(indices)))

    def has_attr(self, attr_name: str) -> bool:
        """Whether the environments, which are all alike, have it."""
        return bool(self.vector_env.local_env.has_wrapper_attr(attr_name))

    def set_attr(self, attr_name: str, value: Any, indices: Indices = None) -> None:
        """Set an attribute of each environment in `indices`; the one that computes rewards follows the first."""
        chosen = self._chosen(indices)
        self.vector_env.set_attr(attr_name, [value] * len(chosen), chosen)
        if 0 in chosen:
            self.vector_env.local_env.set_wrapper_attr(attr_name, value)

    def env_is_wrapped(self, wrapper_class: type[Wrapper[Any, Any, Any, Any]], indices: Indices = None) -> list[bool]:
        """Whether each environment in `indices` is wrapped in it."""
        return [is_wrapped(self.vector_env.local_env, wrapper_class)] * len(self._chosen(indices))

    def get_images(self) -> Sequence[NDArray[np.uint8] | None]:
        """The picture of every environment."""
        return self.vector_env.render()

    def _chosen(self, indices: Indices) -> list[int]:
        return list(self._get_indices(indices))


def _of_one(infos: dict[str, Any], number: int) -> dict[str, Any]:
    """The info of one environment out of Gymnasium's batched ones, where `_key` says who has `key`."""
    return {
        key: _of_one(values, number) if isinstance(values, dict) else values[number]
        for key, values in infos.items()
        if (present := infos.get(f"_{key}")) is not None and present[number]
    }
