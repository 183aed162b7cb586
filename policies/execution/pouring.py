"""Pour: tilt what is held above something until it is empty, and straighten it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from envs.panda import IKConfig, solve_ik, waypoint_motion
from geometry import FloatArray, invert
from policies.execution.foresight import upright
from policies.execution.picking import Tried
from policies.execution.pour_path import TILTS, aside_rad, pour_paths
from policies.execution.robot import BenchRobot
from policies.programs import Pour

Contents = Callable[[str], int]
"""How much is in an open thing, as a scale may tell it: the number of its balls."""
_NEAR = IKConfig(position_tolerance_m=1e-4, angle_tolerance_rad=1e-3, restarts=0, centring=0.0)
_LARGEST_STEP_RAD = 0.6
_SPEED = 0.6
_SHAKES, _BLIND_SHAKES = 3, 2
_ENOUGH = 0.5
_LEAST_WAIT_S, _MOST_WAIT_S = 0.5, 2.0
_UP_M = (0.0, 0.04)
_MOST_WAYS = 10
_SECTOR_RAD = np.radians(60.0)


def carry_to_pour(robot: BenchRobot, step: Pour) -> tuple[FloatArray | None, str]:
    """Bring what is held, kept level, to where it begins to tilt.

    Returns:
        (k, 7) postures of the tilting, from upright to the largest tilt; or None and why there is none.
    """
    if robot.held is None:
        return None, "nothing is held"
    held, to = robot.held, step.to
    into, T_into = robot.bench.things[to], robot.layout[to]
    robot.refresh()
    heading = upright(robot.layout[held.thing.name])
    cups = pour_paths(held.thing, into, T_into, step.angle_rad, heading)
    for path in _ways(robot, cups @ invert(held.T_grasp_thing), aside_rad(cups, step.offset_m)):
        robot.refresh()
        rise_m = float(path[0, 2, 3] - robot.arm.T_world_grasp[2, 3])
        if rise_m > 0.0:
            robot.rise(rise_m)
        if not robot.go_level(path[0]):
            continue
        robot.model.collision.detach()
        postures = _onwards(robot, path, robot.arm.q)
        if postures is not None and robot.is_free(postures):
            return postures, ""
    return None, f"no way to pour from {held.thing.name!r} into {to!r}"


def pour(robot: BenchRobot, step: Pour, postures: FloatArray, contents: Contents | None) -> Tried:
    """Tilt, wait, shake, and straighten.

    Args:
        robot: holds what is poured from.
        step: what was shown.
        postures: (k, 7) of the tilting.
        contents: tells when the cup is empty, and whether it arrived; None: the robot shakes twice, and trusts.
    """
    if robot.held is None:
        return Tried(False, "nothing is held")
    name, to = robot.held.thing.name, step.to
    before = None if contents is None else contents(name)
    if before == 0:
        return Tried(False, f"nothing is left in {name!r}")
    robot.follow(waypoint_motion(postures, speed=_SPEED))
    robot.bench.wait(float(np.clip(step.duration_s, _LEAST_WAIT_S, _MOST_WAIT_S)))
    for _ in range(_SHAKES if contents else _BLIND_SHAKES):
        if contents and not contents(name):
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
    if contents is None or before is None:
        return Tried(True, "")
    arrived = contents(to)
    return Tried(arrived >= _ENOUGH * before, f"{arrived} balls are in {to!r}")


def _ways(robot: BenchRobot, paths: FloatArray, aside: FloatArray) -> Iterator[FloatArray]:
    """Hand poses (k, 4, 4), out of (n, k, 4, 4), that the arm can follow freely; best first.

    Those from about the shown side come first, `aside` (n,) radians from it; among them those near the arm's posture.
    """
    found = 0
    for up_m in _UP_M:
        raised = paths.copy()
        raised[..., 2, 3] += up_m
        q, reached = robot.ik(raised[:, :: TILTS // 3])
        near = np.flatnonzero(reached.all(axis=1))
        travel = np.abs(q[near, 0] - robot.arm.q).max(axis=1)
        for index in near[np.lexsort((travel, np.round(aside[near] / _SECTOR_RAD)))]:
            robot.model.collision.detach()
            if not robot.are_free(q[index]) or _postures(robot, raised[index], q[index, 2]) is None:
                continue
            yield raised[index]
            found += 1
            if found == _MOST_WAYS:
                return


def _postures(robot: BenchRobot, path: FloatArray, q_middle: FloatArray) -> FloatArray | None:
    """(k, 7) free postures along hand poses (k, 4, 4), from one in its second half; None where they would jump."""
    middle = 2 * (TILTS // 3)
    after = _onwards(robot, path[middle:], q_middle)
    before = _onwards(robot, path[middle::-1], q_middle)
    if after is None or before is None:
        return None
    postures = np.concatenate([before[:0:-1], after])
    return postures if robot.is_free(postures) else None


def _onwards(robot: BenchRobot, path: FloatArray, q: FloatArray) -> FloatArray | None:
    """(k, 7) postures along hand poses (k, 4, 4), each near the one before; None where there are none."""
    found = []
    for target in invert(robot.arm.T_world_base) @ path:
        solved = solve_ik(target, q, config=_NEAR)
        if not solved.converged or np.abs(solved.q - q).max() > _LARGEST_STEP_RAD:
            return None
        q = solved.q
        found.append(q)
    return np.array(found)


def _shake(robot: BenchRobot, postures: FloatArray) -> None:
    """Back by a few moments of the tilting, and forth again, fast."""
    robot.follow(waypoint_motion(postures[:-4:-1], speed=0.8))
    robot.follow(waypoint_motion(postures[-3:], speed=0.8))
    robot.bench.wait(_LEAST_WAIT_S)
