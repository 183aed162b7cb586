"""Carry, Place and Release: from a thing in the hand to a thing that stands where it should."""

from __future__ import annotations

import numpy as np

from envs.panda import straight_line
from geometry import FloatArray, invert, transform
from policies.execution.foresight import turned, upright
from policies.execution.picking import Tried
from policies.execution.robot import BenchRobot
from policies.execution.spots import find_spot
from policies.programs import Place, unmet_effects

_ABOVE_M = (0.07, 0.12, 0.17)
_TOUCHED_N = 1.0
_DEEPER_M = 0.012
_HOVER_M = 0.004
_DROP_M = 0.05
_PLACED_M = 0.035
_LOWER_M_S = 0.10
_SPREAD_M = 0.03


def carry_to_place(robot: BenchRobot, step: Place) -> tuple[FloatArray | None, str]:
    """Bring what is held above where it shall go.

    Returns:
        (4, 4) `T_world_grasp` at which the thing stands in its place, or None and why it was not brought there.
    """
    if robot.held is None:
        return None, "nothing is held"
    held, name = robot.held, robot.held.thing.name
    spot = find_spot(step, name, step.to, robot.bench.things, robot.layout)
    if spot.T_world_thing is None:
        return None, spot.why
    standing = _made_upright(robot.layout[name])
    goals = turned(spot.T_world_thing @ standing) @ invert(held.T_grasp_thing)
    drops = step.relation == "in"
    robot.refresh()
    for careful in (False,) if drops else (True, False):
        for above_m in _ABOVE_M:
            for goal in goals:
                if _bring_above(robot, goal, above_m, drops=drops, careful=careful):
                    return goal, ""
    return None, f"no way with {name!r} to its place"


def place(robot: BenchRobot, step: Place, T_world_goal: FloatArray) -> Tried:
    """Lower what is held until it is held up from below, or as far as the hand may go."""
    if robot.held is None:
        return Tried(False, "nothing is held")
    name = robot.held.thing.name
    goal = T_world_goal.copy()
    if step.relation == "in":
        goal[2, 3] += _lowest_free(robot, goal)
    else:
        goal[2, 3] -= _DEEPER_M
    touched = not robot.line(goal, speed_m_s=_LOWER_M_S, stop_when=lambda: robot.bench.load_n(name) > _TOUCHED_N)
    if not robot.grips(name):
        robot.held = None
        return Tried(False, f"{name!r} fell while it was put down")
    return Tried(True, "set down" if touched else "let down from above")


def release(robot: BenchRobot) -> Tried:
    """Open the hand and draw it back."""
    robot.held = None
    robot.open(robot.arm.gripper.width_m + _SPREAD_M)
    robot.back_off()
    robot.open()
    return Tried(robot.bench.held() is None, "")


def stands(robot: BenchRobot, step: Place, place_m: FloatArray) -> Tried:
    """Look whether the thing is where it was put.

    Args:
        robot: has let go.
        step: what was done.
        place_m: (3,) where its middle should be.
    """
    name = step.object
    robot.look()
    missing = unmet_effects(step, robot.state())
    if missing or name not in robot.layout:
        return Tried(False, "; ".join(f"it is not so that {fact}" for fact in missing) or f"{name!r} is gone")
    off = float(np.linalg.norm((robot.layout[name][:3, 3] - place_m)[:2]))
    if step.relation in ("at", "beside") and off > _PLACED_M:
        return Tried(False, f"{name!r} is {100 * off:.0f} cm off its place")
    return Tried(True, "")


def put_away(robot: BenchRobot) -> None:
    """Set down what is held where the hand is, gently, and let go: the safe end of a program that failed."""
    if robot.held is None:
        return
    name = robot.held.thing.name
    goal = robot.arm.T_world_grasp
    middle_m = robot.look().get(name, goal)[2, 3]
    goal[2, 3] -= max(0.0, float(middle_m) - 0.5 * min(robot.held.thing.size_m)) + _DEEPER_M
    robot.line(goal, speed_m_s=_LOWER_M_S, stop_when=lambda: robot.bench.load_n(name) > _TOUCHED_N or robot.pushes())
    release(robot)


def _made_upright(T_world_thing: FloatArray) -> FloatArray:
    """(4, 4) rotation of a thing as it hangs in the hand, turned as little as makes it stand on a face."""
    R = upright(T_world_thing)
    axis = int(np.abs(R[2, :3]).argmax())
    heading = float(np.arctan2(R[1, (axis + 1) % 3], R[0, (axis + 1) % 3]))
    c, s = np.cos(heading), np.sin(heading)
    level = np.zeros((3, 3))
    level[:, axis] = (0.0, 0.0, np.sign(R[2, axis]))
    level[:, (axis + 1) % 3] = (c, s, 0.0)
    level[:, (axis + 2) % 3] = np.cross(level[:, axis], level[:, (axis + 1) % 3])
    return transform(level)


def _bring_above(robot: BenchRobot, goal: FloatArray, above_m: float, *, drops: bool, careful: bool) -> bool:
    """Move above a place from which the goal can be reached straight down; False where that is not possible.

    Care is taken that the open hand, on its way down, keeps clear of what stands beside the place.
    """
    start = goal.copy()
    start[2, 3] += above_m
    q, reached = robot.ik(start)
    if not reached or not robot.is_free(q):
        return False
    down = straight_line(q, invert(robot.arm.T_world_base) @ goal)
    if down.share < (0.5 if drops else 1.0):
        return False
    if careful and not _hand_is_free(robot, down.q):
        return False
    if robot.held is not None and robot.held.level:
        return robot.go_level(start)
    return robot.go(q)


def _hand_is_free(robot: BenchRobot, path: FloatArray) -> bool:
    """Whether the arm keeps clear along a path (k, 7), whatever becomes of what it holds."""
    robot.model.collision.detach()
    free = robot.is_free(path)
    robot.refresh()
    return free


def _lowest_free(robot: BenchRobot, goal: FloatArray) -> float:
    """How far above the goal the hand must stay so as not to touch walls, metres."""
    robot.model.collision.detach()
    for up_m in np.arange(_HOVER_M, _DROP_M, 0.006).tolist():
        T = goal.copy()
        T[2, 3] += up_m
        q, reached = robot.ik(T)
        if reached and robot.is_free(q):
            return float(up_m)
    return _DROP_M
