"""What every imitation policy is: something that acts on observations, and a loss on recorded ones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

if TYPE_CHECKING:
    from policies.imitation.windows import Windows

Observation = Mapping[str, NDArray[Any]]
"""One observation by key; an environment's bare vector is the key "observation"."""


class Batch(NamedTuple):
    """B windows cut from episodes, in the units of the environment."""

    observations: dict[str, Tensor]
    """(B, H, ...) float32 by key: the last H observations, the present one last; before an episode's first
    observation stands the first."""
    actions: Tensor
    """(B, K, A) float32: the action on the present observation and the K - 1 after it; after an episode's last
    action stands the last."""
    valid: Tensor
    """(B, K) bool: false for what was filled in after the end."""
    past_actions: Tensor
    """(B, H - 1, A) float32: the actions on the observations before the present one, the oldest first."""
    past_valid: Tensor
    """(B, H - 1) bool: false for what was filled in before the beginning."""


class Policy(nn.Module, ABC):
    """A policy with its normaliser inside: environment's units in, environment's units out."""

    keys: tuple[str, ...]
    """Observations that it looks at."""
    history: int
    """H, observations that it looks at."""
    chunk: int
    """K, actions that it foresees."""

    @abstractmethod
    def fit(self, windows: Windows) -> None:
        """Set the normaliser from demonstrations, before the first step of training."""

    @abstractmethod
    def loss(self, batch: Batch) -> Tensor:
        """() what training makes small; draws its random numbers, if any, from PyTorch's own generator."""

    @abstractmethod
    def reset(self) -> None:
        """An episode begins: forget the last one."""

    @abstractmethod
    def select_action(self, observation: Observation) -> NDArray[np.float32]:
        """(A,) the action for what is seen now, within the bounds of the action space.

        Raises:
            InputError: if a key is missing, of another shape, or not finite.
        """
