"""Push: shift a thing over the table with closed fingers, and look again after every stretch of the way."""

from __future__ import annotations

import numpy as np

from envs.panda import straight_line
from envs.workbench import TABLE, Layout, Thing
from geometry import PANDA_HAND, FloatArray, invert
from policies.execution.picking import Tried
from policies.execution.planned_grasps import frame
from policies.execution.robot import BenchRobot
from policies.programs import Push

_STRETCHES = 6
_STRETCH_M = 0.10
_ARRIVED_M = 0.007
_GAP_M = 0.025
_TIP_M = PANDA_HAND.finger_breadth_m / 2.0
_ABOVE_M = 0.10
_PUSH_M_S = 0.10
_TIP_HEIGHT_M = 0.012
_MEANT_M = 0.008
_COVERS_M = 0.010
_LEANS_RAD = (0.0, 0.35, -0.35)


def push(robot: BenchRobot, step: Push, begun: Layout | None = None) -> Tried:
    """Push until the thing is at its goal: on the line, or shifted as far as was shown.

    Args:
        robot: holds nothing.
        step: what was shown.
        begun: where things were before the first try; what is pushed over the table goes from there. None: from where
            it is now.
    """
    name = step.object
    thing = robot.bench.things[name]
    robot.held = None
    robot.arm.gripper.close()
    robot.look()
    gone = robot.unseen([step])
    if gone:
        return Tried(False, gone)
    start = robot.layout if begun is None or name not in begun else {**robot.layout, name: begun[name]}
    goal = goal_of(step, robot.bench.things, start)
    for _ in range(_STRETCHES):
        way = goal - robot.layout[name][:2, 3]
        if float(np.linalg.norm(way)) < _ARRIVED_M:
            break
        if not _stretch(robot, name, way):
            return Tried(False, f"the hand cannot come behind {name!r}")
        robot.look()
        if robot.unseen([step]):
            return Tried(False, robot.unseen([step]))
        goal = _on_the_way(goal, step, robot.layout, robot.bench.things)
    robot.rise(_ABOVE_M)
    robot.open()
    robot.look()
    if robot.unseen([step]):
        return Tried(False, robot.unseen([step]))
    goal = _on_the_way(goal, step, robot.layout, robot.bench.things)
    off = float(np.linalg.norm(goal - robot.layout[name][:2, 3]))
    room = 0.4 * min(thing.size_m[:2])
    return Tried(off < room, "" if off < room else f"{name!r} is {100 * off:.0f} cm off its goal")


def goal_of(step: Push, things: dict[str, Thing], layout: Layout) -> FloatArray:
    """(2,) where the middle of a pushed thing shall be: straight ahead on a line, else as it was shown."""
    origin = layout[step.object if step.to == TABLE else step.to]
    return _on_the_way(origin[:2, 3] + np.array(step.offset_m[:2]), step, layout, things)


def _on_the_way(goal: FloatArray, step: Push, layout: Layout, things: dict[str, Thing]) -> FloatArray:
    """(2,) the goal; on a line straight ahead from where the thing is now, with room for it at both ends.

    How far beside the line's middle it was shown to stand is kept as far as the thing then still covers that; what is
    less than a person's scatter is left out.
    """
    if step.to == TABLE or things[step.to].category != "line":
        return goal
    T_line, here = layout[step.to], layout[step.object][:2, 3]
    room = max(0.0, 0.5 * things[step.to].size_m[1] - 0.03)
    along = float(np.clip((here - T_line[:2, 3]) @ T_line[:2, 1], -room, room))
    across = float(np.array(step.offset_m[:2]) @ T_line[:2, 0])
    most = max(0.0, 0.5 * min(things[step.object].size_m[:2]) - _COVERS_M)
    across = float(np.clip(across, -most, most)) if abs(across) > _MEANT_M else 0.0
    straight: FloatArray = T_line[:2, 3] + along * T_line[:2, 1] + across * T_line[:2, 0]
    return straight


def _stretch(robot: BenchRobot, name: str, way: FloatArray) -> bool:
    """Come behind the thing, push it some of the way, and draw back; False where the hand cannot."""
    thing, T = robot.bench.things[name], robot.layout[name]
    length = float(np.linalg.norm(way))
    ahead = way / length
    behind = _reach_back(thing, T, ahead) + _TIP_M
    height = max(_TIP_HEIGHT_M, 0.35 * thing.size_m[2])
    start = T[:2, 3] - ahead * (behind + _GAP_M)
    end = T[:2, 3] + ahead * (min(length, _STRETCH_M) - behind)
    for lean in _LEANS_RAD:
        low, stop = _hand(start, height, ahead, lean), _hand(end, height, ahead, lean)
        high = low.copy()
        high[2, 3] += _ABOVE_M
        robot.refresh()
        q, reached = robot.ik(high)
        if not reached or straight_line(q, invert(robot.arm.T_world_base) @ low).share < 1.0:
            continue
        if not robot.go(q):
            robot.rise(_ABOVE_M)
            if not robot.go(q):
                continue
        if not (robot.line(low) and robot.line(stop, speed_m_s=_PUSH_M_S)):
            robot.rise(_ABOVE_M)
            continue
        robot.line(_hand(end - 0.02 * ahead, height, ahead, lean))
        robot.rise(_ABOVE_M)
        return True
    return False


def _hand(at_m: FloatArray, height_m: float, ahead: FloatArray, lean_rad: float) -> FloatArray:
    """(4, 4) closed fingers that stand side by side across the way, leaning to a side where asked to."""
    across = np.array([-ahead[1], ahead[0], 0.0])
    down = np.array([*(np.sin(lean_rad) * ahead), -np.cos(lean_rad)])
    return frame(down, across, (*at_m, height_m))


def _reach_back(thing: Thing, T_world_thing: FloatArray, ahead: FloatArray) -> float:
    """How far a thing reaches from its middle against the way, metres."""
    if thing.category in ("can", "cup", "bowl", "plate"):
        return 0.5 * thing.size_m[0]
    return _ray_exit(T_world_thing[:2, :2].T @ ahead, 0.5 * np.array(thing.size_m[:2]))


def _ray_exit(direction: FloatArray, half: FloatArray) -> float:
    """Distance from the middle of a rectangle to its edge along a direction (2,)."""
    with np.errstate(divide="ignore"):
        return float((half / np.abs(direction)).min())
