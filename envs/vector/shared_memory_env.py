"""Gymnasium's vector environment over worker processes that own several environments each.

A step costs one short message to each worker and one back; observations, actions and rewards do not
travel, they stand in memory that all processes share.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from envs.vector.crew import Alone, Crew
from envs.vector.env_batch import EnvFn
from envs.vector.step_arrays import Layout, Tree, copy_tree, put_all, take_row
from geometry import InputError

Step = tuple[Tree, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]


class SharedMemoryVectorEnv(VectorEnv[Tree, Tree, NDArray[Any]]):
    """Equal environments, stepped side by side; the results do not depend on the number of workers.

    Seeds, observations, rewards and flags are those of `gymnasium.vector.SyncVectorEnv` in the mode
    SAME_STEP, bit for bit: an episode that ends begins anew within the step, whose observation is the new
    episode's first one; `infos["final_obs"]` and `infos["final_info"]` hold the end of the old one. Of the
    infos of other steps only `info_keys` come through.

    Args:
        env_fns: makes one environment each. Functions of a script are fine, lambdas too.
        workers: processes; None for as many as there are cores, 0 to step all in this process.
        info_keys: the numbers of `info` that every step brings where an environment has them; the default is what
            learners need: success, and what `compute_reward` of a dense reward asks for.

    Raises:
        InputError: if the spaces hold anything but arrays and numbers, or differ from one another.
        WorkerError: if an environment fails in its worker, here or later; the vector environment is closed
            if it was while it was made, or if the worker has ended.
    """

    def __init__(
        self,
        env_fns: Sequence[EnvFn],
        *,
        workers: int | None = None,
        info_keys: Sequence[str] = ("is_success", "success_once", "reward_of_scene"),
    ) -> None:
        count = _worker_count(len(env_fns), workers)
        self.num_envs = len(env_fns)
        self.local_env = env_fns[0]()
        """Environment 0 where there are no workers, else one more in this process, which is never stepped: for
        spaces, `compute_reward` and the like."""
        self.metadata = {**self.local_env.metadata, "autoreset_mode": AutoresetMode.SAME_STEP}
        self.render_mode = self.local_env.render_mode
        self.single_observation_space = self.local_env.observation_space
        self.single_action_space = self.local_env.action_space
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._waiting = False
        layout = Layout(
            observation_space=self.single_observation_space,
            action_space=self.single_action_space,
            num_envs=self.num_envs,
            info_keys=tuple(info_keys),
        )
        self._crew = _crew(env_fns, layout, count, self.local_env)
        self._finish = weakref.finalize(self, _finish, self._crew, self.local_env if count else None)

    @classmethod
    def from_id(cls, id: str, num_envs: int, *, workers: int | None = None, **kwargs: Any) -> SharedMemoryVectorEnv:
        """Environments as `gymnasium.make(id, **kwargs)` makes them, without its checker."""
        spec = gymnasium.spec(id)  # carries the entry point, so that a worker need not have registered the id
        return cls([partial(gymnasium.make, spec, disable_env_checker=True, **kwargs)] * num_envs, workers=workers)

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """Process numbers of the workers, to pin them to cores or to ask for their CPU time."""
        return self._crew.pids

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Tree, dict[str, Any]]:
        """Begin new episodes.

        Args:
            seed: environment i gets `seed + i`, or entry i of a sequence.
            options: for every environment; "reset_mask", (n,) bool, chooses those that are reset.

        Returns:
            Observations of all environments, and infos of those that were reset.
        """
        super().reset(seed=seed if isinstance(seed, int) else None)
        seeds = [seed] * self.num_envs if seed is None else seed
        seeds = [seeds + number for number in range(self.num_envs)] if isinstance(seeds, int) else list(seeds)
        options = dict(options or {})
        chosen = np.asarray(options.pop("reset_mask", np.ones(self.num_envs, dtype=np.bool_)))
        if len(seeds) != self.num_envs or chosen.shape != (self.num_envs,) or chosen.dtype != np.bool_:
            raise InputError(
                "reset",
                expected=f"{self.num_envs} seeds and a reset_mask of as many bools",
                got=f"{len(seeds)} seeds, reset_mask of {chosen.dtype} {chosen.shape}",
            )
        self._check_free()
        found = self._crew.reset({number: seeds[number] for number in np.flatnonzero(chosen).tolist()}, options or None)
        infos: dict[str, Any] = {}
        for number, info in sorted(found.items()):
            infos = self._add_info(infos, info, number)
        return copy_tree(self._crew.arrays.observation), infos

    def step(self, actions: Tree) -> Step:
        """Step every environment: observations, rewards, terminated, truncated, infos."""
        self.step_async(actions)
        return self.step_wait()

    def step_async(self, actions: Tree) -> None:
        """Begin a step and come back at once; with workers=0 nothing happens before `step_wait`.

        Args:
            actions: (num_envs, ...), as `action_space` has them.
        """
        self._check_free()
        put_all(self._crew.arrays.action, actions)
        self._crew.begin_step()
        self._waiting = True

    def step_wait(self) -> Step:
        """Wait for the end of the step that `step_async` began."""
        if not self._waiting:
            raise InputError("step_wait", expected="a call of step_async before it", got="none")
        self._waiting = False
        ends, arrays = self._crew.end_step(), self._crew.arrays
        infos: dict[str, Any] = arrays.infos()
        for number, end in sorted(ends.items()):
            final = {"final_obs": take_row(arrays.final_observation, number), "final_info": end.final_info}
            infos = self._add_info(self._add_info(infos, final, number), end.reset_info, number)
        flags = arrays.terminated.copy(), arrays.truncated.copy()
        return copy_tree(arrays.observation), arrays.reward.copy(), *flags, infos

    def render(self) -> tuple[Any, ...]:
        """The picture of every environment."""
        return self.call("render")

    def call(self, name: str, *args: Any, indices: Iterable[int] | None = None, **kwargs: Any) -> tuple[Any, ...]:
        """Call a method of each environment, or of those in `indices`; attributes are returned."""
        self._check_free()
        return tuple(self._crew.each("call", {number: (name, args, kwargs) for number in self._chosen(indices)}))

    def get_attr(self, name: str, indices: Iterable[int] | None = None) -> tuple[Any, ...]:
        """An attribute of each environment, or of those in `indices`."""
        self._check_free()
        return tuple(self._crew.each("get_attr", {number: (name,) for number in self._chosen(indices)}))

    def set_attr(self, name: str, values: Any, indices: Iterable[int] | None = None) -> None:
        """Set an attribute of each environment: a list or tuple holds one value each, anything else is for all."""
        self._check_free()
        chosen = self._chosen(indices)
        each = list(values) if isinstance(values, list | tuple) else [values] * len(chosen)
        if len(each) != len(chosen):
            raise InputError("set_attr", expected=f"{len(chosen)} values", got=f"{len(each)}")
        self._crew.each("set_attr", {number: (name, value) for number, value in zip(chosen, each, strict=True)})

    def close_extras(self, **kwargs: Any) -> None:
        """End the workers; takes what Gymnasium's own vector environments take, and needs none of it."""
        self._finish()

    def _chosen(self, indices: Iterable[int] | None) -> list[int]:
        return list(range(self.num_envs) if indices is None else indices)

    def _check_free(self) -> None:
        if self._crew.closed:
            raise InputError("SharedMemoryVectorEnv", expected="an open vector environment", got="a closed one")
        if self._waiting:
            raise InputError("SharedMemoryVectorEnv", expected="step_wait after step_async", got="another call")


def _worker_count(num_envs: int, workers: int | None) -> int:
    if num_envs < 1 or (workers is not None and workers < 0):
        raise InputError(
            "SharedMemoryVectorEnv",
            expected="at least one environment, and workers of None or at least 0",
            got=f"{num_envs} environments, workers={workers}",
        )
    return min(num_envs, len(os.sched_getaffinity(0)) if workers is None else workers)


def _crew(env_fns: Sequence[EnvFn], layout: Layout, count: int, local_env: gymnasium.Env[Any, Any]) -> Alone | Crew:
    return Crew(env_fns, layout, count) if count else Alone([lambda: local_env, *env_fns[1:]], layout)


def _finish(crew: Alone | Crew, local_env: gymnasium.Env[Any, Any] | None) -> None:
    crew.close()
    if local_env is not None:
        local_env.close()
