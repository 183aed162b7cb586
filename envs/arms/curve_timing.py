"""Driving a curve in joint space as fast as the joint limits allow.

The curve q(s) is fixed; ruckig times its one parameter s. With v, a and j the rates of s,
    dq = q' v,   ddq = q'' v^2 + q' a,   dddq = q''' v^3 + 3 q'' v a + q' j,
so limits on the joints become limits on s. They are chosen constant along the curve, then
every sample is checked and the whole motion is stretched in time by what is still missing.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from envs.arms.limits import JointLimits
from envs.arms.panda import PANDA_LIMITS
from envs.arms.trajectory import JointTrajectory, rest_to_rest
from geometry import FloatArray

_CURVE_SAMPLES = 200
_CENTRIPETAL_SHARES = (0.1, 0.3, 0.6)
_JERK_SHARE = 0.5  # leaves room for the curve's own jerk; costs a millisecond a ramp


class Curve(Protocol):
    """A smooth curve in joint space, as SciPy's splines."""

    def __call__(self, s: ArrayLike, nu: int = 0, /) -> FloatArray:
        """(..., n) position, or its nu-th derivative, at parameters (...)."""
        ...


def time_curve(
    curve: Curve, length: float, *, limits: JointLimits = PANDA_LIMITS, s_limits: ArrayLike = (np.inf,) * 3
) -> JointTrajectory:
    """A jerk-limited trajectory from rest to rest along a curve.

    Args:
        curve: q(s) for 0 <= s <= length; its third derivative is bounded.
        length: end of the parameter.
        limits: of the joints.
        s_limits: (3,) further limits on the velocity, acceleration and jerk of s itself.
    """
    own = np.asarray(s_limits, dtype=np.float64)
    tries = [
        _timed(curve, length, limits, np.minimum(_parameter_limits(curve, length, limits, share), own))
        for share in _CENTRIPETAL_SHARES
    ]
    return min(tries, key=lambda trajectory: trajectory.duration_s)


def _timed(curve: Curve, length: float, limits: JointLimits, rates: FloatArray) -> JointTrajectory:
    """The motion with constant limits on the parameter, stretched until it keeps the joints' limits."""
    s, v, a, times = rest_to_rest([0.0], [length], *rates[:, None])
    d1, d2, d3 = (np.asarray(curve(s[:, 0], nu)) for nu in (1, 2, 3))
    dq = d1 * v
    acceleration = np.abs(d2 * v**2 + d1 * a)
    jerk = np.abs(d3 * v**3 + 3.0 * d2 * v * a) + np.abs(d1) * rates[2]
    stretch = max(
        1.0,
        float((np.abs(dq) / limits.velocity).max()),
        float((acceleration / limits.acceleration).max()) ** 0.5,
        float((jerk / limits.jerk).max()) ** (1.0 / 3.0),
    )
    return JointTrajectory(times, np.asarray(curve(s[:, 0])), dq).slowed(1.0 / stretch)


def _parameter_limits(curve: Curve, length: float, limits: JointLimits, share: float) -> FloatArray:
    """(3,) limits on the parameter's rates that leave `share` of the joint acceleration to the bends."""
    s = np.linspace(0.0, length, _CURVE_SAMPLES)
    slope = np.maximum(np.abs(curve(s, 1)), 1e-9)
    bend = np.maximum(np.abs(curve(s, 2)), 1e-9)
    acceleration = np.asarray(limits.acceleration)
    v = min((limits.velocity / slope).min(), np.sqrt(share * acceleration / bend).min())
    a = ((acceleration - bend * v**2) / slope).min()
    return np.array([v, a, _JERK_SHARE * (limits.jerk / slope).min()])
