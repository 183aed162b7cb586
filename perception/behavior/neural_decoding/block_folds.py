"""Folds of contiguous blocks with gaps: neighbouring bins are alike, so shuffled ones would give the answer away."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from geometry import InputError


def block_folds(
    bins: int, folds: int, *, gap: int = 0, blocks: int = 1
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Masks (T,) of training and test bins of each fold.

    The recording is cut into `folds * blocks` stretches; fold k tests on every stretch whose number leaves k, so that
    several blocks spread a fold over the recording. Bins within `gap` of a test stretch belong to neither.

    Args:
        bins: T.
        folds: at least 2.
        gap: bins left out on both sides of a test stretch.
        blocks: test stretches per fold.
    """
    if folds < 2 or blocks < 1 or gap < 0 or bins < 2 * folds * blocks:
        raise InputError(
            "block_folds",
            expected="folds >= 2, blocks >= 1, gap >= 0, and two bins for each stretch",
            got=f"folds {folds}, blocks {blocks}, gap {gap}, {bins} bins",
        )
    number = np.arange(bins) * folds * blocks // bins
    for fold in range(folds):
        test = number % folds == fold
        near = np.convolve(test, np.ones(2 * gap + 1), mode="same") > 0.5 if 2 * gap + 1 <= bins else np.ones(bins) > 0
        train = ~(near | test)
        if not train.any():
            raise InputError(
                "block_folds", expected="bins left to train on", got="none", remedy="a smaller gap, or fewer blocks"
            )
        yield train, test
