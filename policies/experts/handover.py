"""The expert of Handover: follows the offered end, grasps it from above, waits for the giver, brings it home."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from envs.manipulation import ManipulationEnv
from envs.manipulation.tasks import Handover, free_end
from policies.experts.expert import OPEN, SHUT, Expert, hand_action
from policies.experts.pick_place import yaw_of

_ABOVE_M, _DEPTH_M = 0.05, 0.035
_ALIGNED_M = 0.012
_LEAD_S = 0.06
_GRIP_SLACK_M = 0.004
_NEAREST_M = 0.17
"""Farther out the robot does not follow; it waits."""
_CLEAR_M = 0.16


class HandoverExpert(Expert):
    """Plays from the present state alone."""

    def act(self, env: ManipulationEnv) -> NDArray[np.float32]:
        """See `Expert.act`."""
        assert isinstance(env.task, Handover)
        stick, arm = env.scene.props[0], env.scene.arm.state
        end, yaw = free_end(env.scene), yaw_of(stick)
        x, y, z = (e + _LEAD_S * v for e, v in zip(end, stick.state.velocity, strict=True))
        hx, hy, hz = arm.position
        aside = math.hypot(hx - end[0], hy - end[1])
        around = aside < 0.03 and -0.06 < hz - end[2] < -0.01
        if around and arm.opening_m < stick.prop.size_m[1] + _GRIP_SLACK_M:
            if not env.task.released:
                vx, vy, vz = (_LEAD_S * v for v in stick.state.velocity)
                return hand_action(env, (hx + vx, hy + vy, hz + vz), SHUT, yaw)
            return self._bring(env)
        if end[0] > _NEAREST_M or aside > _ALIGNED_M and not around:
            return hand_action(env, (min(x, _NEAREST_M), y, z + _ABOVE_M), OPEN, yaw, gain=0.9)
        deep = end[2] - hz > _DEPTH_M - 0.01
        return hand_action(env, (x, y, z - _DEPTH_M), SHUT if deep else OPEN, yaw, gain=0.9)

    def _bring(self, env: ManipulationEnv) -> NDArray[np.float32]:
        """Carry the stick home, not downwards while it is still in the open hand."""
        (px, py, pz), (hx, hy, hz) = env.scene.props[0].state.position, env.scene.arm.state.position
        assert isinstance(env.task, Handover)
        gx, gy, gz = (float(g) for g in env.task.goal)
        gone = math.dist((px, py, pz), env.task.giver_m) > _CLEAR_M
        rise = gz - pz if gone else max(gz - pz, 0.04)
        return hand_action(env, (hx + gx - px, hy + gy - py, hz + rise), SHUT, env.scene.arm.yaw())
