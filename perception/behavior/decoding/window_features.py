"""What a body does over about a second, without its phase: mean posture and how strongly each channel swings.

A repeated movement (a jog, an arm circle) runs through many postures but keeps its spectrum, so windows of it lie
together where single frames do not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from geometry import FloatArray, InputError

_QUIET, _BANDS = 0.05, 5


def even_recording(series: ArrayLike, time_s: ArrayLike, rate_hz: float) -> FloatArray:
    """A recording on an even grid from its first to its last time, by linear interpolation.

    Args:
        series: (T, C) channels; NaN is interpolated within its channel.
        time_s: (T,) growing seconds.
        rate_hz: of the grid.
    Returns:
        (M, C); a channel that was never seen is NaN, and so is a moment when nothing was seen for over a second.
    """
    values, times = np.asarray(series, dtype=float), np.asarray(time_s, dtype=float)
    grows = times.shape == values.shape[:1] and np.isfinite(times).all() and bool((np.diff(times) > 0.0).all())
    if values.ndim != 2 or not grows or np.isinf(values).any():
        raise InputError(
            "discover_segments",
            expected="each recording (T, C) without infinity, its time_s (T,) growing",
            got=f"{values.shape} and {times.shape}",
        )
    if not len(times):
        return np.zeros((0, values.shape[1]))
    grid = times[0] + np.arange(int((times[-1] - times[0]) * rate_hz + 1e-6) + 1) / rate_hz
    even = np.full((len(grid), values.shape[1]), np.nan)
    for channel, column in enumerate(values.T):
        seen = np.isfinite(column)
        if seen.any():
            even[:, channel] = np.interp(grid, times[seen], column[seen])
    seen_s = times[np.isfinite(values).any(axis=1)]
    if len(seen_s):
        after = np.clip(np.searchsorted(seen_s, grid), 1, max(len(seen_s) - 1, 1))
        before, after = seen_s[after - 1], seen_s[np.minimum(after, len(seen_s) - 1)]
        even[np.minimum(np.abs(grid - before), np.abs(grid - after)) > 0.5] = np.nan
    return even


def window_features(recordings: Sequence[FloatArray], *, window: int, step: int) -> list[FloatArray]:
    """Mean and log spectrum of every channel in windows, standardised over all recordings.

    Args:
        recordings: (T, C) each, on one even grid.
        window: frames of a window.
        step: frames from one window's middle to the next.
    Returns:
        (ceil(T / step), F) each; NaN where a window saw nothing.
    """
    together = np.concatenate(recordings)
    centre, spread = _centre_and_spread(together)
    moving = spread > 1e-9
    if not moving.any():
        raise InputError("discover_segments", expected="recordings in which something moves", got="none")
    quiet = _QUIET * spread[moving] * np.hanning(window).sum() / 2.0
    rows = [_windows_of(recording[:, moving], centre[moving], quiet, window)[::step] for recording in recordings]
    return standardised(rows)


def _windows_of(recording: FloatArray, middle: FloatArray, quiet: FloatArray, window: int) -> FloatArray:
    missing = np.isnan(recording).all(axis=1)
    filled = np.where(np.isnan(recording), middle, recording)
    half = window // 2
    padded = np.pad(filled, ((half, window - 1 - half), (0, 0)), mode="reflect" if len(filled) > window else "edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, window, axis=0)
    mean = windows.mean(axis=2)
    swing = np.fft.rfft((windows - mean[..., None]) * np.hanning(window), axis=2)[..., 1 : _BANDS + 1]
    spectrum = np.log(np.abs(swing) + quiet[:, None]).reshape(len(filled), -1)
    rows = np.hstack([mean, spectrum])
    rows[missing] = np.nan
    return rows


def standardised(recordings: Sequence[FloatArray]) -> list[FloatArray]:
    """Zero mean and unit spread of each column over all recordings; constant columns go."""
    centre, spread = _centre_and_spread(np.concatenate(recordings))
    kept = spread > 1e-9
    return [(rows[:, kept] - centre[kept]) / spread[kept] for rows in recordings]


def _centre_and_spread(rows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of each column over what was seen; 0 where nothing was."""
    seen = np.isfinite(rows)
    number = np.maximum(seen.sum(axis=0), 1)
    centre = np.where(seen, rows, 0.0).sum(axis=0) / number
    return centre, np.sqrt((np.where(seen, rows - centre, 0.0) ** 2).sum(axis=0) / number)


def principal_parts(recordings: Sequence[FloatArray], share: float) -> list[FloatArray]:
    """Rows on the fewest principal directions that hold a share (0 to 1) of all variance; NaN rows stay NaN."""
    together = np.concatenate(recordings)
    seen = together[np.isfinite(together).all(axis=1)]
    _, strength, directions = np.linalg.svd(seen - seen.mean(axis=0), full_matrices=False)
    held = np.cumsum(strength**2) / np.sum(strength**2)
    count = int(np.searchsorted(held, share - 1e-12)) + 1
    return [(rows - seen.mean(axis=0)) @ directions[:count].T for rows in recordings]
