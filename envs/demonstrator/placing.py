"""How a person carries a thing somewhere, puts it down and lets go."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from envs.demonstrator.grips import away_from
from envs.demonstrator.showing import Showing
from envs.workbench import TABLE, Put
from geometry import FloatArray, transform

AIM_M, STACK_AIM_M = 0.003, 0.0015
"""Standard deviation along each axis of where a person puts things, and where a tower asks for care."""
_ABOVE_M = 0.06
_TURN_RAD = 0.35


def put(showing: Showing, move: Put) -> None:
    """Carry, place and release."""
    T_goal = _goal(showing, move)
    above = T_goal.copy()
    above[2, 3] += _ABOVE_M + (0.5 * showing.things[move.to].size_m[2] if move.relation == "in" else 0.0)
    start = showing.path.now_s
    showing.carry_thing(move.object, above, base_s=0.6, per_m_s=0.8, arch_m=0.03)
    showing.tell("carry", move.object, move.to, start)
    start = showing.path.now_s
    showing.carry_thing(move.object, T_goal, base_s=0.55, per_m_s=2.5, arch_m=0.0)
    showing.pause(0.12)
    showing.tell("place", move.object, move.to, start)
    start = showing.path.now_s
    showing.let_go(move.object)
    showing.tell("release", move.object, None, start)


def _goal(showing: Showing, move: Put) -> FloatArray:
    """(4, 4) where the thing shall stand, upright."""
    thing, aim = showing.things[move.object], AIM_M
    if move.to == TABLE:
        at = np.array([*move.offset_m, 0.0])
    else:
        other = showing.things[move.to]
        at = showing.at(move.to)[:3, 3] + (*move.offset_m, other.carries_at_m)
        if move.relation == "beside":
            at[2] = 0.0
        aim = STACK_AIM_M if other.category in ("cube", "block") else AIM_M
    at[:2] += showing.rng.normal(0.0, aim, 2)
    at[2] += thing.bottom_m
    return transform(Rotation.from_euler("z", _heading(showing, move, at)), at)


def _heading(showing: Showing, move: Put, at: FloatArray) -> float:
    """Heading of the thing: with the arm it turns a little; in boxes and on cubes along the edges."""
    T_now = showing.at(move.object)
    yaw = float(np.arctan2(T_now[1, 0], T_now[0, 0]))
    shoulder = showing.person.body.shoulder_m
    before, after = away_from(shoulder, T_now[:3, 3], 0.0), away_from(shoulder, at, 0.0)
    turn = float(np.arctan2(before[0] * after[1] - before[1] * after[0], before[:2] @ after[:2]))
    yaw += float(np.clip(turn, -_TURN_RAD, _TURN_RAD))
    if move.to != TABLE and showing.things[move.to].category in ("cube", "block", "box"):
        T_other = showing.at(move.to)
        edge = float(np.arctan2(T_other[1, 0], T_other[0, 0]))
        quarter = 0.5 * np.pi
        yaw = edge + quarter * round((yaw - edge) / quarter) + float(showing.rng.normal(0.0, 0.03))
    return yaw
