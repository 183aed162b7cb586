"""Neural activity as arrays: what is checked once, and what is made of it for the models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geometry import FloatArray, InputError


def checked_activity(activity: ArrayLike, where: str, *, counts: bool = False) -> FloatArray:
    """Activity as (T, U) float64; NaN marks an entry that was not recorded.

    Args:
        activity: spike counts or fluorescence of U units in T bins.
        where: who asks, for the error.
        counts: whether negative numbers are wrong.
    Raises:
        InputError: for another shape, infinity, or negative counts.
    """
    values = np.array(activity, dtype=float)
    if values.ndim != 2 or values.shape[1] == 0:
        raise InputError(f"{where}: activity", expected="(T, units) with at least one unit", got=f"{values.shape}")
    if np.isinf(values).any() or (counts and (values < 0.0).any()):
        kind = "counts of at least 0" if counts else "finite numbers"
        raise InputError(f"{where}: activity", expected=f"{kind}, or NaN where not recorded", got="others")
    return values


def checked_labels(labels: ArrayLike, bins: int, count: int, where: str) -> NDArray[np.int_]:
    """(T,) labels below `count`; -1 is unlabelled."""
    values = np.asarray(labels)
    if values.shape != (bins,) or not np.issubdtype(values.dtype, np.integer):
        raise InputError(f"{where}: labels", expected=f"({bins},) integers", got=f"{values.shape} {values.dtype}")
    if ((values < -1) | (values >= count)).any():
        raise InputError(f"{where}: labels", expected=f"-1 to {count - 1}", got=f"{values.min()} to {values.max()}")
    return values.astype(int)


def lagged(activity: FloatArray, lags: Sequence[int]) -> FloatArray:
    """(T, U len(lags)) activity of k bins ago for each lag k >= 0; NaN before the beginning."""
    if not len(lags) or min(lags) < 0:
        raise InputError("lagged", expected="lags of at least 0 bins", got=f"{list(lags)}")
    columns = []
    for lag in lags:
        shifted = np.full(activity.shape, np.nan)
        shifted[lag:] = activity[: max(len(activity) - lag, 0)]
        columns.append(shifted)
    return np.hstack(columns)
