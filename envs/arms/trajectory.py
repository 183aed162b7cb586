"""Joint trajectories over time, and the fastest one between two postures.

Only ruckig's state-to-state motions are used: they are computed here. (Its intermediate
waypoints would be sent to a cloud service; `envs.arms.waypoints` drives through waypoints
without it.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import ruckig
from numpy.typing import ArrayLike

from envs.arms.limits import JointLimits
from envs.arms.panda import PANDA_LIMITS
from geometry import FloatArray, InputError

SAMPLE_S = 0.001
"""Time between stored samples: the real robot's control period."""


@dataclass(frozen=True)
class JointTrajectory:
    """Joint positions and speeds at increasing times; cubic in between."""

    times_s: FloatArray
    """(n,) seconds from 0."""
    q: FloatArray
    """(n, joints) rad."""
    dq: FloatArray
    """(n, joints) rad/s."""

    def __post_init__(self) -> None:
        if self.times_s.ndim != 1 or self.q.shape != self.dq.shape or self.q.shape[:-1] != self.times_s.shape:
            raise InputError(
                "JointTrajectory",
                expected="times_s (n,), q and dq (n, joints)",
                got=f"{self.times_s.shape}, {self.q.shape}, {self.dq.shape}",
            )

    @property
    def duration_s(self) -> float:
        """Time of the last sample."""
        return float(self.times_s[-1])

    def sample(self, t_s: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Positions and speeds (..., joints) at times (...); the ends are held outside the range."""
        t = np.clip(np.asarray(t_s, dtype=np.float64), 0.0, self.duration_s)
        if len(self.times_s) == 1:
            return np.broadcast_to(self.q[0], (*t.shape, self.q.shape[1])).copy(), np.zeros((*t.shape, self.q.shape[1]))
        i = np.clip(np.searchsorted(self.times_s, t, side="right") - 1, 0, len(self.times_s) - 2)
        h = (self.times_s[i + 1] - self.times_s[i])[..., None]
        u = (t - self.times_s[i])[..., None] / h
        q0, q1, m0, m1 = self.q[i], self.q[i + 1], h * self.dq[i], h * self.dq[i + 1]
        bend, kink = 3.0 * (q1 - q0) - 2.0 * m0 - m1, 2.0 * (q0 - q1) + m0 + m1
        return q0 + u * (m0 + u * (bend + u * kink)), (m0 + u * (2.0 * bend + u * 3.0 * kink)) / h

    def slowed(self, scale: float) -> JointTrajectory:
        """The same path at `scale` times the speed; accelerations scale by its square, jerks by its cube."""
        if not 0.0 < scale <= 1.0:
            raise InputError("JointTrajectory.slowed", expected="0 < scale <= 1", got=f"{scale}")
        return JointTrajectory(self.times_s / scale, self.q, self.dq * scale)

    def reversed(self) -> JointTrajectory:
        """The same path driven backwards."""
        return JointTrajectory(self.duration_s - self.times_s[::-1], self.q[::-1].copy(), -self.dq[::-1])

    def then(self, other: JointTrajectory) -> JointTrajectory:
        """This trajectory, then `other`, which must start where this one ends."""
        if np.abs(self.q[-1] - other.q[0]).max() > 1e-4:
            raise InputError(
                "JointTrajectory.then",
                expected=f"a start at {self.q[-1].round(4).tolist()}",
                got=f"{other.q[0].round(4).tolist()}",
            )
        return JointTrajectory(
            np.concatenate([self.times_s, self.duration_s + other.times_s[1:]]),
            np.concatenate([self.q, other.q[1:]]),
            np.concatenate([self.dq, other.dq[1:]]),
        )


def joint_motion(
    q_from: ArrayLike, q_to: ArrayLike, *, limits: JointLimits = PANDA_LIMITS, speed: float = 1.0
) -> JointTrajectory:
    """The fastest jerk-limited motion from rest to rest, straight in joint space.

    Args:
        q_from: (n,) rad.
        q_to: (n,) rad.
        limits: of the arm.
        speed: factor on the resulting speed, above 0 up to 1; see `JointTrajectory.slowed`.
    """
    start, goal = np.asarray(q_from, dtype=np.float64), np.asarray(q_to, dtype=np.float64)
    n = len(limits.velocity)
    if start.shape != (n,) or goal.shape != (n,) or not np.all(np.isfinite([start, goal])):
        raise InputError("joint_motion", expected=f"two finite postures ({n},)", got=f"{start}, {goal}")
    positions, speeds, _, times = rest_to_rest(start, goal, limits.velocity, limits.acceleration, limits.jerk)
    return JointTrajectory(times, positions, speeds).slowed(speed)


def rest_to_rest(
    start: ArrayLike, goal: ArrayLike, velocity: ArrayLike, acceleration: ArrayLike, jerk: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Time-optimal jerk-limited profile of n axes from rest to rest, all in phase.

    Args:
        start: (n,) positions.
        goal: (n,) positions.
        velocity: (n,) limits.
        acceleration: (n,) limits.
        jerk: (n,) limits.

    Returns:
        Positions, speeds, accelerations (m, n) and times (m,), every `SAMPLE_S` and at the end.
    """
    ask = ruckig.InputParameter(np.size(start))
    ask.current_position = np.asarray(start).tolist()
    ask.target_position = np.asarray(goal).tolist()
    ask.max_velocity = np.asarray(velocity).tolist()
    ask.max_acceleration = np.asarray(acceleration).tolist()
    ask.max_jerk = np.asarray(jerk).tolist()
    ask.synchronization = ruckig.Synchronization.Phase
    profile = ruckig.Trajectory(np.size(start))
    outcome = ruckig.Ruckig(np.size(start)).calculate(ask, profile)
    assert outcome in (ruckig.Result.Working, ruckig.Result.Finished), f"ruckig: {outcome}"
    times = np.append(np.arange(0.0, profile.duration, SAMPLE_S), profile.duration)
    if len(times) > 1 and times[-1] - times[-2] < 1e-9:
        times = np.delete(times, -2)
    states = np.array([profile.at_time(t) for t in times.tolist()])  # (m, 3, n)
    return states[:, 0], states[:, 1], states[:, 2], times
