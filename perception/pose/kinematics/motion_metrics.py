"""How good a smoothed motion is: error, jitter and lag, which belong together.

A filter that is judged by one of them alone looks better than it is: a heavier filter always has less jitter and
more lag. Signals are (T, ...) with time first and any channels behind; what is NaN in either signal is left out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geometry import FloatArray, InputError

_REMEDY = "give the estimate and the truth of the same frames, some of them seen in both"


def rmse(estimate: ArrayLike, truth: ArrayLike) -> float:
    """Root mean square of the distance between two signals.

    Args:
        estimate: (T, ..., D) points, in any unit.
        truth: (T, ..., D) in the same unit.

    Returns:
        sqrt(mean |estimate - truth|^2) over the points seen in both, in that unit.

    Raises:
        InputError: if the shapes differ, or no point is seen in both.
    """
    given, true = _same_shape("rmse", estimate, truth)
    squared = ((given - true) ** 2).sum(axis=-1)
    seen = np.isfinite(squared)
    if not seen.any():
        raise InputError("rmse", expected="points seen in both signals", got="none", remedy=_REMEDY)
    return float(np.sqrt(squared[seen].mean()))


def jerk_rms(signal: ArrayLike, time_s: ArrayLike) -> float:
    """Jitter: root mean square of the third derivative of a signal.

    The derivative over four frames in a row is 3! times their third divided difference, which for even steps is
    the third difference over step^3; uneven steps need no resampling.

    Args:
        signal: (T, ..., D) points, in any unit.
        time_s: (T,) growing.

    Returns:
        sqrt(mean |x'''|^2), unit / s^3, over all four neighbouring frames that are all seen.

    Raises:
        InputError: if the lengths differ, times do not grow, or nothing is seen for four frames in a row.
    """
    points, times = np.asarray(signal, dtype=float), np.asarray(time_s, dtype=float)
    if points.ndim < 2 or times.shape != points.shape[:1]:
        raise InputError(
            "jerk_rms", expected="signal (T, ..., D) and time_s (T,)", got=f"{points.shape}, {times.shape}"
        )
    if not (np.diff(times) > 0.0).all():
        raise InputError("jerk_rms", expected="growing time_s", got="times that do not grow", remedy="sort the frames")
    difference = points
    for order in range(1, 4):
        span = (times[order:] - times[:-order]).reshape(-1, *[1] * (points.ndim - 1))
        difference = np.diff(difference, axis=0) / span
    squared = ((6.0 * difference) ** 2).sum(axis=-1)
    seen = np.isfinite(squared)
    if not seen.any():
        raise InputError("jerk_rms", expected="four frames in a row that are seen", got="none")
    return float(np.sqrt(squared[seen].mean()))


def lag_s(estimate: ArrayLike, truth: ArrayLike, *, rate_hz: float, longest_s: float = 0.5) -> float:
    """How late an estimate follows the truth: where their velocities correlate best.

    Velocities are compared, not positions, since a drift correlates with itself at any shift. The best whole shift
    is refined by the parabola through it and its two neighbours.

    Args:
        estimate: (T, ..., D) points, in any unit.
        truth: (T, ..., D) of the same frames.
        rate_hz: frames a second, even.
        longest_s: shifts searched, to either side.

    Returns:
        Seconds; positive where the estimate comes late. At most `longest_s` in size.

    Raises:
        InputError: if the shapes differ, the rate is not above 0, or either signal does not move.
    """
    given, true = _same_shape("lag_s", estimate, truth)
    if not rate_hz > 0.0:
        raise InputError("lag_s", expected="rate_hz above 0", got=f"{rate_hz}")
    moving, leading = (np.diff(points, axis=0).reshape(len(points) - 1, -1) for points in (given, true))
    farthest = min(round(longest_s * rate_hz), len(moving) - 1)
    shifts = np.arange(-farthest, farthest + 1)
    with np.errstate(invalid="ignore"):
        likeness = np.array([_correlation(moving, leading, int(shift)) for shift in shifts])
    if not np.isfinite(likeness).any():
        raise InputError("lag_s", expected="signals that move", got="signals at rest or unseen", remedy=_REMEDY)
    best = int(np.nanargmax(likeness))
    return float((shifts[best] + _vertex(likeness[best - 1 : best + 2] if best > 0 else likeness[:0])) / rate_hz)


def _correlation(estimate: FloatArray, truth: FloatArray, shift: int) -> float:
    """Cosine between the estimate and the truth `shift` frames earlier, over the entries seen in both."""
    late = estimate[max(shift, 0) : len(estimate) + min(shift, 0)]
    early = truth[max(-shift, 0) : len(truth) - max(shift, 0)]
    seen = np.isfinite(late) & np.isfinite(early)
    late, early = late[seen], early[seen]
    return float(late @ early / np.sqrt((late @ late) * (early @ early)))


def _vertex(three: NDArray[np.float64]) -> float:
    """Where the parabola through values at -1, 0, 1 is highest, given that the middle one is."""
    if len(three) < 3 or not np.isfinite(three).all():
        return 0.0
    bend = three[0] - 2.0 * three[1] + three[2]
    return float(0.5 * (three[0] - three[2]) / bend) if bend < 0.0 else 0.0


def _same_shape(where: str, estimate: ArrayLike, truth: ArrayLike) -> tuple[FloatArray, FloatArray]:
    given, true = np.asarray(estimate, dtype=float), np.asarray(truth, dtype=float)
    if given.shape != true.shape or given.ndim < 2 or len(given) < 2:
        raise InputError(
            where,
            expected="two signals (T, ..., D) of one shape",
            got=f"{given.shape} and {true.shape}",
            remedy=_REMEDY,
        )
    return given, true
