"""How well activity tells behaviour on stretches that the decoder never saw, and how well by chance alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geometry import FloatArray, InputError
from perception.behavior.neural_decoding.activity import checked_activity, checked_labels
from perception.behavior.neural_decoding.block_folds import block_folds
from perception.behavior.neural_decoding.neural_decoder import (
    NeuralDecoder,
    NeuralDecoderConfig,
    checked_covariates,
)


@dataclass(frozen=True, kw_only=True)
class CrossValidation:
    """Held-out results; every labelled bin is decoded once, by a decoder that did not see it."""

    predicted: NDArray[np.int_]
    """(T,) label decoded for each bin."""
    posterior: FloatArray
    """(T, S) chances of the labels."""
    accuracy: float
    """Share of labelled bins that are right."""
    balanced_accuracy: float
    """Mean over the labels of the share of their bins that are right."""
    fold_accuracy: FloatArray
    """(folds,) share that is right in each fold, NaN where it has no labelled bin."""
    penalties: tuple[float, ...]
    """Penalty that each fold chose inside its training bins."""
    chance: FloatArray
    """(shifts,) balanced accuracy with labels shifted in a circle against the activity."""

    @property
    def p_value(self) -> float:
        """Chance of so high a balanced accuracy if activity told nothing; 1 without shifts."""
        return float((1 + (self.chance >= self.balanced_accuracy).sum()) / (1 + len(self.chance)))


def cross_validate_decoder(
    activity: ArrayLike,
    labels: ArrayLike,
    *,
    bin_s: float,
    rng: np.random.Generator,
    folds: int = 5,
    blocks: int = 2,
    gap_s: float = 1.0,
    shifts: int = 0,
    covariates: ArrayLike | None = None,
    config: NeuralDecoderConfig = NeuralDecoderConfig(),  # noqa: B008
) -> CrossValidation:
    """Decode contiguous held-out stretches with gaps around them, and again with shifted labels.

    A shift turns the labels by at least a tenth of the recording: both series keep their own rhythm and lose only
    what they share. Everything, the choice of the penalty included, is done anew for each shift.

    Args:
        activity: (T, U).
        labels: (T,) -1 where unlabelled.
        bin_s: seconds.
        rng: for the shifts.
        folds: number of folds.
        blocks: stretches per fold.
        gap_s: left out between training and test, seconds.
        shifts: number of shifted repetitions; 19 or more for a p-value of 0.05.
        covariates: (T, P) what else drives the units (Poisson only); it keeps its place beside the activity.
        config: the decoder's.
    """
    spikes = checked_activity(activity, "cross_validate_decoder")
    count = int(np.max(labels, initial=0)) + 1
    truth = checked_labels(labels, len(spikes), count, "cross_validate_decoder")
    if shifts < 0 or not gap_s >= 0.0:
        raise InputError("cross_validate_decoder", expected="shifts and gap_s >= 0", got=f"{shifts}, {gap_s}")
    gap = round(gap_s / bin_s)
    masks = list(block_folds(len(truth), folds, gap=gap, blocks=blocks))
    extra = checked_covariates(covariates, len(spikes), config)

    def held_out(against: NDArray[np.int_]) -> tuple[FloatArray, list[float]]:
        return _held_out(spikes, extra, against, count, masks, bin_s, config)

    posterior, penalties = held_out(truth)
    predicted = posterior.argmax(axis=1)
    least = max(1, len(truth) // 10)
    turned = [np.roll(truth, int(rng.integers(least, len(truth) - least + 1))) for _ in range(shifts)]
    chance = [balanced_accuracy(held_out(each)[0].argmax(axis=1), each) for each in turned]
    right, known = predicted == truth, truth >= 0
    per_fold = [right[test & known].mean() if (test & known).any() else np.nan for _, test in masks]
    return CrossValidation(
        predicted=predicted,
        posterior=posterior,
        accuracy=float(right[known].mean()),
        balanced_accuracy=balanced_accuracy(predicted, truth),
        fold_accuracy=np.array(per_fold),
        penalties=tuple(penalties),
        chance=np.array(chance),
    )


def balanced_accuracy(predicted: NDArray[np.int_], truth: NDArray[np.int_]) -> float:
    """Mean recall over the labels that occur; -1 in the truth is left out."""
    return float(np.mean([(predicted[truth == label] == label).mean() for label in np.unique(truth[truth >= 0])]))


def _held_out(
    spikes: FloatArray,
    covariates: FloatArray | None,
    truth: NDArray[np.int_],
    count: int,
    masks: list[tuple[NDArray[np.bool_], NDArray[np.bool_]]],
    bin_s: float,
    config: NeuralDecoderConfig,
) -> tuple[FloatArray, list[float]]:
    """Chances of every bin from the fold that did not train on it, each stretch decoded by itself."""
    posterior, penalties = np.zeros((len(truth), count)), []
    names = [f"label {k}" for k in range(count)]
    for train, test in masks:
        inside = np.where(train, truth, -1)
        decoder = NeuralDecoder.fit(spikes, inside, bin_s=bin_s, names=names, covariates=covariates, config=config)
        penalties.append(decoder.penalty)
        edges = np.flatnonzero(np.diff(test.astype(int), prepend=0, append=0))
        for low, high in edges.reshape(-1, 2):
            beside = None if covariates is None else covariates[low:high]
            posterior[low:high] = decoder.decode(spikes[low:high], beside).posterior
    return posterior, penalties
