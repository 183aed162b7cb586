"""Hindsight replay whose draw does not cost more the larger the buffer is."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from stable_baselines3 import HerReplayBuffer
from stable_baselines3.common.type_aliases import DictReplayBufferSamples
from stable_baselines3.common.vec_env import VecNormalize

from geometry import InputError


class GoalReplay(HerReplayBuffer):
    """Hindsight experience replay (Andrychowicz et al. 2017), drawing as `HerReplayBuffer` does.

    That one lists all transitions of finished episodes for each draw: some milliseconds with a
    million. Here random transitions are tried until enough belong to one, which gives the same distribution.

    Args:
        args: as `HerReplayBuffer` takes them.
        seed: of the draws.
        kwargs: as `HerReplayBuffer` takes them.
    """

    def __init__(self, *args: Any, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._rng = np.random.default_rng(seed)

    def sample(self, batch_size: int, env: VecNormalize | None = None) -> DictReplayBufferSamples:  # type: ignore[override]
        """Transitions, first those with their own goal, then those with a goal that their episode reached later."""
        rows, envs = self.draw(batch_size)
        relabelled = int(self.her_ratio * batch_size)
        own = self._get_real_samples(rows[relabelled:], envs[relabelled:], env)
        other = self._get_virtual_samples(rows[:relabelled], envs[:relabelled], env)
        return DictReplayBufferSamples(
            observations=_joined(own.observations, other.observations),
            actions=torch.cat([own.actions, other.actions]),
            next_observations=_joined(own.next_observations, other.next_observations),
            dones=torch.cat([own.dones, other.dones]),
            rewards=torch.cat([own.rewards, other.rewards]),
        )

    def draw(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows and environments (count,) of random transitions of finished episodes.

        Raises:
            InputError: if no episode is finished yet.
        """
        filled = self.buffer_size if self.full else self.pos
        rows = self._rng.integers(0, max(filled, 1), 2 * count)
        envs = self._rng.integers(0, self.n_envs, 2 * count)
        found = np.flatnonzero(self.ep_length[rows, envs] > 0)
        if len(found) >= count:
            return rows[found[:count]], envs[found[:count]]
        finished = np.flatnonzero(self.ep_length[:filled] > 0)
        if not len(finished):
            raise InputError(
                "GoalReplay",
                expected="a finished episode to draw from",
                got="none",
                remedy="let learning_starts exceed the length of an episode, times the number of environments",
            )
        chosen = self._rng.choice(finished, count)
        return np.divmod(chosen, self.n_envs)


def _joined(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: torch.cat([table, second[name]]) for name, table in first.items()}
