"""The training loop: AdamW, cosine schedule, bf16, a moving average of the weights, checkpoints."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from geometry import InputError
from perception.grasping.network.model import GraspNetwork
from perception.grasping.training.augment import SensorFaults, add_faults
from perception.grasping.training.checkpoint import Checkpoint
from perception.grasping.training.dataset import Batch, GraspDataset
from perception.grasping.training.examples import draw_examples
from perception.grasping.training.losses import Loss, LossWeights, scene_terms, trial_terms, weighted


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How to train."""

    steps: int = 8000
    """Optimiser steps in all."""
    batch: int = 16
    """Views a step, on each process."""
    learning_rate: float = 1.5e-3
    """Largest learning rate."""
    last_learning_rate: float = 1e-5
    """Where the cosine ends."""
    warmup: int = 200
    """Steps of linear warm-up."""
    weight_decay: float = 0.01
    """AdamW's."""
    average: float = 0.998
    """Decay of the moving average of the weights, which is what is kept."""
    grid_examples: int = 8
    """Grid entries of each of three kinds that the evaluator sees for each view, beside the trials."""
    checkpoint_every: int = 500
    """Steps between checkpoints."""
    evaluator_only: bool = False
    """Leave the backbone as it is: for rounds on new physics trials, which only the evaluator learns from."""
    bf16: bool = True
    """Mixed precision."""
    seed: int = 0
    """Of the order of the views, the noise and the first weights."""
    faults: SensorFaults = field(default_factory=SensorFaults)
    """Sensor faults drawn for each image."""
    weights: LossWeights = field(default_factory=LossWeights)
    """Weights of the losses."""

    def __post_init__(self) -> None:
        counts = (self.steps, self.batch, self.grid_examples, self.checkpoint_every)
        if min(counts) < 1 or not 0.0 < self.last_learning_rate <= self.learning_rate:
            raise InputError("TrainingConfig", expected="counts of at least 1, learning rates above 0", got=f"{self}")


ItemT = TypeVar("ItemT")
OnStep = Callable[[int, Loss, float], None]


def train(
    network: GraspNetwork,
    dataset: GraspDataset,
    config: TrainingConfig,
    *,
    device: torch.device | str = "cpu",
    checkpoint: Path | None = None,
    writes: bool = True,
    on_step: OnStep | None = None,
    wrap: Callable[[nn.Module], nn.Module] = lambda module: module,
) -> GraspNetwork:
    """Train, and return the network with its averaged weights.

    Args:
        network: where to start from.
        dataset: the labelled scenes.
        config: how.
        device: where.
        checkpoint: a file that progress is kept in; if it exists, training goes on from it.
        writes: whether this process writes the checkpoint; of several, all read it and one writes.
        on_step: called after each step with its number, the loss and the learning rate.
        wrap: wraps the step in, for example, DistributedDataParallel.
    """
    device = torch.device(device)
    network = network.to(device).use_bf16(config.bf16)
    network.backbone.requires_grad_(not config.evaluator_only)
    optimizer = torch.optim.AdamW(network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    average = {name: value.detach().clone() for name, value in network.state_dict().items()}
    state = Checkpoint(checkpoint, network, optimizer, average)
    first = state.restore()
    step_module = wrap(_Step(network, config))  # after restoring: what wraps it hands the first one's weights round
    generator = torch.Generator().manual_seed(config.seed + 7919 * first)
    batches = _ahead(_batches(dataset, config.batch, np.random.default_rng([config.seed, first])))
    for step in range(first, config.steps):
        rate = learning_rate(step, config)
        for group in optimizer.param_groups:
            group["lr"] = rate
        network.train()
        network.backbone.train(not config.evaluator_only)
        batch = next(batches).to(device)
        noisy, poses = add_faults(batch.depth_m, batch.T_table_camera, config.faults, generator)
        loss: Loss = step_module(batch, noisy, poses)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss.total)
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        _update(average, network, min(config.average, (step + 1) / (step + 10)))
        if on_step is not None:
            on_step(step, loss, rate)
        if writes and ((step + 1) % config.checkpoint_every == 0 or step + 1 == config.steps):
            state.save(step + 1)
    network.load_state_dict(average)
    return network.eval()


def learning_rate(step: int, config: TrainingConfig) -> float:
    """Linear warm-up, then half a cosine down to the last rate."""
    if step < config.warmup:
        return config.learning_rate * (step + 1) / config.warmup
    share = (step - config.warmup) / max(1, config.steps - config.warmup)
    low, high = config.last_learning_rate, config.learning_rate
    return low + 0.5 * (high - low) * (1.0 + math.cos(math.pi * share))


class _Step(nn.Module):
    """One batch to its loss, as a module so that gradients can be shared between processes."""

    def __init__(self, network: GraspNetwork, config: TrainingConfig) -> None:
        super().__init__()
        self.network = network
        self.config = config

    def forward(self, batch: Batch, noisy_m: Tensor, T_table_camera: Tensor) -> Loss:
        backbone, evaluator = self.network.backbone, self.network.evaluator
        with torch.set_grad_enabled(not self.config.evaluator_only):
            maps = backbone(noisy_m, batch.focal, T_table_camera)
            grid = backbone.rate(maps.features, batch.seeds.clamp_min(0.0))
        examples = draw_examples(batch, grid, self.config.grid_examples)
        seen = maps._replace(front_m=maps.front_m.detach(), exit_m=maps.exit_m.detach())
        volumes = evaluator.volumes(examples.poses, examples.image, seen, noisy_m, batch.focal, T_table_camera)
        across_y, across_x = torch.rand(2, len(examples.poses), device=noisy_m.device) < 0.5
        ratings = evaluator(*volumes.mirrored(across_y, across_x))
        examples = examples._replace(offset_m=torch.where(across_y, -examples.offset_m, examples.offset_m))
        terms = {} if self.config.evaluator_only else scene_terms(maps, grid, batch)
        terms |= trial_terms(ratings, examples)
        return weighted(terms, self.config.weights)


def _ahead(source: Iterator[ItemT]) -> Iterator[ItemT]:
    """The same items in the same order, each made by another thread while the one before is used."""
    with ThreadPoolExecutor(1) as thread:
        following = thread.submit(next, source)
        while True:
            item = following.result()
            following = thread.submit(next, source)
            yield item


def _batches(dataset: GraspDataset, size: int, rng: np.random.Generator) -> Iterator[Batch]:
    """Views without end, each once in every pass."""
    if len(dataset) < size:
        raise InputError("train", expected=f"at least {size} views, one batch", got=f"{len(dataset)}")
    while True:
        order = rng.permutation(len(dataset))
        for start in range(0, len(order) - size + 1, size):
            yield dataset.batch([int(n) for n in order[start : start + size]], rng)


def _update(average: dict[str, Tensor], network: nn.Module, decay: float) -> None:
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                average[name].lerp_(value, 1.0 - decay)
            else:
                average[name].copy_(value)
