"""Learning from unlabelled recordings: what is hidden has to be guessed (He et al. 2022, masked autoencoders).

Spans of joints, and of the whole body, are hidden from the network, which then says where they are; being causal it
has the other joints and the past to go by. The layers are kept, the guessing head is not.

Whether it helps is to be tried on one's own recordings: with the unlabelled recordings of the same people it made no
difference on the gesture phases, late mode, 3 users left out x 3 seeds: macro-F1 of a user 0.604 after it and 0.600
without (paired difference 0.004, 95 % interval -0.015 to 0.023), with a fifth of the labels 0.492 and 0.500 (-0.008,
-0.036 to 0.021). In causal mode, 5 such pairs, it may help: 0.494 and 0.482 (-0.016 to 0.040), with a fifth of the
labels 0.432 and 0.405 (-0.009 to 0.062).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import smooth_l1_loss

from geometry import InputError
from perception.behavior.network.augment import augment
from perception.behavior.network.behavior_model import BehaviorModel
from perception.behavior.network.fingerprint import data_sum
from perception.behavior.network.loop import EpochReport, fit
from perception.behavior.network.model import BehaviorNetwork
from perception.behavior.network.training import bare_model
from perception.behavior.network.training_config import TrainingConfig
from perception.behavior.sets import BehaviorSet

_Piece = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]
"""Channels with joints hidden, the places of all, and which are hidden."""


@dataclass(frozen=True, kw_only=True)
class Masking:
    """What is hidden."""

    joints: float = 0.3
    """Share of the joints that are hidden at any time."""
    body: float = 0.15
    """Share of the time in which the whole body is hidden."""
    span_s: float = 0.5
    """Mean length of a hidden span."""

    def __post_init__(self) -> None:
        if not (0.0 <= self.joints < 1.0 and 0.0 <= self.body < 1.0 and self.span_s > 0.0) or self.none:
            raise InputError("Masking", expected="shares below 1, not both 0, and a span above 0", got=f"{self}")

    @property
    def none(self) -> bool:
        """Whether nothing is hidden."""
        return self.joints + self.body == 0.0


class HiddenBatch(NamedTuple):
    """B pieces with joints hidden, and where these are."""

    channels: Tensor
    """(B, T, F) of what is left in view."""
    places: Tensor
    """(B, T, J * D) standardised places of all joints."""
    hidden: Tensor
    """(B, T, J * D) bool, which of them have to be guessed."""


class Guesser(nn.Module):
    """A network with a head that says where every joint is.

    Args:
        network: whose layers learn.
        places: numbers to guess for each frame.
    """

    def __init__(self, network: BehaviorNetwork, places: int) -> None:
        super().__init__()
        self.network = network
        self.guess = nn.Linear(network.spec.width, places)


def pretrain(
    data: BehaviorSet,
    config: TrainingConfig,
    masking: Masking | None = None,
    *,
    checkpoint: Path | None = None,
    on_epoch: Callable[[EpochReport], None] | None = None,
) -> BehaviorModel:
    """Learn layers from recordings, whose labels are not read; give the result to `train` as `start`.

    Args:
        data: recordings of the skeleton that is to be learned.
        config: sizes and schedule; width and layers as in the training that follows.
        masking: what is hidden.
        checkpoint: as in `train`.
        on_epoch: as in `train`.
    """
    hide = Masking() if masking is None else masking
    model = bare_model(data, replace(config, delay_s=0.0), ("",), ("frame",))
    places = len(data.joints) * data.keypoints.shape[2]
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        guesser = Guesser(model.network, places)

    def batches(rng: np.random.Generator) -> list[Callable[[], HiddenBatch]]:
        return _hidden_batches(data, model, config, hide, rng)

    def losses(batch: HiddenBatch) -> dict[str, Tensor]:
        if not bool(batch.hidden.any()):
            return {}
        guessed = guesser.guess(guesser.network(batch.channels)[0].features)
        return {"hidden": smooth_l1_loss(guessed[batch.hidden], batch.places[batch.hidden])}

    run = {"masking": asdict(hide), "data": data_sum(data)}
    average = fit(guesser, config, batches, losses, run=run, checkpoint=checkpoint, on_epoch=on_epoch)
    assert isinstance(average, Guesser)
    return BehaviorModel(model.spec, average.network, model.statistics)


def hidden_joints(
    count: int, joints: int, masking: Masking, rate_hz: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """(T, J) which joints to hide: spans whose lengths are geometric, single joints' and the whole body's."""
    single = np.stack([_spans(count, masking.joints, masking.span_s * rate_hz, rng) for _ in range(joints)], axis=1)
    return single | _spans(count, masking.body, masking.span_s * rate_hz, rng)[:, None]


def _spans(count: int, share: float, mean_length: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(T,) a two-state Markov chain that is on for `share` of the time, in spans of a mean length."""
    leave = 1.0 / max(mean_length, 1.0)
    enter = min(1.0, leave * share / (1.0 - share))
    draws, on = rng.random(count + 1), np.zeros(count + 1, dtype=bool)
    on[0] = draws[0] < share
    for frame in range(1, count + 1):
        on[frame] = draws[frame] >= leave if on[frame - 1] else draws[frame] < enter
    return on[1:]


def _hidden_batches(
    data: BehaviorSet, model: BehaviorModel, config: TrainingConfig, masking: Masking, rng: np.random.Generator
) -> list[Callable[[], HiddenBatch]]:
    rate = model.spec.preparation.rate_hz
    window = max(2, round(config.window_s * rate))
    count = max(1, round(len(data.time_s) / window))
    chosen = rng.choice(len(data), size=count, p=data.lengths / data.lengths.sum())
    pieces = [_hidden_piece(data, int(row), model, config, masking, window, rng) for row in chosen]
    return [partial(_stacked, pieces[start : start + config.batch]) for start in range(0, count, config.batch)]


def _stacked(group: list[_Piece]) -> HiddenBatch:
    """Pieces padded to the longest; what is padded is not hidden."""
    longest = max(len(left) for left, _, _ in group)
    parts = (
        [np.pad(array, ((0, longest - len(array)), (0, 0))) for array in column] for column in zip(*group, strict=True)
    )
    return HiddenBatch(*(torch.from_numpy(np.stack(part)) for part in parts))


def _hidden_piece(
    data: BehaviorSet,
    row: int,
    model: BehaviorModel,
    config: TrainingConfig,
    masking: Masking,
    window: int,
    rng: np.random.Generator,
) -> _Piece:
    span = max(1, round(model.spec.preparation.rate_hz))
    whole_points = data.sequence(row).keypoints
    start = int(rng.integers(max(1, len(whole_points) - window + 1)))
    piece = whole_points[start : start + window]
    points, _ = augment(piece, None, config.augmentation, data.skeleton.mirror, span, rng)
    joints, width = points.shape[1:]
    hide = hidden_joints(len(points), joints, masking, model.spec.preparation.rate_hz, rng)
    seen = np.isfinite(points).all(axis=2)
    whole = model.standardised(model.prepared(points))[:, : joints * width]
    left = model.standardised(model.prepared(np.where(hide[..., None], np.nan, points)))
    return left, whole, np.repeat(hide & seen, width, axis=1)
