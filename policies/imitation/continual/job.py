"""One learner, one seed, one sequence of demonstration sets: a piece of work that any process can do and go on with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import torch

from geometry import InputError
from policies.demonstrations import DemonstrationSet, SetInfo
from policies.demonstrations.demonstration_set import read_info
from policies.imitation.chunk_perceptron import ChunkPerceptronConfig
from policies.imitation.continual.learner import ContinualConfig
from policies.imitation.continual.sequence import Looks, Rates, TaskData, learn_sequence
from policies.imitation.continual.task_policy import TaskPolicy
from policies.imitation.data_layout import ONLY_KEY
from policies.imitation.evaluation import evaluate_policy
from policies.imitation.policy_config import PolicyConfig
from policies.reinforcement.evaluation import TEST_SEED

_OURS = "graspmimic/"


@dataclass(frozen=True, kw_only=True)
class ContinualJob:
    """What to learn, how, and where the progress is kept."""

    data: tuple[Path, ...]
    """Folders of demonstrations in the order of the tasks; each says in which environment it was made."""
    episodes: int | None = None
    """Of each; None takes all."""
    policy: PolicyConfig = ChunkPerceptronConfig(keys=(ONLY_KEY,))
    """What learns."""
    config: ContinualConfig = ContinualConfig()
    """How it learns."""
    looks: Looks = Looks()
    """How often it is judged."""
    seed: int = 0
    """Of weights and draws."""
    judged_from: int = TEST_SEED
    """Seed of the first episode in which it is judged; the same starts for every learner."""
    output: Path
    """Folder of the progress and of the policy."""

    def run(self, on_look: Callable[[str], None] | None = None) -> Rates:
        """Do it, or go on with it, on one core.

        Args:
            on_look: see `learn_sequence`.
        """
        torch.set_num_threads(1)
        judge = _EnvJudge(self.judged_from)
        try:
            return learn_sequence(
                [self._task(folder, judge) for folder in self.data],
                self.policy,
                self.config,
                judge,
                self.output,
                seed=self.seed,
                looks=self.looks,
                on_look=on_look,
            )
        finally:
            judge.close()

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the tasks, as their demonstrations tell them.

        Raises:
            InputError: if a folder is no set, or was played elsewhere than in our environments.
        """
        return tuple(_task_name(folder, read_info(folder)) for folder in self.data)

    def _task(self, folder: Path, judge: _EnvJudge) -> TaskData:
        found = DemonstrationSet.open(folder)
        name = _task_name(folder, found.info)
        judge.open(name, found.info)
        return TaskData(name, found.info, list(found if self.episodes is None else found.first(self.episodes)))


class _EnvJudge:
    """Plays each task in its environment."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._envs: dict[str, gymnasium.Env[Any, Any]] = {}

    def open(self, task: str, info: SetInfo) -> None:
        if task not in self._envs:
            self._envs[task] = gymnasium.make(f"envs:{info.env}", **info.env_options)

    def __call__(self, player: TaskPolicy, episodes: int) -> float:
        return evaluate_policy(player, self._envs[player.task], episodes=episodes, seed=self._seed).at_end

    def close(self) -> None:
        for env in self._envs.values():
            env.close()


def _task_name(folder: Path, info: SetInfo) -> str:
    if not info.env.startswith(_OURS):
        raise InputError(str(folder), expected="demonstrations of one of our tasks", got=info.env or "none named",
                         remedy="collect them with `graspmimic collect`")  # fmt: skip
    return info.env.removeprefix(_OURS).partition("-v")[0]
