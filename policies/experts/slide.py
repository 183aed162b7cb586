"""The expert of Slide: one strike, whose speed follows from friction and distance."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from envs.manipulation import ManipulationEnv
from envs.manipulation.tasks import SLIDING_FRICTION
from policies.experts.expert import SHUT, Expert, Vec, hand_action

_GRAVITY_MS2 = 9.81
_FINGERS_M = (0.0105, 0.020)
"""From the grasp point to the front of the closed fingers, and to their corners."""
_STRAIGHT = 0.03
"""Below this sine of the direction the strike is half by the fingers' front, which sends the puck straight ahead."""
_RUN_UP_M = 0.03
_LOW_M, _HIGH_M = 0.012, 0.06
_BEYOND_M = 0.2
_PACE = 0.985
"""Of the speed that friction consumes on the way to the goal; what is missing comes with the last touch."""
_ENOUGH_MS = 0.02


class SlideExpert(Expert):
    """Goes over the puck to its far side, brings it to the speed that it needs, and stops short.

    The fingers do not turn with the direction. Their corner is led along a line through the puck's middle,
    for the force acts along the normal of where they touch.
    """

    def act(self, env: ManipulationEnv) -> NDArray[np.float32]:
        """See `Expert.act`."""
        puck, hand = env.scene.props[0], env.scene.arm.state.position
        (x, y, _), _, (vx, vy, _), _ = puck.state
        gx, gy = float(env.task.goal[0]) - x, float(env.task.goal[1]) - y
        left = max(math.hypot(gx, gy), 1e-6)
        ux, uy = gx / left, gy / left
        needed = math.sqrt(2.0 * SLIDING_FRICTION * _GRAVITY_MS2 * left)
        if vx * ux + vy * uy > needed - _ENOUGH_MS or x > _BEYOND_M:
            return hand_action(env, hand, SHUT)
        front, corner = _FINGERS_M
        radius = 0.5 * puck.prop.size_m[0]
        corner *= max(-1.0, min(1.0, uy / _STRAIGHT))
        touch = (x - radius * ux - front, y - radius * uy - corner)
        return _strike(env, touch, (ux, uy), _PACE * needed)


def _strike(env: ManipulationEnv, touch_m: Vec, direction: Vec, speed_ms: float) -> NDArray[np.float32]:
    """Come in behind the point where the hand touches the puck, then pass through it at a speed."""
    (ux, uy), (hx, hy, hz) = direction, env.scene.arm.state.position
    start = (touch_m[0] - _RUN_UP_M * ux, touch_m[1] - _RUN_UP_M * uy)
    rx, ry = hx - touch_m[0], hy - touch_m[1]
    across = ry * ux - rx * uy
    if rx * ux + ry * uy > 0.03 or abs(across) > 0.02:
        above = math.hypot(hx - start[0], hy - start[1]) < 0.012
        return hand_action(env, (*start, _LOW_M if above else _HIGH_M), SHUT)
    if hz > _LOW_M + 0.012:
        return hand_action(env, (*start, _LOW_M), SHUT)
    pace = speed_ms * env.physics.control_period_s
    target = (hx + pace * ux + 0.5 * across * uy, hy + pace * uy - 0.5 * across * ux, _LOW_M)
    return hand_action(env, target, SHUT, gain=1.0)
