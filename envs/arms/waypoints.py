"""Trajectories through waypoints without stopping, by averaging over a moving window of time.

The polyline is driven at each line's top speed, which jumps at the corners; then its position
is averaged over a window T1 and over a window T2. Averages stay within the position and
velocity limits. The acceleration becomes a difference of speeds over T1, the jerk a difference
of accelerations over T2, so the windows' lengths follow from the limits. Corners are rounded:
check the result for collisions, not the polyline.
"""

from __future__ import annotations

from functools import reduce

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import PPoly

from envs.arms.limits import JointLimits
from envs.arms.panda import PANDA_LIMITS
from envs.arms.trajectory import SAMPLE_S, JointTrajectory, joint_motion
from geometry import FloatArray, InputError


def waypoint_motion(
    waypoints: ArrayLike, *, limits: JointLimits = PANDA_LIMITS, stop: bool = False, speed: float = 1.0
) -> JointTrajectory:
    """A jerk-limited trajectory from rest to rest along straight joint-space lines.

    Args:
        waypoints: (k, n) rad, k >= 1; repeated ones are dropped.
        limits: of the arm.
        stop: stop at each waypoint, which keeps to the lines exactly, instead of rounding corners.
        speed: factor on the resulting speed; see `JointTrajectory.slowed`.
    """
    points = np.asarray(waypoints, dtype=np.float64)
    n = len(limits.velocity)
    if points.ndim != 2 or points.shape[1] != n or not len(points) or not np.all(np.isfinite(points)):
        raise InputError("waypoint_motion", expected=f"finite waypoints (k, {n})", got=f"shape {points.shape}")
    points = points[np.append(True, np.abs(np.diff(points, axis=0)).max(axis=1) > 1e-6)]
    if len(points) <= 2:
        return joint_motion(points[0], points[-1], limits=limits, speed=speed)
    if not stop:
        return _rounded(points, limits).slowed(speed)
    lines = [joint_motion(a, b, limits=limits) for a, b in zip(points[:-1], points[1:], strict=True)]
    return reduce(JointTrajectory.then, lines).slowed(speed)


def _rounded(points: FloatArray, limits: JointLimits) -> JointTrajectory:
    """The polyline at top speed, averaged over the two windows."""
    steps = np.diff(points, axis=0)
    durations = (np.abs(steps) / limits.velocity).max(axis=1)
    rest = np.zeros((1, points.shape[1]))
    speeds = np.concatenate([rest, steps / durations[:, None], rest])
    acceleration, jerk = np.asarray(limits.acceleration), np.asarray(limits.jerk)
    window_1 = float((np.ptp(speeds, axis=0) / acceleration).max())
    window_2 = float((2.0 * acceleration / jerk).max())
    lead = window_1 + window_2
    knots = np.cumsum([-2.0 * lead, 2.0 * lead, *durations, 2.0 * lead])
    held = np.concatenate([points[:1], points, points[-1:]])
    once = PPoly(np.stack([np.diff(held, axis=0) / np.diff(knots)[:, None], held[:-1]]), knots).antiderivative()
    twice = once.antiderivative()
    end = knots[-2] + lead
    times = np.append(np.arange(0.0, end - 1e-9, SAMPLE_S), end)
    corners = ((0.0, 1.0), (window_1, -1.0), (window_2, -1.0), (lead, 1.0))
    q, dq = (sum(sign * F(times - delay) for delay, sign in corners) / (window_1 * window_2) for F in (twice, once))
    return JointTrajectory(times, np.asarray(q), np.asarray(dq))
