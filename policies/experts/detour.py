"""The expert of Detour: one smooth curve round the pillar, by a side that it draws anew for every episode."""

from __future__ import annotations

import copy

import numpy as np
from numpy.typing import NDArray

from envs.manipulation import ManipulationEnv
from policies.experts.expert import SHUT, Expert, hand_action

_ASIDE_M = 0.145
"""How far from the pillar's middle the curve passes: half the pillar and half the fingers are 8.3 cm."""
_AHEAD_M = 0.03
_ASTRAY_M = 0.03
"""So far beside the curve it goes back to it first, and not on."""
_DECIDED_M = 0.02
"""A hand that is so far to one side, and not at the start any more, has gone that way already."""


class DetourExpert(Expert):
    """Left or right by the toss of a coin, wherever goal and pillar lie.

    Args:
        rng: tosses the coin; None takes it from the episode's seed, by looking at the environment's next random
            number without drawing it: a seed then gives the same side in whatever order episodes are played.
    """

    def __init__(self, rng: np.random.Generator | None = None) -> None:
        self._rng = rng
        self.side = 1
        """1 left (the greater y), -1 right."""

    def reset(self, env: ManipulationEnv) -> None:
        """Choose the side; a hand that has swerved already goes on by the side where it is."""
        (x, y, _), (_, py, _) = env.scene.arm.state.position, env.scene.props[0].state.position
        toss = (copy.deepcopy(env.np_random) if self._rng is None else self._rng).random()
        swerved = abs(y - py) > _DECIDED_M and x > env.task.start_m[0] + _DECIDED_M
        left = y > py if swerved else toss < 0.5
        self.side = 1 if left else -1

    def act(self, env: ManipulationEnv) -> NDArray[np.float32]:
        """See `Expert.act`."""
        x, y, _ = env.scene.arm.state.position
        gx, gy, gz = (float(g) for g in env.task.goal[:3])
        astray = abs(self._curve(env, x, gx, gy) - y) / _ASTRAY_M
        ahead = min(x + _AHEAD_M * max(1.0 - astray, 0.0), gx)
        return hand_action(env, (ahead, self._curve(env, ahead, gx, gy), gz), SHUT)

    def _curve(self, env: ManipulationEnv, x: float, gx: float, gy: float) -> float:
        """Where the curve is at x: the straight way with a bump of the fourth degree about the pillar."""
        (sx, sy, _), (px, py, _) = env.task.start_m, env.scene.props[0].state.position
        straight = sy + (gy - sy) * (x - sx) / (gx - sx)
        half = gx - px if x > px else px - sx
        bump = (1.0 - min(abs(x - px) / half, 1.0) ** 2) ** 2
        return straight + bump * (py + self.side * _ASIDE_M - straight)
