"""Rates of change of what is seen at irregular times, with gaps."""

from __future__ import annotations

import numpy as np

from geometry import FloatArray

_ROWS_AT_ONCE = 2048


def slopes(
    time_s: FloatArray, values: FloatArray, span_s: float, *, causal: bool, last_only: bool = False
) -> FloatArray:
    """Slope of the straight line through the values seen within a window of time around each row.

    The window is [t - span, t] if causal, else [t - span / 2, t + span / 2]. On a parabola the causal slope is
    that of half a window ago (its lag), the other one that of the row itself. A value that is not seen in the row
    itself, or in no other row of the window, has no slope (NaN).

    Args:
        time_s: (T,) growing.
        values: (T, ...), NaN where unseen.
        span_s: width of the window.
        causal: whether later rows are out of reach.
        last_only: give the last row's slope alone, as the only row.

    Returns:
        (T, ...) units of values per second; (1, ...) with last_only.
    """
    before, after = (span_s, 0.0) if causal else (0.5 * span_s, 0.5 * span_s)
    slack = 1e-9 + 1e-6 * span_s
    first = np.searchsorted(time_s, time_s - before - slack)
    past = np.searchsorted(time_s, time_s + after + slack, side="right")
    count = len(time_s)
    out = np.full((1 if last_only else count, *values.shape[1:]), np.nan)
    for start in range(count - 1 if last_only else 0, count, _ROWS_AT_ONCE):
        rows = np.arange(start, min(start + _ROWS_AT_ONCE, count))
        out[slice(None) if last_only else rows] = _slopes_of(rows, time_s, values, first[rows], past[rows])
    return out


def _slopes_of(
    rows: np.ndarray, time_s: FloatArray, values: FloatArray, first: np.ndarray, past: np.ndarray
) -> FloatArray:
    """Least squares over each row's window, every element of `values` with its own set of seen rows."""
    window = first[:, None] + np.arange(int((past - first).max()))  # (R, W)
    inside = window < past[:, None]
    window = np.minimum(window, len(time_s) - 1)
    wide = (*window.shape, *(1,) * (values.ndim - 1))
    nearby = values[window]  # (R, W, ...)
    seen = (np.isfinite(nearby) & inside.reshape(wide)).astype(float)
    since = (time_s[window] - time_s[rows, None]).reshape(wide)
    nearby = np.where(seen > 0.0, nearby - np.nan_to_num(values[rows])[:, None], 0.0)
    number = seen.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        centred = (since - ((seen * since).sum(axis=1) / number)[:, None]) * seen
        slope = (centred * nearby).sum(axis=1) / (centred * centred).sum(axis=1)
    return np.where((number >= 2.0) & np.isfinite(values[rows]), slope, np.nan)
