"""One task of a policy that has learned several: that task's own observations in, its own actions out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geometry import InputError
from policies.imitation.chunk_policy import checked_row
from policies.imitation.continual.shared_space import SharedSpace
from policies.imitation.data_layout import DataLayout
from policies.imitation.policy import Batch, Observation, Policy
from policies.imitation.policy_config import PolicyConfig
from policies.imitation.training_config import TrainingConfig
from policies.imitation.windows import Windows


@dataclass(frozen=True, kw_only=True)
class TaskPolicyConfig(PolicyConfig):
    """A policy for several tasks, and which of them it does; made by continual learning only."""

    kind: ClassVar[str] = "one-of-several"
    training: ClassVar[TrainingConfig] = TrainingConfig()
    task: str
    """That it does."""
    space: Mapping[str, Any]
    """`SharedSpace.record`."""
    shared: Mapping[str, Any]
    """Configuration of the policy in the shared space, with its "kind"."""

    @classmethod
    def of(cls, task: str, space: SharedSpace, shared: PolicyConfig) -> TaskPolicyConfig:
        """For one of the tasks."""
        return cls(task=task, space=space.record(), shared={"kind": shared.kind, **asdict(shared)})

    def make(self, layout: DataLayout) -> TaskPolicy:
        """See `PolicyConfig.make`."""
        from policies.imitation.policy_file import config_of_record  # that room knows all kinds, this one too

        space = SharedSpace.of_record(self.space)
        return TaskPolicy(config_of_record(self.shared).make(space.layout), space, self.task, layout)


class TaskPolicy(Policy):
    """A policy for several tasks, doing one of them.

    Args:
        policy: in the shared space; it is held, not copied.
        space: in which each task has its place.
        task: to be done.
        layout: of the task's own observations and actions.
    """

    def __init__(self, policy: Policy, space: SharedSpace, task: str, layout: DataLayout) -> None:
        super().__init__()
        if task not in space.tasks:
            raise InputError("TaskPolicy", expected=f"one of {', '.join(space.tasks)}", got=task)
        self.shared, self.space, self.task, self.layout = policy, space, task, layout
        self.keys, self.history, self.chunk = space.keys[task], policy.history, policy.chunk

    def fit(self, windows: Windows) -> None:
        """Nothing: the shared space keeps the scales of the tasks that first had a number."""

    def loss(self, batch: Batch) -> Tensor:
        """That of the shared policy; entries of actions that this task lacks are 0."""
        device = batch.actions.device
        seen = self.space.observation(self.task, {key: batch.observations[key].cpu().numpy() for key in self.keys})
        return self.shared.loss(
            batch._replace(
                observations={key: torch.from_numpy(table).to(device) for key, table in seen.items()},
                actions=self._scattered(batch.actions),
                past_actions=self._scattered(batch.past_actions),
            )
        )

    def reset(self) -> None:
        """See `Policy.reset`."""
        self.shared.reset()

    def select_action(self, observation: Observation) -> NDArray[np.float32]:
        """See `Policy.select_action`."""
        row = checked_row(observation, self.keys, self.layout, f"a policy for {self.task}")
        seen = self.space.observation(self.task, {key: entry.numpy() for key, entry in row.items()})
        return self.space.action(self.task, self.shared.select_action(seen))

    def _scattered(self, actions: Tensor) -> Tensor:
        """(..., A) the task's own actions to (..., those of all tasks)."""
        shared = actions.new_zeros((*actions.shape[:-1], len(self.space.action_names)))
        shared[..., list(self.space.action_places[self.task])] = actions
        return shared
