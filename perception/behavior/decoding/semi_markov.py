"""The explicit-duration hidden Markov model: which behaviour may follow which, and how long each lasts.

A hidden semi-Markov model (Murphy 2002; Yu, Artificial Intelligence 174, 2010): a segment draws its label from the
grammar and its length from the label's own law; there are no transitions from a label to itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geometry import FloatArray, InputError
from perception.behavior.decoding.durations import Duration, NegativeBinomial, duration_table, fit_duration

_LONGEST_FRAMES, _COVERED = 600, 0.995


@dataclass(frozen=True)
class LogTables:
    """A model at one frame rate, in logarithms; row d - 1 of `length` is a segment of d frames."""

    initial: FloatArray
    """(S,)"""
    transition: FloatArray
    """(S, S), -inf where not allowed."""
    length: FloatArray
    """(D, S) P(lasts d frames)."""
    survival: FloatArray
    """(D + 1, S) row k: P(lasts more than k frames)."""
    tail_end: FloatArray
    """(S,) P(ends now | more than D frames)."""
    tail_stay: FloatArray
    """(S,) P(goes on | more than D frames)."""


@dataclass(frozen=True, kw_only=True)
class SemiMarkov:
    """Labels, their grammar and their durations; times in seconds, so that one model serves every frame rate."""

    labels: tuple[str, ...]
    """(S,) names."""
    transitions: FloatArray
    """(S, S) P(next | this segment), zero diagonal; a row sums to 1, or to 0 where nothing may follow."""
    durations: tuple[Duration, ...]
    """(S,) laws of the lengths."""
    initial: FloatArray
    """(S,) P(first label)."""

    def __post_init__(self) -> None:
        count, where = len(self.labels), "SemiMarkov"
        rows = np.asarray(self.transitions)
        if count < 1 or len(set(self.labels)) != count or len(self.durations) != count:
            raise InputError(where, expected="distinct labels, one duration each", got=f"{self.labels}")
        if rows.shape != (count, count) or (rows < 0.0).any() or np.diag(rows).any():
            raise InputError(where, expected=f"transitions ({count}, {count}) >= 0 with zero diagonal", got=f"{rows}")
        sums = rows.sum(axis=1)
        if not (np.isclose(sums, 1.0) | (sums == 0.0)).all():
            raise InputError(where, expected="rows of transitions that sum to 1 or 0", got=f"{sums}")
        if np.shape(self.initial) != (count,) or not np.isclose(np.sum(self.initial), 1.0) or np.min(self.initial) < 0:
            raise InputError(where, expected=f"initial ({count},) that sums to 1", got=f"{self.initial}")

    @classmethod
    def from_grammar(
        cls,
        follows: Mapping[str, Sequence[str]],
        durations: Mapping[str, Duration],
        *,
        starts: Sequence[str] | None = None,
    ) -> SemiMarkov:
        """A model written by hand: after each label, the labels that may follow, all equally likely.

        Args:
            follows: `{"reach": ["grasp", "idle"], ...}`; its keys are the labels, in order.
            durations: law of every label.
            starts: labels that a recording may begin with; all if None.
        """
        labels = tuple(follows)
        named = {name for nexts in follows.values() for name in nexts} | set(durations) | set(starts or ())
        if named - set(labels) or set(labels) - set(durations):
            wrong = sorted(named - set(labels)) or sorted(set(labels) - set(durations))
            raise InputError("SemiMarkov.from_grammar", expected=f"labels {labels}, each with a law", got=f"{wrong}")
        allowed = np.array([[nxt in follows[this] and nxt != this for nxt in labels] for this in labels])
        begin = np.array([starts is None or name in starts for name in labels])
        return cls(
            labels=labels,
            transitions=_normalised(allowed.astype(float)),
            durations=tuple(durations[name] for name in labels),
            initial=begin / begin.sum(),
        )

    def tables(self, rate_hz: float, *, longest: int | None = None) -> LogTables:
        """The model at a frame rate.

        Args:
            rate_hz: frames per second.
            longest: frames with a law of their own, beyond which it is geometric; None covers 99.5 % of every label's
                segments, at most 600 frames, and one frame where all laws are geometric: the plain HMM at its cost.
        """
        if not 0.0 < rate_hz < np.inf:
            raise InputError("SemiMarkov.tables", expected="rate_hz > 0", got=f"{rate_hz}")
        if longest is None and all(isinstance(law, NegativeBinomial) and law.is_geometric for law in self.durations):
            longest = 1
        table = duration_table(self.durations, rate_hz, _LONGEST_FRAMES if longest is None else longest)
        if longest is None:
            table = table[: max(2, int((table > 1.0 - _COVERED).sum(axis=0).max())) + 1]
        return log_tables(np.asarray(self.initial), np.asarray(self.transitions), table)


def log_tables(initial: FloatArray, transitions: FloatArray, survival: FloatArray) -> LogTables:
    """Tables from plain probabilities; `survival` is (D + 1, S) with ones in its first row."""
    ends = -np.diff(survival, axis=0)
    goes_on = np.where(survival[-2] > 0.0, survival[-1] / np.maximum(survival[-2], 1e-300), 0.0)
    goes_on = np.clip(goes_on, 0.0, 1.0 - 1e-6)
    with np.errstate(divide="ignore"):
        return LogTables(
            np.log(initial),
            np.log(transitions),
            np.log(np.maximum(ends, 0.0)),
            np.log(survival),
            np.log1p(-goes_on),
            np.log(goes_on),
        )


def learn_semi_markov(
    sequences: Iterable[tuple[ArrayLike, ArrayLike]],
    labels: Sequence[str],
    *,
    allowed: NDArray[np.bool_] | None = None,
    smoothing: float = 1.0,
    minimum_s: float = 0.0,
) -> SemiMarkov:
    """Grammar and durations from labelled recordings, with Laplace smoothing.

    Args:
        sequences: `(time_s (T,), frame labels (T,) int)` of each recording; -1 is unlabelled and breaks it.
        labels: names of the numbers.
        allowed: (S, S) transitions that may ever happen; all if None.
        smoothing: imagined count of every allowed transition and of every first label.
        minimum_s: shortest segment that the model shall allow.
    """
    count = len(labels)
    mask = (np.ones((count, count), dtype=bool) if allowed is None else np.asarray(allowed)) & ~np.eye(
        count, dtype=bool
    )
    follows: FloatArray = smoothing * mask.astype(np.float64)
    first = np.full(count, smoothing)
    lengths: list[list[float]] = [[] for _ in range(count)]
    for time_s, frame_labels in sequences:
        runs = _runs(np.asarray(time_s, dtype=float), np.asarray(frame_labels, dtype=int), count)
        if runs:
            first[runs[0][0]] += 1.0
        for label, length_s in runs:
            lengths[label].append(length_s)
        for (this, _), (nxt, _) in zip(runs[:-1], runs[1:], strict=True):
            follows[this, nxt] += float(mask[this, nxt])
    seen = [length for each in lengths for length in each]
    if not seen:
        raise InputError("learn_semi_markov", expected="at least one labelled segment", got="none")
    overall = float(np.median(seen))
    return SemiMarkov(
        labels=tuple(labels),
        transitions=_normalised(follows),
        durations=tuple(
            fit_duration(each, minimum_s=minimum_s, prior_s=float(np.median(each)) if each else overall)
            for each in lengths
        ),
        initial=first / first.sum(),
    )


def _runs(time_s: FloatArray, frame_labels: NDArray[np.int_], count: int) -> list[tuple[int, float]]:
    """(label, seconds) of each stretch of one label, unlabelled ones left out."""
    if time_s.shape != frame_labels.shape or frame_labels.ndim != 1 or (frame_labels >= count).any():
        raise InputError(
            "learn_semi_markov",
            expected=f"time_s and labels below {count}, both (T,)",
            got=f"{time_s.shape} and {frame_labels.shape}, largest {frame_labels.max(initial=-1)}",
        )
    if len(time_s) < 2:
        return []
    starts = np.flatnonzero(np.diff(frame_labels, prepend=-2) != 0)
    edges_s = np.append(time_s[starts], time_s[-1] + float(np.median(np.diff(time_s))))
    return [
        (int(frame_labels[s]), float(d)) for s, d in zip(starts, np.diff(edges_s), strict=True) if frame_labels[s] >= 0
    ]


def _normalised(weights: FloatArray) -> FloatArray:
    sums = weights.sum(axis=1, keepdims=True)
    return np.divide(weights, sums, out=np.zeros_like(weights), where=sums > 0.0)
