"""One-euro filter: smooth while a joint rests, quick when it moves; one sample in, one sample out.

Source: Casiez, Roussel, Vogel, "1 Euro Filter", CHI 2012, algorithm 1. Three departures: the speed is the length of
the whole vector, so that the result does not depend on how the axes lie; it comes from differences of raw samples, so
that it is a velocity that can be extrapolated; and the step is the time since the joint was last seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError

BODY_SIZE_M = 1.7
"""Size of a body in metres: what speeds are compared with where the caller knows no better."""


@dataclass(frozen=True, kw_only=True)
class OneEuroSettings:
    """How much to smooth, and what to do where a joint is not seen. Lengths are in body sizes."""

    min_cutoff_hz: float = 1.5
    """Cutoff frequency at rest: lower is smoother and later."""
    speed_gain: float = 20.0
    """How many Hz the cutoff rises for a speed of one body size a second ("beta")."""
    speed_cutoff_hz: float = 2.0
    """Cutoff frequency of the speed itself."""
    min_score: float = 0.3
    """A joint below this score is predicted, not used."""
    max_gap_s: float = 0.5
    """How long an unseen joint is predicted; NaN after that, and the filter begins anew."""
    coast_s: float = 0.15
    """Time in which the velocity of an unseen joint falls to 1/e."""

    def __post_init__(self) -> None:
        for name in ("min_cutoff_hz", "speed_cutoff_hz", "coast_s"):
            if not getattr(self, name) > 0.0:
                raise InputError("OneEuroSettings", expected=f"{name} above 0", got=f"{getattr(self, name)}")
        for name in ("speed_gain", "min_score", "max_gap_s"):
            if not getattr(self, name) >= 0.0:
                raise InputError("OneEuroSettings", expected=f"{name} of at least 0", got=f"{getattr(self, name)}")


class OneEuro:
    """The filter of K points over time, each with its own state; time steps may be irregular."""

    def __init__(self, settings: OneEuroSettings | None = None, *, body_size: float = BODY_SIZE_M) -> None:
        """Begin with nothing seen.

        Args:
            settings: how to smooth.
            body_size: size of the person in the points' unit: about 1.7 for metres, the person's extent for pixels.
        """
        if not body_size > 0.0:
            raise InputError("OneEuro", expected="a body_size above 0", got=f"{body_size}")
        self.settings = settings or OneEuroSettings()
        self._body_size = body_size
        self._time_s = -np.inf
        self._filtered = self._raw = self._velocity = np.empty((0, 0))
        self._fed_s = np.empty(0)

    @property
    def unseen_s(self) -> FloatArray:
        """(K,) seconds since each point was last used; infinite where it never was."""
        return self._time_s - self._fed_s

    def update(self, time_s: float, points: FloatArray, scores: FloatArray | None = None) -> FloatArray:
        """The filtered points at this time.

        Args:
            time_s: seconds; grows from call to call.
            points: (K, D) in any unit; NaN where unseen.
            scores: (K,) 0 to 1; None: all certain.

        Returns:
            (K, D): filtered where seen, predicted for `max_gap_s` where not, NaN after that.

        Raises:
            InputError: if time does not grow or the shape changes.
        """
        points = np.asarray(points, dtype=float)
        self._check(time_s, points, scores)
        seen = np.asarray(np.isfinite(points).all(-1))
        if scores is not None:
            seen &= np.asarray(scores) >= self.settings.min_score
        self._coast(time_s, ~seen)
        step_s = time_s - self._fed_s
        known = seen & (step_s <= self.settings.max_gap_s)
        self._feed(known, points, step_s)
        new = seen & ~known
        self._filtered[new], self._velocity[new] = points[new], 0.0
        self._raw[seen], self._fed_s[seen] = points[seen], time_s
        self._time_s = time_s
        return self._filtered.copy()

    def _coast(self, time_s: float, unseen: NDArray[np.bool_]) -> None:
        """Move unseen points on with a velocity that dies away; forget those unseen for too long."""
        if np.isfinite(self._time_s) and unseen.any():
            left = np.exp(-(time_s - self._time_s) / self.settings.coast_s)
            self._filtered[unseen] += self._velocity[unseen] * self.settings.coast_s * (1.0 - left)
            self._velocity[unseen] *= left
        self._filtered[unseen & (time_s - self._fed_s > self.settings.max_gap_s)] = np.nan

    def _feed(self, rows: NDArray[np.bool_], points: FloatArray, step_s: FloatArray) -> None:
        if not rows.any():
            return
        new, step = points[rows], step_s[rows, None]
        weight = _weight(step, self.settings.speed_cutoff_hz)
        velocity = weight * (new - self._raw[rows]) / step + (1.0 - weight) * self._velocity[rows]
        speed = np.sqrt((velocity**2).sum(-1, keepdims=True)) / self._body_size
        weight = _weight(step, self.settings.min_cutoff_hz + self.settings.speed_gain * speed)
        self._filtered[rows] = weight * new + (1.0 - weight) * self._filtered[rows]
        self._velocity[rows] = velocity

    def _check(self, time_s: float, points: FloatArray, scores: FloatArray | None) -> None:
        if not self._time_s < time_s < np.inf:
            raise InputError("OneEuro", expected=f"a time after {self._time_s} s", got=f"{time_s} s")
        if points.ndim != 2 or (scores is not None and np.shape(scores) != points.shape[:1]):
            raise InputError("OneEuro", expected="points (K, D) and scores (K,)", got=f"{points.shape}")
        if not np.isfinite(self._time_s):
            self._filtered, self._raw = np.full(points.shape, np.nan), np.full(points.shape, np.nan)
            self._velocity, self._fed_s = np.zeros(points.shape), np.full(len(points), -np.inf)
        if points.shape != self._raw.shape:
            raise InputError(
                "OneEuro",
                expected=f"points of shape {self._raw.shape} as before",
                got=f"{points.shape}",
                remedy="one filter serves one person of one skeleton",
            )


def _weight(step_s: FloatArray, cutoff_hz: FloatArray | float) -> FloatArray:
    """Weight of a new sample in a first-order low-pass filter."""
    return np.asarray(1.0 / (1.0 + 1.0 / (2.0 * np.pi * np.asarray(cutoff_hz) * step_s)))
