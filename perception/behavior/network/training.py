"""Training on labelled recordings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from geometry import InputError
from perception.behavior.network.behavior_model import BehaviorModel, ModelSpec
from perception.behavior.network.examples import Batch, epoch_batches
from perception.behavior.network.fingerprint import data_sum, weights_sum
from perception.behavior.network.loop import EpochReport, fit
from perception.behavior.network.losses import UNLABELLED, behavior_loss
from perception.behavior.network.model import BehaviorNetwork, NetworkSpec
from perception.behavior.network.preparation import preparation_for, prepare
from perception.behavior.network.standardise import statistics_of
from perception.behavior.network.training_config import TrainingConfig
from perception.behavior.sets import BehaviorSet


def train(
    data: BehaviorSet,
    config: TrainingConfig,
    *,
    heads: tuple[str, ...] | None = None,
    start: BehaviorModel | None = None,
    checkpoint: Path | None = None,
    on_epoch: Callable[[EpochReport], None] | None = None,
) -> BehaviorModel:
    """Train a model on labelled recordings.

    Args:
        data: recordings with labels for every head.
        config: how.
        heads: "frame", "clip" or both; None takes those that have labels.
        start: a pre-trained model whose layers are taken over; its joints are those of the data.
        checkpoint: where the state is kept after each epoch; an existing one is gone on from. None keeps nothing.
        on_epoch: called after each epoch.
    Raises:
        InputError: if labels are missing, the joints are others than those of `start`, or the checkpoint is damaged
            or of another run.
    """
    model = new_model(data, config, heads or labelled_heads(data), start)
    weights = class_weights(data, config.balance)

    def batches(rng: np.random.Generator) -> list[Callable[[], Batch]]:
        return epoch_batches(data, model, config, rng)

    def losses(batch: Batch) -> dict[str, Tensor]:
        beliefs, _ = model.network(batch.channels)
        terms = behavior_loss(beliefs, batch.frame_labels, batch.clip_labels, batch.present, config.losses, weights)
        return {name: value for name, value in terms.items() if name == "flicker" or name in model.spec.heads}

    run: dict[str, Any] = {"heads": list(model.spec.heads), "data": data_sum(data), "start": None}
    if start is not None:
        run["start"] = weights_sum(start.network)
    average = fit(model.network, config, batches, losses, run=run, checkpoint=checkpoint, on_epoch=on_epoch)
    assert isinstance(average, BehaviorNetwork)
    return BehaviorModel(model.spec, average, model.statistics)


def labelled_heads(data: BehaviorSet) -> tuple[str, ...]:
    """The heads that a set has labels for.

    Raises:
        InputError: if it has none.
    """
    pairs = (("frame", data.frame_labels), ("clip", data.clip_labels))
    heads = tuple(name for name, labels in pairs if labels is not None and (labels != UNLABELLED).any())
    if not heads:
        raise InputError("train", expected="recordings with labels of frames or clips", got="none labelled")
    return heads


def new_model(
    data: BehaviorSet, config: TrainingConfig, heads: tuple[str, ...], start: BehaviorModel | None = None
) -> BehaviorModel:
    """An untrained model for a set, or one that begins as `start` with new heads.

    Raises:
        InputError: if `start` reads other joints or has other sizes, or a head has no labels.
    """
    missing = set(heads) - set(labelled_heads(data))
    if missing:
        raise InputError("train", expected=f"{' and '.join(sorted(missing))} labels", got="a set without")
    model = bare_model(data, config, tuple(data.label_names.tolist()), heads, start)
    if start is not None:
        _take_layers(model.network, start.network)
    return model


def bare_model(
    data: BehaviorSet,
    config: TrainingConfig,
    label_names: tuple[str, ...],
    heads: tuple[str, ...],
    start: BehaviorModel | None = None,
) -> BehaviorModel:
    """A model with random weights that reads the joints of a set, as `start` does where it is given.

    Raises:
        InputError: if `start` reads other joints.
    """
    preparation = preparation_for(data) if start is None else start.spec.preparation
    if preparation.joints != tuple(data.joints.tolist()):
        raise InputError(
            "train",
            expected=f"the joints of the pre-trained model: {', '.join(preparation.joints)}",
            got=", ".join(data.joints.tolist()),
        )
    spec = ModelSpec(
        preparation=preparation,
        network=NetworkSpec(
            groups=preparation.groups,
            labels=len(label_names),
            width=config.width,
            layers=config.layers,
            dropout=config.dropout,
        ),
        label_names=label_names,
        heads=heads,
        normalisation=config.normalisation,
        prior_frames=config.prior_s * preparation.rate_hz,
        delay_frames=round(config.delay_s * preparation.rate_hz),
    )
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        network = BehaviorNetwork(spec.network)
    return BehaviorModel(spec, network, statistics_of([prepare(preparation, each.keypoints)[0] for each in data]))


def class_weights(data: BehaviorSet, balance: float) -> Tensor | None:
    """(C,) inverse frequency of each frame label to a power, 1 in the mean over frames; None without frame labels."""
    if data.frame_labels is None:
        return None
    count = len(data.label_names)
    frames = np.bincount(data.frame_labels[data.frame_labels != UNLABELLED], minlength=count)
    weights = np.where(frames > 0, np.maximum(frames, 1.0) ** -balance, 0.0)
    mean = max(float((weights * frames).sum()), 1e-12) / max(int(frames.sum()), 1)
    return torch.tensor(weights / mean, dtype=torch.float32)


def _take_layers(network: BehaviorNetwork, other: BehaviorNetwork) -> None:
    """Everything but the heads."""
    own = network.state_dict()
    kept = {name: value for name, value in other.state_dict().items() if "head" not in name and "temper" not in name}
    wrong = [name for name, value in kept.items() if name not in own or own[name].shape != value.shape]
    if wrong:
        raise InputError("train", expected="a pre-trained network of the same width and layers", got=wrong[0])
    network.load_state_dict({**own, **kept})
