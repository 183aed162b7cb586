"""How the arm is brought to rest: all joints slowed evenly, none harder than it may."""

from __future__ import annotations

import numpy as np

from geometry import FloatArray
from ros_nodes.safety.limits import ArmLimits

_SHORTEST_S = 0.05
_POINTS = 6


def braking_motion(
    q: FloatArray, dq: FloatArray, limits: ArmLimits, *, scale: float = 0.5
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """A motion from a state to rest at constant deceleration.

    All joints stop together, so the arm stays on its course. Where that would end beyond a
    joint's limit, that joint ends at the limit (a start outside stays where it is) and may brake harder.

    Args:
        q: (n,) positions now, rad.
        dq: (n,) speeds now, rad/s.
        limits: of the arm.
        scale: fraction of the acceleration limits to brake with.
    Returns:
        times_s (m,) from above 0, positions (m, n) and speeds (m, n); at rest at the last.
    """
    speed = np.clip(dq, -np.asarray(limits.velocity), np.asarray(limits.velocity))
    time_s = max(float(np.max(np.abs(speed) / (scale * np.asarray(limits.acceleration)))), _SHORTEST_S)
    lower, upper = np.minimum(limits.lower, q), np.maximum(limits.upper, q)
    speed = (np.clip(q + speed * time_s / 2.0, lower, upper) - q) * 2.0 / time_s
    times = np.linspace(0.0, time_s, _POINTS + 1)[1:]
    left = 1.0 - times[:, None] / time_s
    return times, q + speed * time_s / 2.0 * (1.0 - left**2), speed * left
