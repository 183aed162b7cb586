"""What one epoch of training sees: every recording changed anew, as channels, cut into batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from perception.behavior.network.augment import augment
from perception.behavior.network.behavior_model import BehaviorModel
from perception.behavior.network.losses import UNLABELLED
from perception.behavior.network.preparation import Channels
from perception.behavior.network.standardise import Statistics, statistics_of
from perception.behavior.network.training_config import TrainingConfig
from perception.behavior.sets import BehaviorSet
from perception.pose import Skeleton


class Batch(NamedTuple):
    """B pieces of recordings, padded to the longest."""

    channels: Tensor
    """(B, T, F) standardised."""
    frame_labels: Tensor
    """(B, T); -1 unlabelled."""
    clip_labels: Tensor
    """(B,); -1 unlabelled."""
    present: Tensor
    """(B, T) False for padding and for the frames before the first answer of a model with delay."""


class Example(NamedTuple):
    """One recording, ready."""

    channels: Channels
    """(T, F)."""
    frame_labels: NDArray[np.int64]
    """(T,) already shifted by the model's delay."""
    clip_label: int
    """-1 unlabelled."""
    present: NDArray[np.bool_]
    """(T,)."""


def epoch_batches(
    data: BehaviorSet, model: BehaviorModel, config: TrainingConfig, rng: np.random.Generator
) -> list[Callable[[], Batch]]:
    """Batches of one pass: windows where the model has a frame head only, else whole clips up to the longest."""
    examples = changed_recordings(data, model, config, rng)
    rate = model.spec.preparation.rate_hz
    if model.spec.heads == ("frame",):
        window = max(2, round(config.window_s * rate))
        lengths = np.array([len(example.channels) for example in examples])
        count = max(1, round(lengths.sum() / window))
        chosen = rng.choice(len(examples), size=count, p=lengths / lengths.sum())
    else:
        window = max(2, round(config.longest_clip_s * rate))
        chosen = rng.permutation(len(examples))
    pieces = [cut(examples[row], window, rng) for row in chosen]
    groups = [pieces[start : start + config.batch] for start in range(0, len(pieces), config.batch)]
    return [partial(joined, group) for group in groups]


def changed_recordings(
    data: BehaviorSet, model: BehaviorModel, config: TrainingConfig, rng: np.random.Generator
) -> list[Example]:
    """A changed copy of every recording, as the model reads it.

    A person's recordings are mirrored all or none, and labels such as "left_wave" with them.
    """
    mirrored = {subject: float(rng.random() < config.augmentation.mirror) for subject in sorted(set(data.subjects))}
    span, partners = max(1, round(model.spec.preparation.rate_hz)), data.skeleton.mirror
    sides = np.array([*Skeleton(name="labels", joints=model.spec.label_names, bones=()).mirror, UNLABELLED])
    raw, labels, clips = [], [], []
    for sequence in data:
        settings = replace(config.augmentation, mirror=mirrored[sequence.subject])
        points, kept = augment(sequence.keypoints, sequence.frame_labels, settings, partners, span, rng)
        raw.append(model.prepared(points))
        kept = np.full(len(points), UNLABELLED) if kept is None else kept
        clip = UNLABELLED if sequence.clip_label is None else sequence.clip_label
        labels.append(sides[kept] if settings.mirror else kept)
        clips.append(int(sides[clip]) if settings.mirror else clip)
    persons: dict[str, Statistics | None] = dict.fromkeys(mirrored)
    if model.spec.normalisation == "person":
        for subject in persons:
            rows = np.flatnonzero(data.subjects == subject)
            persons[subject] = statistics_of([raw[row] for row in rows], model.statistics)
    delay = np.full(model.spec.delay_frames, UNLABELLED, dtype=np.int64)
    return [
        Example(
            channels=model.standardised(raw[row], persons[str(data.subjects[row])]),
            frame_labels=np.concatenate([delay, labels[row]]),
            clip_label=clips[row],
            present=np.arange(len(raw[row])) >= len(delay),
        )
        for row in range(len(data))
    ]


def cut(example: Example, window: int, rng: np.random.Generator) -> Example:
    """A piece of at most so many frames, anywhere."""
    start = int(rng.integers(max(1, len(example.channels) - window + 1)))
    piece = slice(start, start + window)
    return Example(example.channels[piece], example.frame_labels[piece], example.clip_label, example.present[piece])


def joined(examples: list[Example]) -> Batch:
    """One batch of pieces, padded to the longest."""
    longest = max(len(example.channels) for example in examples)

    def padded(array: NDArray[np.generic], value: float) -> NDArray[np.generic]:
        room = [(0, longest - len(array)), *[(0, 0)] * (array.ndim - 1)]
        return np.pad(array, room, constant_values=value)

    return Batch(
        channels=torch.from_numpy(np.stack([padded(example.channels, 0.0) for example in examples])),
        frame_labels=torch.from_numpy(np.stack([padded(e.frame_labels, UNLABELLED) for e in examples])),
        clip_labels=torch.tensor([example.clip_label for example in examples]),
        present=torch.from_numpy(np.stack([padded(example.present, False) for example in examples])),
    )
