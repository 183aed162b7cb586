"""One learner, one seed, one sequence of demonstration sets: a piece of work that any process can do and go on with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import torch

from geometry import InputError
from policies.demonstrations import DemonstrationSet
from policies.imitation.chunk_perceptron import ChunkPerceptronConfig
from policies.imitation.continual.learner import ContinualConfig
from policies.imitation.continual.sequence import Looks, Rates, TaskData, TaskPolicy, learn_sequence
from policies.imitation.data_layout import ONLY_KEY
from policies.imitation.policy_config import PolicyConfig
from policies.reinforcement.evaluation import TEST_SEED


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

    def run(self) -> Rates:
        """Do it, or go on with it, on one core."""
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
            )
        finally:
            judge.close()

    def _task(self, folder: Path, judge: _EnvJudge) -> TaskData:
        found = DemonstrationSet.open(folder)
        if not found.info.env:
            raise InputError(str(folder), expected="demonstrations of an environment", got="none named",
                             remedy="collect them with `graspmimic collect`")  # fmt: skip
        name = found.info.env.rpartition("/")[2].partition("-v")[0]
        judge.open(name, found.info.env, dict(found.info.env_options))
        return TaskData(name, found.info, list(found if self.episodes is None else found.first(self.episodes)))


class _EnvJudge:
    """Plays each task in its environment."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._envs: dict[str, gymnasium.Env[Any, Any]] = {}

    def open(self, task: str, env_id: str, options: dict[str, Any]) -> None:
        self._envs[task] = gymnasium.make(f"envs:{env_id}", **options)

    def __call__(self, player: TaskPolicy, episodes: int) -> float:
        env, successes = self._envs[player.task], 0
        for number in range(episodes):
            seen, info = env.reset(seed=self._seed + number)
            player.reset()
            over = False
            while not over:
                action = player.select_action(seen if isinstance(seen, dict) else {ONLY_KEY: seen})
                seen, _, terminated, truncated, info = env.step(action)
                over = terminated or truncated
            successes += bool(info["is_success"])
        return successes / episodes

    def close(self) -> None:
        for env in self._envs.values():
            env.close()
