"""Truths of named predicates over time, or of many single images: what rules are evaluated on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geometry import FloatArray, InputError
from perception.behavior.reasoning.vocabulary import sides_of


@dataclass(frozen=True, kw_only=True)
class PredicateTrack:
    """How true each predicate is in each row. NaN: it could not be seen, and no rule counts on it either way."""

    names: tuple[str, ...]
    """(P,) what the columns tell, such as "right_hand:hold"."""
    truths: FloatArray
    """(T, P) 0 false to 1 true; NaN unknown."""
    time_s: FloatArray | None = None
    """(T,) seconds, growing; None: the rows are images that have nothing to do with each other."""

    def __post_init__(self) -> None:
        truths = np.asarray(self.truths, dtype=float)
        if truths.ndim != 2 or truths.shape[1] != len(self.names):
            raise InputError(
                "PredicateTrack",
                expected=f"truths of shape (T, {len(self.names)}), one column a name",
                got=f"{truths.shape}",
            )
        if len(set(self.names)) != len(self.names):
            twice = sorted({name for name in self.names if self.names.count(name) > 1})
            raise InputError("PredicateTrack", expected="each name once", got=f"{', '.join(twice)} twice")
        check_truths(truths, "PredicateTrack")
        object.__setattr__(self, "truths", truths)
        if self.time_s is not None:
            times = np.asarray(self.time_s, dtype=float)
            if times.shape != truths.shape[:1]:
                raise InputError("PredicateTrack", expected=f"time_s of shape ({len(truths)},)", got=f"{times.shape}")
            if not np.isfinite(times).all() or (np.diff(times) <= 0.0).any():
                raise InputError(
                    "PredicateTrack",
                    expected="finite times in growing order",
                    got="others",
                    remedy="sort the frames by time and drop repeated ones",
                )
            object.__setattr__(self, "time_s", times)

    @classmethod
    def from_mapping(cls, truths: Mapping[str, ArrayLike], time_s: ArrayLike | None = None) -> PredicateTrack:
        """Of columns by name: (T,) each, or single numbers for one image."""
        columns = [np.atleast_1d(np.asarray(column, dtype=float)) for column in truths.values()]
        if len({column.shape for column in columns}) > 1 or any(column.ndim != 1 for column in columns):
            raise InputError(
                "PredicateTrack",
                expected="columns of one length",
                got=f"{ {name: column.shape for name, column in zip(truths, columns, strict=True)} }",
            )
        table = np.stack(columns, axis=1) if columns else np.zeros((0, 0))
        return cls(
            names=tuple(truths), truths=table, time_s=None if time_s is None else np.asarray(time_s, dtype=float)
        )

    def __len__(self) -> int:
        return len(self.truths)

    def rows(self, rows: NDArray[np.int64]) -> PredicateTrack:
        """Some of the rows, as a track of their own."""
        return replace(self, truths=self.truths[rows], time_s=None if self.time_s is None else self.time_s[rows])

    def column(self, name: str) -> FloatArray:
        """(T,) truths of one predicate; NaN throughout where the track does not have it."""
        found = truth_of(name, {known: self.truths[:, column] for known, column in self._columns(name)})
        return np.full(len(self), np.nan) if found.ndim == 0 else found

    def _columns(self, name: str) -> list[tuple[str, int]]:
        wanted = (name, *sides_of(name))
        return [(known, column) for column, known in enumerate(self.names) if known in wanted]


def truth_of(name: str, truths: Mapping[str, ArrayLike]) -> FloatArray:
    """Truth of one predicate, NaN where nobody tells.

    A part told without its side ("hand:hold") is the noisy-OR of both sides where only they are told.
    """
    if name in truths:
        return np.asarray(truths[name], dtype=float)
    sides = [np.asarray(truths[side], dtype=float) for side in sides_of(name) if side in truths]
    if not sides:
        return np.asarray(np.nan)
    known = np.stack(sides)
    either = 1.0 - np.prod(1.0 - np.nan_to_num(known, nan=0.0), axis=0)
    return np.where(np.isnan(known).all(axis=0), np.nan, either)


def truth_now(name: str, truths: Mapping[str, float]) -> float:
    """`truth_of` at a single moment: the same number, many times as quick."""
    if name in truths:
        return truths[name]
    missed = [1.0 - truths[side] for side in sides_of(name) if side in truths and not math.isnan(truths[side])]
    return 1.0 - math.prod(missed) if missed else math.nan


def check_truths(truths: FloatArray, where: str) -> None:
    """Raise InputError unless all that is known lies in 0 to 1."""
    known = truths[~np.isnan(truths)]
    if known.size and (known.min() < 0.0 or known.max() > 1.0):
        raise InputError(
            where,
            expected="truths from 0 to 1, NaN for unknown",
            got=f"{known.min():g} to {known.max():g}",
            remedy="calibrate scores to probabilities first",
        )
