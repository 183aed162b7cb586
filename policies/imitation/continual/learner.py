"""A policy that learns one task after the other: plainly, with springs on its weights, or with replay."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from geometry import InputError
from policies.demonstrations import Episode
from policies.imitation.continual.ewc import Springs
from policies.imitation.continual.replay import ReplaySettings, episode_weights, remembered, replay_shares
from policies.imitation.policy import Policy
from policies.imitation.training import train_policy
from policies.imitation.training_config import TrainingConfig
from policies.imitation.training_run import TrainingRun
from policies.imitation.windows import Windows

Method = Literal["naive", "ewc", "replay", "joint"]
METHODS: tuple[Method, ...] = get_args(Method)
Look = Callable[[Policy], None]


@dataclass(frozen=True, kw_only=True)
class ContinualConfig:
    """How a sequence of tasks is learned."""

    method: Method = "replay"
    """naive: each task alone; ewc: springs on weights; replay: a few episodes of earlier tasks in every batch;
    joint: all tasks at once, for as many steps in all, which is no continual learning but its upper bound."""
    training: TrainingConfig = TrainingConfig(steps=2000, batch_size=128)
    """Of each task."""
    strength: float = 1e4
    """ewc: lambda (see `Springs`)."""
    fading: float | None = None
    """ewc: gamma of the online variant; None keeps a penalty for each task."""
    fisher_windows: int = 500
    """ewc: windows from which what matters to a task is estimated."""
    replay: ReplaySettings = ReplaySettings()
    """replay: what is kept and how often it comes up."""

    def __post_init__(self) -> None:
        if self.method not in METHODS or self.fisher_windows < 1:
            raise InputError(
                "ContinualConfig",
                expected=f"method {', '.join(METHODS)}, fisher_windows of at least 1",
                got=f"{self.method}, {self.fisher_windows}",
            )


class ContinualLearner:
    """Teaches a policy, and keeps what its method keeps of earlier tasks.

    Args:
        policy: fresh. Its normaliser stays as it is: tasks that are yet to come may not set it.
        config: how it learns.
        seed: of the draws.
    """

    def __init__(self, policy: Policy, config: ContinualConfig, seed: int) -> None:
        self.policy, self.config, self.seed = policy, config, seed
        self.springs = Springs(config.strength, config.fading) if config.method == "ewc" else None
        self.memory: list[Sequence[Episode]] = []
        """Episodes kept of each earlier task."""
        self.learned = 0
        """Tasks so far."""

    def learn(self, episodes: Sequence[Episode], *, moments: Sequence[int] = (), look: Look | None = None) -> None:
        """Learn the next task; the policy then has the average weights of the end of its training.

        Args:
            episodes: of the task, as the policy sees and does things.
            moments: steps of the training after which `look` gets a policy with the average weights so far.
            look: see `moments`.
        """
        shares = replay_shares(len(self.memory), self.config.replay.share)
        self._train([episodes, *self.memory], shares, self.config.training, moments, look)
        if self.springs is not None:
            self._tighten(self.springs, episodes)
        self._remember(episodes)

    def learn_jointly(self, tasks: Sequence[Sequence[Episode]]) -> None:
        """Learn all tasks at once, each with the same share of the windows, with the steps of all of them."""
        training = replace(self.config.training, steps=self.config.training.steps * len(tasks))
        self._train(tasks, [1.0 / len(tasks)] * len(tasks), training)
        self.learned = len(tasks)

    def resume(
        self, weights: Mapping[str, Tensor], springs: Mapping[str, Tensor], tasks: Sequence[Sequence[Episode]]
    ) -> None:
        """Go on after some tasks.

        Args:
            weights: of the policy after them.
            springs: what `Springs.tensors` gave after them.
            tasks: their episodes, from which the memory draws what it drew before.
        """
        self.policy.load_state_dict(weights)
        if self.springs is not None:
            self.springs.restore(springs)
        for episodes in tasks:
            self._remember(episodes)

    def _train(
        self,
        groups: Sequence[Sequence[Episode]],
        shares: Sequence[float],
        training: TrainingConfig,
        moments: Sequence[int] = (),
        look: Look | None = None,
    ) -> None:
        def on_step(run: TrainingRun) -> None:
            if look is not None and run.steps_done in moments:
                look(averaged(run))

        train_policy(
            self.policy,
            [episode for group in groups for episode in group],
            training,
            seed=self.seed + 1000 * self.learned,
            fit=False,
            penalty=self.springs.penalty if self.springs is not None else None,
            episode_weights=episode_weights(groups, shares),
            on_step=on_step,
        )

    def _tighten(self, springs: Springs, episodes: Sequence[Episode]) -> None:
        rng = np.random.default_rng((self.seed, self.learned, 0))
        windows = Windows(episodes, keys=self.policy.keys, history=self.policy.history, chunk=self.policy.chunk)
        chosen = rng.choice(len(windows), size=min(self.config.fisher_windows, len(windows)), replace=False)
        with torch.random.fork_rng(devices=[]):  # the loss of some policies draws
            torch.manual_seed(self.seed + 1000 * self.learned)
            springs.add_task(self.policy, (windows.batch(torch.tensor([row])) for row in chosen.tolist()))

    def _remember(self, episodes: Sequence[Episode]) -> None:
        if self.config.method == "replay":
            rng = np.random.default_rng((self.seed, self.learned, 1))
            self.memory.append(remembered(episodes, self.config.replay.episodes, rng))
        self.learned += 1


def averaged(run: TrainingRun) -> Policy:
    """A copy of the policy in training, with the average weights so far, that acts."""
    policy = deepcopy(run.policy)
    with torch.no_grad():
        average = run.average.tensors()
        for name, weight in policy.named_parameters():
            weight.copy_(average[name])
    policy.eval().reset()
    return policy
