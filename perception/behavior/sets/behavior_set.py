"""Labelled recordings of skeletons: the one layout that features, networks, rules and decoders learn from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geometry import FloatArray
from perception.behavior.sets.checks import check_labels, check_layout, check_measurements
from perception.pose import Skeleton

Integers = NDArray[np.int64]
Names = NDArray[np.str_]


@dataclass(frozen=True, kw_only=True)
class BehaviorSequence:
    """One recording: T frames of one person."""

    name: str
    """Unique in its set."""
    subject: str
    """Who was recorded."""
    time_s: FloatArray
    """(T,) seconds, growing."""
    keypoints: NDArray[np.float32]
    """(T, J, D); what was not seen is NaN."""
    scores: NDArray[np.float32]
    """(T, J), 0 to 1."""
    clip_label: int | None = None
    """Of the whole recording; -1 unlabelled, None where the set has no clip labels."""
    frame_labels: Integers | None = None
    """(T,) of each frame; -1 unlabelled, None where the set has no frame labels."""

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.time_s)


@dataclass(frozen=True, kw_only=True)
class BehaviorSet:
    """S recordings of skeletons of J joints in D dimensions, N frames in all, with labels where there are any.

    Sequences lie one after the other. Labels of clips and of frames share one vocabulary. Everything is checked
    when a set is made, and a fault gives one line that says where it lies.
    """

    keypoints: NDArray[np.float32]
    """(N, J, D), D 2 or 3, in any one unit; what was not seen is NaN in all its coordinates."""
    scores: NDArray[np.float32]
    """(N, J) confidence, 0 to 1; 0 where a joint was not seen."""
    time_s: FloatArray
    """(N,) seconds; grows within a sequence."""
    offsets: Integers
    """(S + 1,) first frame of each sequence, and N."""
    names: Names
    """(S,) of the sequences, unique."""
    subjects: Names
    """(S,) who was recorded: splits never part a subject's sequences."""
    joints: Names
    """(J,) unique; the project's joint names where they fit, so that "left_" and "right_" find each other."""
    bones: Integers
    """(B, 2) parent and child as rows of `joints`; B may be 0."""
    clip_labels: Integers | None = None
    """(S,) rows of `label_names`; -1 unlabelled."""
    frame_labels: Integers | None = None
    """(N,) rows of `label_names`; -1 unlabelled."""
    label_names: Names
    """(C,) unique; C may be 0 for a set without labels."""

    def __post_init__(self) -> None:
        check_layout(self)
        check_measurements(self)
        check_labels(self)

    def __len__(self) -> int:
        """Number of sequences."""
        return len(self.names)

    def __iter__(self) -> Iterator[BehaviorSequence]:
        """The sequences in order."""
        return (self.sequence(row) for row in range(len(self)))

    @property
    def lengths(self) -> Integers:
        """(S,) frames of each sequence."""
        return np.diff(self.offsets)

    @property
    def frame_sequences(self) -> Integers:
        """(N,) the sequence of each frame."""
        return np.repeat(np.arange(len(self), dtype=np.int64), self.lengths)

    @property
    def rate_hz(self) -> float:
        """Median frame rate."""
        steps_s = np.delete(np.diff(self.time_s), self.offsets[1:-1] - 1)
        return float(1.0 / np.median(steps_s))

    @property
    def skeleton(self) -> Skeleton:
        """Joints and bones as a `Skeleton`, whose `mirror` swaps left and right."""
        names = tuple(self.joints.tolist())
        return Skeleton(name="set", joints=names, bones=tuple((names[a], names[b]) for a, b in self.bones.tolist()))

    def sequence(self, row: int) -> BehaviorSequence:
        """One recording, as views into the set's arrays."""
        frames = slice(int(self.offsets[row]), int(self.offsets[row + 1]))
        return BehaviorSequence(
            name=str(self.names[row]),
            subject=str(self.subjects[row]),
            time_s=self.time_s[frames],
            keypoints=self.keypoints[frames],
            scores=self.scores[frames],
            clip_label=None if self.clip_labels is None else int(self.clip_labels[row]),
            frame_labels=None if self.frame_labels is None else self.frame_labels[frames],
        )

    def select(self, rows: ArrayLike) -> BehaviorSet:
        """The set of some sequences, at least one: by their numbers in the wished order, or by an (S,) mask."""
        rows = np.asarray(rows)
        numbers = np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.int64)
        parts = [np.arange(self.offsets[row], self.offsets[row + 1]) for row in numbers]
        frames = np.concatenate([np.zeros(0, dtype=np.int64), *parts])
        return BehaviorSet(
            keypoints=self.keypoints[frames],
            scores=self.scores[frames],
            time_s=self.time_s[frames],
            offsets=np.cumsum([0, *(len(part) for part in parts)], dtype=np.int64),
            names=self.names[numbers],
            subjects=self.subjects[numbers],
            joints=self.joints,
            bones=self.bones,
            clip_labels=None if self.clip_labels is None else self.clip_labels[numbers],
            frame_labels=None if self.frame_labels is None else self.frame_labels[frames],
            label_names=self.label_names,
        )

    def of_subjects(self, *subjects: str) -> BehaviorSet:
        """The sequences of these subjects."""
        return self.select(np.isin(self.subjects, subjects))

    def without_subjects(self, *subjects: str) -> BehaviorSet:
        """The sequences of all other subjects."""
        return self.select(~np.isin(self.subjects, subjects))
