"""The optimiser's loop: AdamW, cosine schedule, a moving average of the weights, a checkpoint after every epoch."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from perception.behavior.network.checkpoint import Checkpoint
from perception.behavior.network.training_config import TrainingConfig

LARGEST_GRADIENT = 1.0
WARM_UP = 0.05
"""Share of the run in which the learning rate rises."""
LAST_RATE = 0.01
"""The last learning rate, relative to the largest."""

B = TypeVar("B")


@dataclass(frozen=True)
class EpochReport:
    """What a caller may show or log."""

    epoch: int
    """Counted from 1."""
    losses: dict[str, float]
    """Means over the epoch by name, and their sum as "total"."""
    learning_rate: float
    """At the epoch's end."""


def fit(
    network: nn.Module,
    config: TrainingConfig,
    batches: Callable[[np.random.Generator], Sequence[Callable[[], B]]],
    losses: Callable[[B], dict[str, Tensor]],
    *,
    run: dict[str, Any],
    checkpoint: Path | None = None,
    on_epoch: Callable[[EpochReport], None] | None = None,
) -> nn.Module:
    """Make losses small, and return the moving average of the network.

    The same network, config and batches give the same weights, also where the run was stopped and goes on.

    Args:
        network: changed in place.
        config: of the run.
        batches: of one epoch, drawn with the generator; each is made when its turn comes, to spare memory.
        losses: of a batch, by name; an empty dictionary leaves the batch out.
        run: what else tells this run from others, in JSON's types.
        checkpoint: where the state is kept after each epoch; an existing one is gone on from.
        on_epoch: called after each epoch.
    Raises:
        InputError: if the checkpoint is damaged or of another run.
    """
    average = copy.deepcopy(network)
    optimizer = torch.optim.AdamW(network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    keeper = Checkpoint(checkpoint, network, optimizer, average, {**asdict(config), **run})
    done, steps = keeper.restore()
    for epoch in range(done, config.epochs):
        rng = np.random.default_rng([config.seed, epoch])
        pieces = batches(rng)
        means: dict[str, list[float]] = {}
        with torch.random.fork_rng():  # dropout draws from PyTorch's own stream
            torch.manual_seed(int(rng.integers(2**62)))
            network.train()
            for place, make in enumerate(pieces):
                rate = _rate(config.learning_rate, (epoch + place / len(pieces)) / config.epochs)
                terms = losses(make())
                if terms:
                    _step(network, optimizer, terms, rate)
                steps += 1
                _follow(average, network, min(config.average, (1 + steps) / (10 + steps)))
                for name, value in terms.items():
                    means.setdefault(name, []).append(float(value.detach()))
        keeper.save(epoch + 1, steps)
        if on_epoch is not None:
            table = {name: float(np.mean(values)) for name, values in means.items()}
            on_epoch(EpochReport(epoch + 1, {**table, "total": sum(table.values())}, rate))
    return average.eval()


def _rate(largest: float, done: float) -> float:
    if done < WARM_UP:
        return largest * max(LAST_RATE, done / WARM_UP)
    turn = math.pi * (done - WARM_UP) / (1.0 - WARM_UP)
    return largest * (LAST_RATE + (1.0 - LAST_RATE) * 0.5 * (1.0 + math.cos(turn)))


def _step(network: nn.Module, optimizer: torch.optim.Optimizer, losses: dict[str, Tensor], rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad()
    torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(network.parameters(), LARGEST_GRADIENT)
    optimizer.step()


@torch.no_grad()
def _follow(average: nn.Module, network: nn.Module, decay: float) -> None:
    for kept, new in zip(average.parameters(), network.parameters(), strict=True):
        kept.lerp_(new, 1.0 - decay)
