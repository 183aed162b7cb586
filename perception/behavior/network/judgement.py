"""How good predictions are: accuracy and F1 of classes, for frames and for clips alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geometry import FloatArray, InputError


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """Predictions against the truth; what is unlabelled (-1) does not count."""

    confusion: NDArray[np.int64]
    """(C, C) counts: rows are true labels, columns predicted ones."""

    @property
    def count(self) -> int:
        """Labelled frames or clips."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """Share that is right."""
        return float(np.trace(self.confusion) / self.count)

    @property
    def f1(self) -> FloatArray:
        """(C,) harmonic mean of precision and recall of each class; NaN for one that is neither true nor predicted."""
        right = np.diag(self.confusion)
        all_of_it = self.confusion.sum(axis=0) + self.confusion.sum(axis=1)
        return np.where(all_of_it > 0, 2.0 * right / np.maximum(all_of_it, 1), np.nan)

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the classes that occur."""
        return float(np.nanmean(self.f1))


def judge(truth: ArrayLike, predicted: ArrayLike, labels: int) -> Judgement:
    """Count predictions.

    Args:
        truth: (N,) labels; -1 unlabelled.
        predicted: (N,) labels.
        labels: C.
    Raises:
        InputError: if the two differ in length, or nothing is labelled.
    """
    y, p = np.asarray(truth), np.asarray(predicted)
    if y.shape != p.shape:
        raise InputError("judge", expected=f"{y.shape} predictions", got=f"{p.shape}")
    known = y >= 0
    if not known.any():
        raise InputError("judge", expected="labelled frames or clips", got="none")
    counts = np.bincount(labels * y[known] + p[known], minlength=labels * labels)
    return Judgement(confusion=counts.reshape(labels, labels))


def judge_together(judgements: list[Judgement]) -> Judgement:
    """All of them as one."""
    return Judgement(confusion=np.sum([each.confusion for each in judgements], axis=0))
