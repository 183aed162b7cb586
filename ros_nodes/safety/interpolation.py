"""The motion between a trajectory's points, as joint_trajectory_controller drives it.

Between two points that give speeds it is a cubic, with accelerations too a quintic, and
without speeds a straight line. Peaks lie between the points, so limits are held against
these polynomials and not against the points alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from geometry import FloatArray

_SAMPLES = np.linspace(0.0, 1.0, 33)
_POWERS = np.arange(6)


@dataclass(frozen=True)
class Motion:
    """Piecewise polynomials of n joints over s segments.

    Attributes:
        starts_s: (s,) when each segment begins.
        lengths_s: (s,) how long it lasts, above 0.
        coefficients: (s, n, 6) of the powers of the time since the segment's start, lowest first.
    """

    starts_s: FloatArray
    lengths_s: FloatArray
    coefficients: FloatArray

    @property
    def end_s(self) -> float:
        """When the last segment ends."""
        return float(self.starts_s[-1] + self.lengths_s[-1])

    def at(self, times_s: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Positions and speeds (..., n) at times (...); before the start and after the end it stands still."""
        times = np.asarray(times_s, dtype=np.float64)
        clipped = np.clip(times, self.starts_s[0], self.end_s)
        index = np.maximum(np.searchsorted(self.starts_s, clipped, side="right") - 1, 0)
        since = (clipped - self.starts_s[index])[..., None]
        q, dq = (_value(self.coefficients[index], since, order) for order in (0, 1))
        return q, np.where((clipped == times)[..., None], dq, 0.0)

    def extremes(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Smallest and largest position, largest speed and largest acceleration, each (s, n).

        Exact for lines and cubics; a quintic is sampled 33 times a segment.
        """
        times = self._critical_times()
        q, dq, ddq = (_value(self.coefficients[..., None, :], times, order) for order in (0, 1, 2))
        return q.min(axis=-1), q.max(axis=-1), np.abs(dq).max(axis=-1), np.abs(ddq).max(axis=-1)

    def means(self) -> tuple[FloatArray, FloatArray]:
        """Mean speed and mean acceleration over each segment, (s, n), with their signs; a line accelerates nowhere."""
        ends = self.lengths_s[:, None]
        (q0, v0), (q1, v1) = ([_value(self.coefficients, t, order) for order in (0, 1)] for t in (0.0 * ends, ends))
        return (q1 - q0) / ends, (v1 - v0) / ends

    def samples(self, step: float) -> tuple[FloatArray, FloatArray]:
        """Times (k,) and postures (k, n) so dense that no joint moves by more than about `step` rad between two."""
        speed = self.extremes()[2].max(axis=-1)
        counts = np.clip(np.ceil(speed * self.lengths_s / step), 1, 512).astype(int)
        index = np.repeat(np.arange(len(counts)), counts)
        within = np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts)
        since = np.append(within / counts[index] * self.lengths_s[index], self.lengths_s[-1])
        index = np.append(index, len(counts) - 1)
        q = _value(self.coefficients[index], since[:, None], 0)
        return self.starts_s[index] + since, q

    def _critical_times(self) -> FloatArray:
        """(s, n, k) times in each segment at which a position, speed or acceleration may be extreme."""
        c, length = self.coefficients, self.lengths_s[:, None, None]
        samples = _SAMPLES if np.any(c[..., 4:]) else _SAMPLES[[0, -1]]
        sampled = np.broadcast_to(samples * length, (*c.shape[:2], len(samples)))
        with np.errstate(divide="ignore", invalid="ignore"):
            fastest = -c[..., 2] / (3.0 * c[..., 3])
            root = np.sqrt(np.maximum(c[..., 2] ** 2 - 3.0 * c[..., 1] * c[..., 3], 0.0))
            turns = [(-c[..., 2] + sign * root) / (3.0 * c[..., 3]) for sign in (-1.0, 1.0)]
            flat = -c[..., 1] / (2.0 * c[..., 2])
        exact = np.nan_to_num(np.stack([fastest, *turns, flat], axis=-1), nan=0.0, posinf=0.0, neginf=0.0)
        return np.concatenate([sampled, np.clip(exact, 0.0, length)], axis=-1)


def motion_through(times_s: FloatArray, q: FloatArray, dq: FloatArray, ddq: FloatArray) -> Motion:
    """The controller's motion through m points, m of at least 2.

    Args:
        times_s: (m,) strictly increasing.
        q: (m, n) positions.
        dq: (m, n) speeds; NaN rows where not given.
        ddq: (m, n) accelerations; NaN rows where not given.
    """
    t = np.diff(times_s)[:, None]
    step = np.diff(q, axis=0)
    coefficients = np.zeros((*step.shape, 6))
    coefficients[..., 0], coefficients[..., 1] = q[:-1], step / t
    v0, v1 = dq[:-1], dq[1:]
    cubic = np.isfinite(v0 + v1).all(axis=1)
    bent = np.stack([v0, (3.0 * step - (2.0 * v0 + v1) * t) / t**2, (-2.0 * step + (v0 + v1) * t) / t**3], axis=-1)
    coefficients[cubic, :, 1:4] = bent[cubic]
    a0, a1 = ddq[:-1], ddq[1:]
    quintic = cubic & np.isfinite(a0 + a1).all(axis=1)
    smooth = np.stack(
        [
            v0,
            a0 / 2.0,
            (20.0 * step - (8.0 * v1 + 12.0 * v0) * t - (3.0 * a0 - a1) * t**2) / (2.0 * t**3),
            (-30.0 * step + (14.0 * v1 + 16.0 * v0) * t + (3.0 * a0 - 2.0 * a1) * t**2) / (2.0 * t**4),
            (12.0 * step - 6.0 * (v1 + v0) * t + (a1 - a0) * t**2) / (2.0 * t**5),
        ],
        axis=-1,
    )
    coefficients[quintic, :, 1:] = smooth[quintic]
    return Motion(times_s[:-1].copy(), t[:, 0], coefficients)


def _value(coefficients: FloatArray, times: FloatArray, order: int) -> FloatArray:
    """A derivative of the polynomials at `times`, which broadcast with the coefficients' leading axes."""
    factors = np.prod([_POWERS - i for i in range(order)], axis=0) * np.ones(6)
    weighted = coefficients * factors
    total = np.zeros(np.broadcast_shapes(weighted.shape[:-1], np.shape(times)))
    for power in range(5, order - 1, -1):
        total = total * times + weighted[..., power]
    return total
