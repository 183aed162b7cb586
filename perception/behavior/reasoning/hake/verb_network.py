"""The network that readable rules are held against: two layers from part states and object to verbs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from geometry import FloatArray, InputError


@dataclass(frozen=True, kw_only=True)
class VerbNetworkSettings:
    """How the network is made and trained. Chosen on a part of the training images."""

    hidden: int = 512
    """Width of the layer in between; 0: a linear layer alone."""
    dropout: float = 0.5
    """Share of that layer left out in each step."""
    epochs: int = 60
    """Passes over the training images."""
    batch: int = 256
    """Images in a step."""
    learning_rate: float = 4e-3
    """Largest of the one-cycle schedule."""
    weight_decay: float = 1e-4
    """AdamW's."""

    def __post_init__(self) -> None:
        if self.hidden < 0 or not 0.0 <= self.dropout < 1.0 or min(self.epochs, self.batch) < 1:
            raise InputError("VerbNetworkSettings", expected="sizes of 1 or more, dropout from 0 to 1", got=f"{self}")


class VerbNetwork:
    """A trained network: truths of predicates in, probabilities of verbs out."""

    def __init__(self, module: torch.nn.Module) -> None:
        self._module = module.eval()

    @classmethod
    def train(
        cls,
        truths: FloatArray,
        labels: NDArray[np.bool_],
        settings: VerbNetworkSettings | None = None,
        seed: int = 0,
    ) -> VerbNetwork:
        """Train on examples, by the sum of the verbs' binary cross-entropies.

        Args:
            truths: (N, P) 0 to 1; NaN counts as 0.
            labels: (N, C).
            settings: sizes and schedule.
            seed: of the first weights, of dropout and of the order of the examples.
        """
        settings = settings or VerbNetworkSettings()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            module = _module(truths.shape[1], labels.shape[1], settings)
            _train(module, _tensor(truths), torch.from_numpy(labels.astype(np.float32)), settings)
        return cls(module)

    def evaluate(self, truths: FloatArray) -> FloatArray:
        """(N, C) probabilities from (N, P) truths."""
        with torch.no_grad():
            return torch.sigmoid(self._module(_tensor(truths))).numpy().astype(float)


def _module(inputs: int, outputs: int, settings: VerbNetworkSettings) -> torch.nn.Module:
    if not settings.hidden:
        return torch.nn.Linear(inputs, outputs)
    return torch.nn.Sequential(
        torch.nn.Linear(inputs, settings.hidden),
        torch.nn.ReLU(),
        torch.nn.Dropout(settings.dropout),
        torch.nn.Linear(settings.hidden, outputs),
    )


def _train(module: torch.nn.Module, truths: torch.Tensor, labels: torch.Tensor, settings: VerbNetworkSettings) -> None:
    steps = settings.epochs * -(-len(truths) // settings.batch)
    optimizer = torch.optim.AdamW(module.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.learning_rate, total_steps=max(steps, 2))
    module.train()
    for _ in range(settings.epochs):
        for rows in torch.split(torch.randperm(len(truths)), settings.batch):
            optimizer.zero_grad()
            odds = module(truths[rows])
            loss = torch.nn.functional.binary_cross_entropy_with_logits(odds, labels[rows], reduction="sum")
            (loss / len(rows)).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()


def _tensor(truths: FloatArray) -> torch.Tensor:
    return torch.from_numpy(np.nan_to_num(truths, nan=0.0).astype(np.float32))
