"""Behaviour cloning with a memory: a recurrent network that has seen the episode so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from geometry import InputError
from policies.imitation.chunk_policy import checked_row
from policies.imitation.data_layout import DataLayout
from policies.imitation.encoder import StateEncoder
from policies.imitation.normalizer import ActionScale
from policies.imitation.policy import Batch, Observation, Policy
from policies.imitation.policy_config import PolicyConfig
from policies.imitation.training_config import TrainingConfig
from policies.imitation.windows import Windows


@dataclass(frozen=True, kw_only=True)
class RecurrentBCConfig(PolicyConfig):
    """Behaviour cloning with a gated recurrent unit (Cho et al., EMNLP 2014)."""

    kind: ClassVar[str] = "bc-rnn"
    training: ClassVar[TrainingConfig] = TrainingConfig(steps=2000, batch_size=64)
    history: int = 16
    """H, steps over which it is trained at a time; when it acts, it remembers the whole episode."""
    width: int = 192
    """Of its memory."""

    def __post_init__(self) -> None:
        if self.width < 1 or self.history < 2:
            raise InputError("RecurrentBCConfig", expected="width of at least 1, history of at least 2", got=f"{self}")

    def make(self, layout: DataLayout) -> RecurrentBCPolicy:
        """See `PolicyConfig.make`."""
        return RecurrentBCPolicy(layout, self)


class RecurrentBCPolicy(Policy):
    """A gated recurrent unit between two layers, trained with the mean absolute error of every action in a window.

    Args:
        layout: of the data.
        config: of the network.
    """

    chunk = 1

    def __init__(self, layout: DataLayout, config: RecurrentBCConfig) -> None:
        super().__init__()
        self.layout, self.keys, self.history = layout, config.keys or layout.vectors, config.history
        self.encoder, self.action_scale = StateEncoder(layout, self.keys), ActionScale(layout)
        self.embed = nn.Sequential(nn.Linear(self.encoder.width, config.width), nn.ReLU())
        self.memory = nn.GRU(config.width, config.width, batch_first=True)
        self.head = nn.Sequential(
            nn.Linear(2 * config.width, config.width), nn.ReLU(), nn.Linear(config.width, layout.actions)
        )
        self._remembered: Tensor | None = None

    def fit(self, windows: Windows) -> None:
        """See `Policy.fit`."""
        self.encoder.fit(windows)
        self.action_scale.fit(windows.actions)

    def loss(self, batch: Batch) -> Tensor:
        """Mean absolute error of the scaled actions on all observations of the windows.

        A window that begins before its episode is moved to the episode's beginning, for there the memory is empty
        when the policy acts.
        """
        known = torch.cat([batch.past_valid, torch.ones_like(batch.valid[:, :1])], dim=1)  # (B, H)
        actions = torch.cat([batch.past_actions, batch.actions[:, :1]], dim=1)
        count = known.sum(1, keepdim=True)
        steps = torch.arange(self.history, device=known.device)
        order = torch.minimum(steps + self.history - count, steps[-1:])  # (B, H): real steps, then the last again
        rows = torch.arange(len(known), device=known.device)[:, None]
        seen = {key: table[rows, order] for key, table in batch.observations.items()}
        outputs, _ = self._forward(seen, None)
        errors = (outputs - self.action_scale.scaled(actions[rows, order])).abs().mean(-1) * (steps < count)
        return errors.sum() / count.sum()

    def reset(self) -> None:
        """See `Policy.reset`."""
        self._remembered = None

    def select_action(self, observation: Observation) -> NDArray[np.float32]:
        """See `Policy.select_action`."""
        row = checked_row(observation, self.keys, self.layout, type(self).__name__)
        device = next(self.parameters()).device
        with torch.inference_mode():
            window = {key: entry[None, None].to(device) for key, entry in row.items()}
            outputs, self._remembered = self._forward(window, self._remembered)
            return self.action_scale.unscaled(outputs)[0, 0].cpu().numpy()

    def _forward(self, observations: dict[str, Tensor], memory: Tensor | None) -> tuple[Tensor, Tensor]:
        """(B, H, ...) observations to (B, H, A) scaled actions, and the memory after the last."""
        inputs = self.embed(self.encoder(observations))
        remembered, memory = self.memory(inputs, memory)
        return self.head(torch.cat([inputs, remembered], dim=-1)), memory
