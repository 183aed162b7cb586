"""How a policy is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from geometry import InputError


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Everything that decides a training run besides policy, data and seed."""

    steps: int = 5000
    """Optimiser steps in all."""
    batch_size: int = 64
    """Windows in a step, over all processes."""
    learning_rate: float = 1e-3
    """Largest learning rate of AdamW; it rises linearly at first and falls along half a cosine."""
    warmup_steps: int = 100
    """Steps of the rise."""
    final_rate: float = 0.01
    """Share of the learning rate at which the cosine ends."""
    weight_decay: float = 1e-4
    """AdamW's."""
    average: float = 0.995
    """Decay of the moving average of the weights, which is what is kept; it begins small and rises to this."""
    clip: float = 1.0
    """Largest norm of the gradient."""
    amp: Literal["off", "bf16", "fp16"] = "off"
    """Mixed precision, on a GPU."""

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch_size < 1 or self.warmup_steps < 0:
            raise InputError(
                "TrainingConfig",
                expected="steps and batch_size of at least 1, warmup_steps of at least 0",
                got=f"{self.steps}, {self.batch_size} and {self.warmup_steps}",
            )
        positive = self.learning_rate > 0.0 and self.clip > 0.0 and self.weight_decay >= 0.0
        if not positive or not 0.0 <= self.average < 1.0 or not 0.0 <= self.final_rate <= 1.0:
            raise InputError(
                "TrainingConfig",
                expected="learning_rate and clip above 0, average and final_rate in 0 to 1",
                got=f"{self}",
            )
        if self.amp not in ("off", "bf16", "fp16"):
            raise InputError("TrainingConfig", expected="amp off, bf16 or fp16", got=repr(self.amp))
