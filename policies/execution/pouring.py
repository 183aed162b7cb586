"""Pour: tilt what is held above something until it is empty, and straighten it again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from envs.panda import IKConfig, grasp_pose, solve_ik, waypoint_motion
from geometry import FloatArray, invert
from policies.execution.foresight import upright
from policies.execution.picking import Tried, still_held
from policies.execution.pour_path import pour_paths
from policies.execution.robot import BenchRobot
from policies.programs import Pour

Contents = Callable[[str], int]
"""How much is in an open thing: the number of its balls."""
_NEAR = IKConfig(position_tolerance_m=1e-4, angle_tolerance_rad=1e-3, restarts=0, centring=0.0)
_LARGEST_STEP_RAD = 0.6
_SPEED = 0.35
_SHAKES = 3
_LEAST_WAIT_S, _MOST_WAIT_S = 0.5, 2.0
_UP_M = (0.0, 0.03, 0.06)


def carry_to_pour(robot: BenchRobot, step: Pour, names: dict[str, str]) -> tuple[FloatArray | None, str]:
    """Bring what is held, kept level, to where it begins to tilt.

    Returns:
        (k, 7) postures of the tilting, from upright to the largest tilt; or None and why there is none.
    """
    felt = still_held(robot)
    if not felt.done or robot.held is None:
        return None, felt.why
    held, to = robot.held, names[step.to]
    into, T_into = robot.bench.things[to], robot.layout[to]
    robot.refresh()
    robot.model.collision.detach()
    heading = upright(robot.layout[held.thing.name])
    paths = pour_paths(held.thing, into, T_into, step.angle_rad, heading) @ invert(held.T_grasp_thing)
    found = [q for up_m in _UP_M for path in paths if (q := _postures(robot, path, up_m)) is not None]
    found.sort(key=lambda q: float(np.abs(q[0] - robot.arm.q).max()))
    for postures in found:
        start = robot.arm.T_world_grasp
        robot.refresh()
        goal = _hand_at(robot, postures[0])
        if goal[2, 3] > start[2, 3]:
            robot.rise(float(goal[2, 3] - start[2, 3]))
        if robot.go_level(goal):
            return _postures_from(robot, postures), ""
    return None, f"no way to pour from {held.thing.name!r} into {to!r}"


def pour(robot: BenchRobot, step: Pour, postures: FloatArray, names: dict[str, str], contents: Contents | None) -> Tried:
    """Tilt, wait, shake where something is left, and straighten."""
    if robot.held is None:
        return Tried(False, "nothing is held")
    name, to = robot.held.thing.name, names[step.to]
    there = waypoint_motion(postures, speed=_SPEED)
    robot.follow(there)
    robot.bench.wait(float(np.clip(step.duration_s, _LEAST_WAIT_S, _MOST_WAIT_S)))
    for _ in range(_SHAKES):
        if contents is None or not contents(name):
            break
        _shake(robot, postures)
    left = 0 if contents is None else contents(name)
    robot.follow(waypoint_motion(postures[::-1], speed=_SPEED))
    if not robot.grips(name):
        robot.held = None
        return Tried(False, f"{name!r} fell while it was tilted")
    if left:
        return Tried(False, f"{left} balls stay in {name!r}")
    robot.held = replace(robot.held, level=False)
    arrived = "" if contents is None else f"{contents(to)} balls are in {to!r}"
    return Tried(True, arrived)


def _postures(robot: BenchRobot, path: FloatArray, up_m: float) -> FloatArray | None:
    """(k, 7) free postures along hand poses (k, 4, 4), raised by some height; None where there are none."""
    raised = path.copy()
    raised[:, 2, 3] += up_m
    ends, reached = robot.ik(raised[[0, len(raised) // 2]])
    if not reached.all():
        return None
    q = [ends[1]]
    for order in (range(len(raised) // 2 + 1, len(raised)), range(len(raised) // 2 - 1, -1, -1)):
        near = ends[1]
        for moment in order:
            solved = solve_ik(invert(robot.arm.T_world_base) @ raised[moment], near, config=_NEAR)
            if not solved.converged or np.abs(solved.q - near).max() > _LARGEST_STEP_RAD:
                return None
            near = solved.q
            q = [*q, near] if moment > len(raised) // 2 else [near, *q]
    postures = np.array(q)
    return postures if robot.is_free(postures) else None


def _postures_from(robot: BenchRobot, postures: FloatArray) -> FloatArray:
    """The same hand poses, followed from the posture in which the arm arrived at the first."""
    near, found = robot.arm.q, []
    for q in postures:
        solved = solve_ik(invert(robot.arm.T_world_base) @ _hand_at(robot, q), near, config=_NEAR)
        if not solved.converged:
            return np.concatenate([robot.arm.q[None], postures[1:]])
        near = solved.q
        found.append(near)
    return np.array(found)


def _hand_at(robot: BenchRobot, q: FloatArray) -> FloatArray:
    T: FloatArray = robot.arm.T_world_base @ grasp_pose(q)
    return T


def _shake(robot: BenchRobot, postures: FloatArray) -> None:
    """Back by a few moments of the tilting, and forth again, fast."""
    robot.follow(waypoint_motion(postures[:-4:-1], speed=0.8))
    robot.follow(waypoint_motion(postures[-3:], speed=0.8))
    robot.bench.wait(_LEAST_WAIT_S)
