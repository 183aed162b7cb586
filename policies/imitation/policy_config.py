"""What every configuration of a policy tells: what it looks at, how it is built, how it is trained by default."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from policies.imitation.data_layout import DataLayout
from policies.imitation.policy import Policy
from policies.imitation.training_config import TrainingConfig


@dataclass(frozen=True, kw_only=True)
class PolicyConfig(ABC):
    """How to build one kind of policy; JSON holds it."""

    kind: ClassVar[str]
    """Its name in files and on the command line."""
    training: ClassVar[TrainingConfig]
    """How it is trained where nothing else is asked for."""
    keys: tuple[str, ...] | None = None
    """Observations that it looks at; None for all vectors that it may (see `DataLayout.vectors`)."""

    @abstractmethod
    def make(self, layout: DataLayout) -> Policy:
        """A policy with fresh weights from PyTorch's generator, its normaliser not yet set."""
