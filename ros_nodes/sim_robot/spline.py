"""Joint positions over time between given points, by the rules of ros2_control's joint_trajectory_controller.

Between two points that both have velocities and accelerations: a quintic; that both have velocities: a cubic;
else a straight line in joint space.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from geometry import FloatArray, InputError


class JointMotion(NamedTuple):
    """Where joints are and how they move."""

    q: FloatArray
    """(J,) rad."""
    dq: FloatArray
    """(J,) rad/s."""
    ddq: FloatArray
    """(J,) rad/s^2."""

    @classmethod
    def at_rest(cls, q: FloatArray) -> JointMotion:
        """Standing still at `q`."""
        return cls(np.array(q, dtype=np.float64), np.zeros(len(q)), np.zeros(len(q)))


@dataclass(frozen=True)
class Spline:
    """Points at increasing times; a row of NaN in `dq` or `ddq` says that a point does not give it."""

    times_s: FloatArray
    """(n,) increasing."""
    q: FloatArray
    """(n, J) rad."""
    dq: FloatArray
    """(n, J) rad/s or NaN."""
    ddq: FloatArray
    """(n, J) rad/s^2 or NaN."""

    def __post_init__(self) -> None:
        shapes = {self.q.shape, self.dq.shape, self.ddq.shape}
        if len(shapes) != 1 or self.q.ndim != 2 or self.times_s.shape != self.q.shape[:1] or not len(self.q):
            raise InputError(
                "Spline",
                expected="times_s (n,), q, dq and ddq (n, J), n >= 1",
                got=f"{self.times_s.shape}, {self.q.shape}, {self.dq.shape}, {self.ddq.shape}",
            )

    @property
    def end_s(self) -> float:
        """Time of the last point."""
        return float(self.times_s[-1])

    def preceded_by(self, time_s: float, state: JointMotion) -> Spline:
        """The spline that begins with `state` at `time_s` and goes on with the points after it."""
        later = self.times_s > time_s
        return Spline(
            np.concatenate([[time_s], self.times_s[later]]),
            np.concatenate([state.q[None], self.q[later]]),
            np.concatenate([state.dq[None], self.dq[later]]),
            np.concatenate([state.ddq[None], self.ddq[later]]),
        )

    def sample(self, time_s: float) -> JointMotion:
        """Where the joints should be; before the first and after the last point they rest there."""
        if time_s < self.times_s[0]:
            return JointMotion.at_rest(self.q[0])
        if time_s >= self.times_s[-1]:
            return JointMotion.at_rest(self.q[-1])
        i = int(np.searchsorted(self.times_s, time_s, side="right")) - 1
        span, t = float(self.times_s[i + 1] - self.times_s[i]), time_s - float(self.times_s[i])
        return _evaluate(self._coefficients(i, span), t)

    def _coefficients(self, i: int, span: float) -> FloatArray:
        """(6, J) polynomial coefficients of the segment after point `i`, lowest power first."""
        q0, q1, v0, v1 = self.q[i], self.q[i + 1], self.dq[i], self.dq[i + 1]
        a0, a1 = self.ddq[i], self.ddq[i + 1]
        c = np.zeros((6, len(q0)))
        c[0] = q0
        if np.isnan(v0).any() or np.isnan(v1).any():
            c[1] = (q1 - q0) / span
            return c
        c[1], step = v0, q1 - q0
        if np.isnan(a0).any() or np.isnan(a1).any():
            c[2] = (3.0 * step - (2.0 * v0 + v1) * span) / span**2
            c[3] = (-2.0 * step + (v0 + v1) * span) / span**3
            return c
        c[2] = 0.5 * a0
        c[3] = (20.0 * step - (8.0 * v1 + 12.0 * v0) * span - (3.0 * a0 - a1) * span**2) / (2.0 * span**3)
        c[4] = (-30.0 * step + (14.0 * v1 + 16.0 * v0) * span + (3.0 * a0 - 2.0 * a1) * span**2) / (2.0 * span**4)
        c[5] = (12.0 * step - 6.0 * (v1 + v0) * span - (a0 - a1) * span**2) / (2.0 * span**5)
        return c


def stopping(state: JointMotion, time_s: float, deceleration: FloatArray) -> Spline:
    """The motion that brings moving joints to rest together.

    Args:
        state: where they are at `time_s`, and how fast.
        time_s: when it begins.
        deceleration: (J,) rad/s^2 that no joint exceeds; all take the time that the slowest needs.
    """
    span = max(float(np.max(np.abs(state.dq) / deceleration)), 1e-3)
    rest = state.q + 0.5 * span * state.dq  # with this end the cubic is the parabola of an even deceleration
    unknown = np.full((2, len(rest)), np.nan)
    return Spline(
        np.array([time_s, time_s + span]),
        np.stack([state.q, rest]),
        np.stack([state.dq, np.zeros_like(rest)]),
        unknown,
    )


def _evaluate(c: FloatArray, t: float) -> JointMotion:
    q = c[0] + t * (c[1] + t * (c[2] + t * (c[3] + t * (c[4] + t * c[5]))))
    dq = c[1] + t * (2.0 * c[2] + t * (3.0 * c[3] + t * (4.0 * c[4] + t * 5.0 * c[5])))
    ddq = 2.0 * c[2] + t * (6.0 * c[3] + t * (12.0 * c[4] + t * 20.0 * c[5]))
    return JointMotion(q, dq, ddq)
