"""Training two streams, and reading behaviours off them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from geometry import FloatArray, InputError
from perception.behavior.semi_coupled.two_streams import TwoStreamConfig, TwoStreams


@dataclass(frozen=True, kw_only=True)
class StreamData:
    """Sequences (or images, with T = 1) as the two streams see them, padded to one length."""

    objects: FloatArray
    """(S, T, F) what describes the object, or the hand's shape at it; 0 where padded."""
    motion: FloatArray
    """(S, T, G) what describes the motion, or the body; 0 where padded."""
    behaviors: NDArray[np.int64] | FloatArray
    """(S, T) class of each moment, -1 where padded or unlabelled; or (S, T, C) one 0 or 1 for each of C behaviours."""
    object_labels: NDArray[np.int64]
    """(S,) class of the object."""

    def __post_init__(self) -> None:
        shapes = [np.shape(array)[:2] for array in (self.objects, self.motion, self.behaviors)]
        if len(set(shapes)) != 1 or np.shape(self.object_labels) != shapes[0][:1]:
            raise InputError(
                "StreamData",
                expected="objects, motion and behaviors of one (S, T), and object_labels (S,)",
                got=f"{shapes} and {np.shape(self.object_labels)}",
            )
        if 0 in shapes[0]:
            raise InputError("StreamData", expected="at least one sequence of one moment", got=f"(S, T) = {shapes[0]}")
        if not (np.isfinite(self.objects).all() and np.isfinite(self.motion).all()):
            raise InputError(
                "StreamData", expected="finite features", got="NaN", remedy="fill what was not seen with 0"
            )

    def take(self, rows: NDArray[np.int64]) -> StreamData:
        """Some of the sequences."""
        return StreamData(
            objects=self.objects[rows],
            motion=self.motion[rows],
            behaviors=self.behaviors[rows],
            object_labels=self.object_labels[rows],
        )


@dataclass(frozen=True, kw_only=True)
class StreamTraining:
    """How two streams are trained."""

    epochs: int = 15
    """Passes over the sequences."""
    batch: int = 32
    """Sequences a step."""
    learning_rate: float = 3e-3
    """Largest learning rate of one cycle (AdamW)."""
    object_weight: float = 0.5
    """Weight of the object loss beside the behaviour loss."""
    seed: int = 0
    """Of weights, order and gates."""

    def __post_init__(self) -> None:
        if min(self.epochs, self.batch) < 1 or not self.learning_rate > 0.0 or not self.object_weight >= 0.0:
            raise InputError(
                "StreamTraining",
                expected="epochs and batch of at least 1, learning_rate > 0, object_weight >= 0",
                got=f"{self}",
            )


def train_two_streams(config: TwoStreamConfig, data: StreamData, training: StreamTraining) -> TwoStreams:
    """Train on all of the data; the same arguments give the same weights.

    Args:
        config: sizes; `behaviors` counts classes or independent labels, `objects` the classes of `object_labels`.
        data: what to learn.
        training: how long and how.

    Raises:
        InputError: if the data have other features or classes than the network, or no label at all.
    """
    _check(config, data)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(training.seed)
        return _train(config, data, training)


def _check(config: TwoStreamConfig, data: StreamData) -> None:
    features = (np.shape(data.objects)[-1], np.shape(data.motion)[-1])
    behaviors, objects = np.asarray(data.behaviors), np.asarray(data.object_labels)
    if behaviors.ndim == 3:
        fits = behaviors.shape[2] == config.behaviors and 0.0 <= behaviors.min() <= behaviors.max() <= 1.0
    else:
        fits = behaviors.min() >= -1 and 0 <= behaviors.max() < config.behaviors
    fits = fits and 0 <= objects.min() <= objects.max() < config.objects
    if features != (config.object_features, config.motion_features) or not fits:
        raise InputError(
            "train_two_streams",
            expected=f"some labels, and labels and features that fit {config}",
            got=f"features {features}, behaviors {behaviors.shape} from {behaviors.min()} to {behaviors.max()}, "
            f"objects from {objects.min()} to {objects.max()}",
        )


def _train(config: TwoStreamConfig, data: StreamData, training: StreamTraining) -> TwoStreams:
    streams = TwoStreams(config).train()
    objects, motion = torch.as_tensor(data.objects).float(), torch.as_tensor(data.motion).float()
    behaviors, labels = torch.as_tensor(data.behaviors), torch.as_tensor(data.object_labels)
    optimizer = torch.optim.AdamW(streams.parameters(), lr=training.learning_rate, weight_decay=1e-3)
    steps = training.epochs * -(-len(labels) // training.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, training.learning_rate, total_steps=steps)
    for _ in range(training.epochs):
        for rows in torch.split(torch.randperm(len(labels)), training.batch):
            acted, seen = streams(objects[rows], motion[rows])
            loss = behavior_loss(acted, behaviors[rows])
            present = _present(behaviors[rows])
            named = labels[rows, None].expand(present.shape)
            loss = loss + training.object_weight * functional.cross_entropy(seen[present], named[present])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(streams.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    return streams.eval()


def behavior_loss(logits: Tensor, behaviors: Tensor) -> Tensor:
    """Cross entropy of classes (B, T), or of independent labels (B, T, C) the sum of their binary cross entropies.

    Summed, not averaged, over labels: else, of many labels, the object loss alone would shape the object stream, and
    an open gate would differ little from a closed one.
    """
    if behaviors.ndim == 2:
        return functional.cross_entropy(logits.flatten(0, 1), behaviors.flatten().long(), ignore_index=-1)
    return functional.binary_cross_entropy_with_logits(logits, behaviors.float(), reduction="none").sum(-1).mean()


def _present(behaviors: Tensor) -> Tensor:
    return behaviors >= 0 if behaviors.ndim == 2 else torch.ones(behaviors.shape[:2], dtype=torch.bool)


def predict_behaviors(streams: TwoStreams, data: StreamData, *, batch: int = 256) -> FloatArray:
    """Behaviour logits (S, T, behaviors)."""
    with torch.inference_mode():
        parts = [
            streams(
                torch.as_tensor(data.objects[i : i + batch]).float(),
                torch.as_tensor(data.motion[i : i + batch]).float(),
            )
            for i in range(0, len(data.objects), batch)
        ]
    return torch.cat([behaviors for behaviors, _ in parts]).double().numpy()
