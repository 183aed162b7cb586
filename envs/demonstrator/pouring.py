"""How a person pours: the cup's lip goes above the vessel, the cup is tilted about it and straightened."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from envs.demonstrator.grips import away_from
from envs.demonstrator.hand_path import Way
from envs.demonstrator.minimum_jerk import minimum_jerk
from envs.demonstrator.showing import Showing
from envs.workbench import PourOut
from geometry import FloatArray, transform

_CLEAR_M, _LOW_M = 0.025, 0.035
"""Height of the upright cup's bottom, and of the tilted cup's lip, above the vessel's rim."""


def pour_out(showing: Showing, move: PourOut) -> None:
    """Carry and pour; the cup is upright again at the end."""
    cup, vessel = showing.things[move.object], showing.things[move.to]
    T_vessel = showing.at(move.to)
    lip = T_vessel[:3, 3] + (0.0, 0.0, 0.5 * vessel.size_m[2])
    lip[:2] += showing.rng.normal(0.0, 0.004, 2)
    heading = away_from(showing.person.body.shoulder_m, lip, float(showing.rng.normal(0.35, 0.1)))
    T_now = showing.at(move.object)
    tilting = _Tilting(lip, heading, 0.5 * cup.size_m[0], cup.size_m[2], T_now[:3, :3])
    start = showing.path.now_s
    showing.carry_thing(move.object, tilting.pose(0.0, 0.0), base_s=0.7, per_m_s=0.8, arch_m=0.02)
    showing.tell("carry", move.object, move.to, start)
    start = showing.path.now_s
    angle = move.angle_rad + float(showing.rng.normal(0.0, 0.05))
    down, stay, up = showing.lasts(1.0), showing.lasts(0.8), showing.lasts(0.8)
    showing.move_held(move.object, down, tilting.way(0.0, angle, down))
    showing.move_held(move.object, stay, tilting.way(angle, angle, stay))
    showing.move_held(move.object, up, tilting.way(angle, 0.0, up))
    showing.tell("pour", move.object, move.to, start)


class _Tilting:
    """Poses of a cup whose lip is over one place."""

    def __init__(
        self, lip: FloatArray, heading: FloatArray, radius_m: float, tall_m: float, upright: FloatArray
    ) -> None:
        self._lip, self._axis, self._upright = lip, -heading, upright
        self._tall_m = tall_m
        left = np.cross((0.0, 0.0, 1.0), heading)
        self._middle_to_lip = radius_m * left + (0.0, 0.0, 0.5 * tall_m)

    def pose(self, angle_rad: float, lowered: float) -> FloatArray:
        """(4, 4) the cup at a tilt; `lowered` from 0, clear of the vessel, to 1, low above it."""
        turn = Rotation.from_rotvec(angle_rad * self._axis)
        height = (1.0 - lowered) * (self._tall_m + _CLEAR_M) + lowered * _LOW_M
        middle = self._lip + (0.0, 0.0, height) - turn.apply(self._middle_to_lip)
        return transform(turn.as_matrix() @ self._upright, middle)

    def way(self, start_rad: float, end_rad: float, duration_s: float) -> Way:
        """Tilt by minimum jerk; the lip sinks as the cup's bottom rises."""
        largest = max(start_rad, end_rad)

        def way(moments: FloatArray) -> FloatArray:
            angles = start_rad + (end_rad - start_rad) * minimum_jerk(moments / duration_s)
            return np.stack([self.pose(float(a), float(np.sin(0.5 * np.pi * min(a / largest, 1.0)))) for a in angles])

        return way
