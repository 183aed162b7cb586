"""Experts that keep the fingers closed: Reach and Push."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from envs.manipulation import ManipulationEnv
from policies.experts.expert import SHUT, Expert, hand_action

_BEHIND_M = 0.045
_LOW_M, _HIGH_M = 0.015, 0.07
_ENOUGH_M = 0.03
"""Nearer to the goal it leaves the cube alone; the task is content with 5 cm."""


class ReachExpert(Expert):
    """Goes straight to the goal."""

    def act(self, env: ManipulationEnv) -> NDArray[np.float32]:
        """See `Expert.act`."""
        return hand_action(env, env.task.goal.tolist(), SHUT)


class PushExpert(Expert):
    """Goes over the cube to its far side and pushes it towards the goal, correcting sideways."""

    def act(self, env: ManipulationEnv) -> NDArray[np.float32]:
        """See `Expert.act`."""
        x, y, _ = env.scene.props[0].state.position
        hx, hy, hz = env.scene.arm.state.position
        gx, gy = float(env.task.goal[0]) - x, float(env.task.goal[1]) - y
        left = math.hypot(gx, gy)
        if left < _ENOUGH_M:
            return hand_action(env, (hx, hy, hz), SHUT)
        ux, uy = gx / left, gy / left
        along, across = (hx - x) * ux + (hy - y) * uy, (hy - y) * ux - (hx - x) * uy
        behind = (x - _BEHIND_M * ux, y - _BEHIND_M * uy)
        if along > -0.015 or abs(across) > 0.02 + 0.3 * max(0.0, -along - 0.05):
            near_spot = math.hypot(hx - behind[0], hy - behind[1]) < 0.015
            return hand_action(env, (*behind, _LOW_M if near_spot else self.heights * _HIGH_M), SHUT)
        if hz > _LOW_M + 0.02:
            return hand_action(env, (*behind, _LOW_M), SHUT)
        push = min(left, 0.05)
        target = (hx + push * ux + 1.2 * across * uy, hy + push * uy - 1.2 * across * ux, _LOW_M)
        return hand_action(env, target, SHUT, gain=0.45)
