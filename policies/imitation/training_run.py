"""The state of a training run, and one step of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn

from policies.imitation.moving_average import MovingAverage
from policies.imitation.policy import Batch, Policy
from policies.imitation.training_config import TrainingConfig
from policies.imitation.windows import Windows

Penalty = Callable[[Policy], Tensor]
"""What is added to a policy's loss, ()."""
_RECENT = 100


class Processes(Protocol):
    """This process among those that train together, as `perception.grasping.training.workers.Workers` is one."""

    @property
    def device(self) -> torch.device:
        """What this one computes on."""

    @property
    def rank(self) -> int:
        """Its number."""

    @property
    def count(self) -> int:
        """How many there are."""

    def wrap(self, module: nn.Module) -> nn.Module:
        """A module whose gradients are the mean over all processes."""


class Alone:
    """One process.

    Args:
        device: what it computes on.
    """

    rank, count = 0, 1

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)

    def wrap(self, module: nn.Module) -> nn.Module:
        """The module itself."""
        return module


class TrainingRun:
    """A policy in training: optimiser, moving average, and the stream of windows.

    Random numbers of the loss come from PyTorch's own generator, the windows from one of the run's; every process
    draws the windows of all and takes its share.

    Args:
        policy: on the device, its normaliser set.
        windows: on the device.
        config: how.
        seed: of the order of the windows.
        penalty: what is added to the loss; None adds nothing.
        row_weights: (N,) how often each window is drawn, as shares of any sum; None draws all alike.
        processes: that train together.
    """

    def __init__(
        self,
        policy: Policy,
        windows: Windows,
        config: TrainingConfig,
        *,
        seed: int,
        penalty: Penalty | None = None,
        row_weights: Tensor | None = None,
        processes: Processes | None = None,
    ) -> None:
        self.policy, self.config, self.steps_done = policy, config, 0
        self.processes = processes or Alone()
        self.optimizer = torch.optim.AdamW(
            policy.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
        )
        device = self.processes.device
        self.scaler = torch.amp.GradScaler(device.type, enabled=config.amp == "fp16" and device.type == "cuda")
        self.average = MovingAverage(policy, config.average)
        self.order = torch.Generator().manual_seed(seed)
        self.recent_loss = torch.zeros((), device=device)
        """Moving average of the loss, over some 100 steps."""
        self._windows, self._row_weights = windows, row_weights
        self._step = _Step(policy, penalty, config.amp, device)
        self._wrapped: nn.Module | None = None

    def step(self) -> None:
        """One step of the optimiser."""
        if self._wrapped is None:  # not before a checkpoint is read: wrapping hands the first one's weights round
            self._wrapped = self.processes.wrap(self._step)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.steps_done, self.config)
        self.optimizer.zero_grad(set_to_none=True)
        loss = self._wrapped(self._windows.batch(self._rows()))
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimizer)
        nn.utils.clip_grad_norm_(self.policy.parameters(), self.config.clip, foreach=True)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.average.update()
        self.steps_done += 1
        self.recent_loss.lerp_(loss.detach().float(), max(1.0 / self.steps_done, 1.0 / _RECENT))

    def _rows(self) -> Tensor:
        size = self.config.batch_size
        if self._row_weights is None:
            rows = torch.randint(len(self._windows), (size,), generator=self.order)
        else:
            rows = torch.multinomial(self._row_weights, size, replacement=True, generator=self.order)
        return rows[self.processes.rank :: self.processes.count].to(self.processes.device)


def learning_rate(step: int, config: TrainingConfig) -> float:
    """Linear warm-up, then half a cosine down to the last rate."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    share = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    low, high = config.final_rate * config.learning_rate, config.learning_rate
    return low + 0.5 * (high - low) * (1.0 + math.cos(math.pi * share))


class _Step(nn.Module):
    """One batch to its loss, as a module so that gradients can be shared between processes."""

    def __init__(self, policy: Policy, penalty: Penalty | None, amp: str, device: torch.device) -> None:
        super().__init__()
        self.policy, self.penalty = policy, penalty
        self.amp, self.device = amp if device.type == "cuda" else "off", device

    def forward(self, batch: Batch) -> Tensor:
        kind = torch.float16 if self.amp == "fp16" else torch.bfloat16
        with torch.autocast(self.device.type, kind, enabled=self.amp != "off"):
            loss = self.policy.loss(batch)
        return loss if self.penalty is None else loss + self.penalty(self.policy)
