"""How the arm is brought to rest: all joints slowed evenly, none harder than it may."""

from __future__ import annotations

import numpy as np

from geometry import FloatArray
from ros_nodes.safety.limits import ArmLimits

_SHORTEST_S = 0.05


def braking_motion(
    q: FloatArray, dq: FloatArray, limits: ArmLimits, *, scale: float = 0.5, age_s: float = 0.0
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """A motion from a state to rest at constant deceleration.

    It is a single point at rest: a controller drives there in a cubic from where the arm really is, which is
    that deceleration where the state was right, and spreads what was not known exactly over the whole way. All
    joints stop together, so the arm stays on its course. Where that would end beyond a joint's limit, that joint
    ends at the limit (a start outside stays where it is) and may brake harder.

    Args:
        q: (n,) positions now, rad.
        dq: (n,) speeds now, rad/s.
        limits: of the arm.
        scale: fraction of the acceleration limits to brake with.
        age_s: how old the state will be when the controller begins; the arm has gone on meanwhile.
    Returns:
        times_s (1,), positions (1, n) and speeds (1, n), which are 0.
    """
    speed = np.clip(dq, -np.asarray(limits.velocity), np.asarray(limits.velocity))
    time_s = max(float(np.max(np.abs(speed) / (scale * np.asarray(limits.acceleration)))), _SHORTEST_S)
    begin = q + age_s * speed
    end = np.clip(begin + speed * time_s / 2.0, np.minimum(limits.lower, q), np.maximum(limits.upper, q))
    return np.array([time_s]), end[None], np.zeros((1, len(q)))
