"""Rauch-Tung-Striebel smoothing: the likeliest path of each point given all that was seen of it, before and after.

Model: each coordinate is driven by white noise in its acceleration ("velocity") or in its jerk ("acceleration");
measured with independent noise. Forward Kalman filter, then backward pass.

Source: Rauch, Tung, Striebel, "Maximum likelihood estimates of linear dynamic systems", AIAA Journal 3(8), 1965;
process noise: Bar-Shalom, Li, Kirubarajan, "Estimation with Applications to Tracking and Navigation", 6.2.2, 6.2.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.pose.person_track import check_times
from perception.pose.smoothing.one_euro import BODY_SIZE_M

Motion = Literal["velocity", "acceleration"]

_PRIOR_POSITION, _PRIOR_RATES = 10.0, (2.0, 20.0)
"""Spread of the first position (body sizes), velocity and acceleration (body sizes per s, s^2) before any sample."""


@dataclass(frozen=True, kw_only=True)
class RtsSettings:
    """The model of motion and of measuring. Lengths are in body sizes."""

    motion: Motion = "acceleration"
    """What stays the same between samples but for noise."""
    drive: float = 60.0
    """Root of the noise density that changes the motion: higher follows quicker and smooths less.
    Body sizes per s^2.5 for "acceleration", per s^1.5 for "velocity" (there about 3)."""
    noise: float = 0.01
    """Standard deviation of a measured coordinate of score 1; a joint of score s has noise / s."""
    min_score: float = 0.3
    """A joint below this score counts as unseen."""
    max_gap_s: float = 0.5
    """Gaps up to this long are filled; longer ones stay NaN."""

    def __post_init__(self) -> None:
        if self.motion not in ("velocity", "acceleration"):
            raise InputError("RtsSettings", expected='motion "velocity" or "acceleration"', got=repr(self.motion))
        if not (self.drive > 0.0 and self.noise > 0.0 and self.min_score > 0.0 and self.max_gap_s >= 0.0):
            raise InputError(
                "RtsSettings", expected="drive, noise, min_score above 0, max_gap_s not below", got=f"{self}"
            )


def rts_smooth(
    time_s: FloatArray,
    points: FloatArray,
    scores: FloatArray,
    settings: RtsSettings | None = None,
    *,
    body_size: float = BODY_SIZE_M,
) -> FloatArray:
    """Smooth K points over T moments with all that is known of the past and the future.

    Args:
        time_s: (T,) seconds, growing, steps of any length.
        points: (T, K, D) in any unit; NaN where unseen.
        scores: (T, K) 0 to 1.
        settings: the model.
        body_size: size of the person in the points' unit.

    Returns:
        (T, K, D); NaN before a point is first seen, after it is last seen and within gaps beyond `max_gap_s`.

    Raises:
        InputError: if times do not grow, shapes disagree or the size is not positive.
    """
    settings = settings or RtsSettings()
    points, scores = np.asarray(points, dtype=float), np.asarray(scores, dtype=float)
    check_times(time_s, "rts_smooth")
    if points.ndim != 3 or scores.shape != points.shape[:2] or len(time_s) != len(points) or not body_size > 0.0:
        raise InputError(
            "rts_smooth",
            expected="time_s (T,), points (T, K, D), scores (T, K), body_size above 0",
            got=f"{np.shape(time_s)}, {points.shape}, {scores.shape}, {body_size}",
        )
    seen = np.isfinite(points).all(-1) & (scores >= settings.min_score)
    result = np.full(points.shape, np.nan)
    some = seen.any(0)
    if some.any():
        variance = np.where(seen, (settings.noise / np.where(seen, scores, 1.0)) ** 2, np.inf)[:, some]
        smooth = _smooth_seen(np.asarray(time_s, dtype=float), points[:, some] / body_size, variance, settings)
        inside = _within(np.asarray(time_s, dtype=float), seen[:, some], settings.max_gap_s)
        result[:, some] = np.where(inside[..., None], smooth * body_size, np.nan)
    return result


def _smooth_seen(time_s: FloatArray, points: FloatArray, variance: FloatArray, settings: RtsSettings) -> FloatArray:
    """Both passes. Variance (T, K) is infinite where nothing was seen. States (K, n, D), covariances (K, n, n)."""
    order = 3 if settings.motion == "acceleration" else 2
    frames, joints, axes = points.shape
    first = np.isfinite(variance).argmax(0)
    state = np.zeros((joints, order, axes))
    state[:, 0] = points[first, np.arange(joints)]
    prior = np.diag((_PRIOR_POSITION, *_PRIOR_RATES)[:order]) ** 2
    covariance = np.broadcast_to(prior, (joints, order, order))
    moves = [_motion(step_s, settings.drive, order) for step_s in np.diff(time_s)]
    states, covariances, predicted = [], [], []
    for frame in range(frames):
        if frame:
            move, drive = moves[frame - 1]
            state, covariance = move @ state, move @ covariance @ move.T + drive
        predicted.append((state, covariance))
        state, covariance = _measure(state, covariance, points[frame], variance[frame])
        states.append(state)
        covariances.append(covariance)
    result = np.empty(points.shape)
    result[-1] = state[:, 0]
    for frame in range(frames - 2, -1, -1):
        ahead, ahead_covariance = predicted[frame + 1]
        gain = np.linalg.solve(ahead_covariance, moves[frame][0] @ covariances[frame]).swapaxes(-1, -2)
        state = states[frame] + gain @ (state - ahead)
        result[frame] = state[:, 0]
    return result


def _measure(
    state: FloatArray, covariance: FloatArray, points: FloatArray, variance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Kalman update with the position seen; an infinite variance changes nothing."""
    gain = covariance[:, :, 0] / (covariance[:, 0, 0] + variance)[:, None]
    error = np.where(np.isfinite(variance)[:, None], points - state[:, 0], 0.0)
    after = covariance - gain[:, :, None] * covariance[:, None, 0]
    # What is left of the position's row is a tiny difference of huge numbers after a long gap: it is P R / (P00 + R).
    left = (1.0 / (1.0 + covariance[:, 0, 0] / variance))[:, None]
    after[:, 0] = left * covariance[:, 0]
    after[:, :, 0] = left * covariance[:, :, 0]
    return state + gain[:, :, None] * error[:, None], after


def _motion(step_s: float, drive: float, order: int) -> tuple[FloatArray, FloatArray]:
    """Transition and process noise over one step, continuous white noise in the highest derivative."""
    t = step_s
    move = np.array([[1.0, t, t * t / 2.0], [0.0, 1.0, t], [0.0, 0.0, 1.0]])[:order, :order]
    if order == 2:
        noise = np.array([[t**3 / 3.0, t**2 / 2.0], [t**2 / 2.0, t]])
    else:
        noise = np.array(
            [[t**5 / 20.0, t**4 / 8.0, t**3 / 6.0], [t**4 / 8.0, t**3 / 3.0, t**2 / 2.0], [t**3 / 6.0, t**2 / 2.0, t]]
        )
    return move, drive**2 * noise


def _within(time_s: FloatArray, seen: NDArray[np.bool_], max_gap_s: float) -> NDArray[np.bool_]:
    """(T, K) whether the point is seen here, or before and after here no further apart than the longest gap."""
    times = time_s[:, None]
    before = np.maximum.accumulate(np.where(seen, times, -np.inf), axis=0)
    after = np.minimum.accumulate(np.where(seen, times, np.inf)[::-1], axis=0)[::-1]
    return np.asarray(after - before <= max_gap_s, dtype=np.bool_)
