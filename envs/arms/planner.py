"""Collision-free motion between two postures: direct, over the top, or by a random tree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from envs.arms.ik import solve_ik
from envs.arms.limits import JointLimits
from envs.arms.model import ArmModel
from envs.arms.path_collision import CollisionResult, PathCollision
from envs.arms.rrt import connect
from envs.arms.trajectory import JointTrajectory
from envs.arms.waypoints import waypoint_motion
from geometry import FloatArray

_LIFTS_M = (0.10, 0.20, 0.30)


class MotionPlan(NamedTuple):
    """A motion, or why there is none."""

    trajectory: JointTrajectory | None
    """The motion; None where none was found."""
    waypoints: FloatArray
    """(k, n) rad; empty where none was found."""
    how: str
    """"direct", "lifted", "tree", or "blocked"."""
    blocked_by: CollisionResult
    """What the direct motion meets, or the collision at the start or the goal."""


def plan_motion(
    collision: PathCollision,
    q_from: ArrayLike,
    q_to: ArrayLike,
    rng: np.random.Generator,
    *,
    limits: JointLimits | None = None,
    speed: float = 1.0,
    ignore: Iterable[int] = (),
    tree_size: int = 1000,
) -> MotionPlan:
    """Find a motion from rest to rest that keeps clear of the obstacles.

    Args:
        collision: the arm and the obstacles.
        q_from: (n,) rad.
        q_to: (n,) rad.
        rng: drives the random tree.
        limits: of the joints; None are the arm's own.
        speed: factor on the speed; see `JointTrajectory.slowed`.
        ignore: ids of obstacles that may be touched.
        tree_size: postures that the random tree may try; 0 leaves it out.
    """
    start, goal = np.asarray(q_from, dtype=np.float64), np.asarray(q_to, dtype=np.float64)
    ignored, rates, none = tuple(ignore), limits or collision.arm.limits, np.empty((0, collision.arm.joints))
    for end in (start, goal):
        at_end = collision.check(end, ignore=ignored)
        if not at_end.free:
            return MotionPlan(None, none, "blocked", at_end)
    direct = collision.check(np.stack([start, goal]), ignore=ignored)
    for how, waypoints in _candidates(collision, start, goal, rng, ignored, tree_size):
        trajectory = _drivable(collision, waypoints, rates, speed, ignored)
        if trajectory is not None:
            return MotionPlan(trajectory, waypoints, how, direct)
    return MotionPlan(None, none, "blocked", direct)


def _candidates(
    collision: PathCollision,
    start: FloatArray,
    goal: FloatArray,
    rng: np.random.Generator,
    ignore: tuple[int, ...],
    tree_size: int,
) -> Iterator[tuple[str, FloatArray]]:
    """Paths to try, the fastest first; each is made only when the one before has failed."""
    yield "direct", np.stack([start, goal])
    for lift_m in _LIFTS_M:
        lifted = _lifted(collision.arm, start, goal, lift_m)
        if lifted is not None:
            yield "lifted", lifted
    if tree_size:
        is_free = partial(_is_free, collision, ignore)
        path = connect(is_free, start, goal, rng, tree_size=tree_size, limits=collision.arm.limits)
        if path is not None:
            yield "tree", path


def _is_free(collision: PathCollision, ignore: tuple[int, ...], path: FloatArray) -> bool:
    return collision.check(path, ignore=ignore).free


def _drivable(
    collision: PathCollision, waypoints: FloatArray, limits: JointLimits, speed: float, ignore: tuple[int, ...]
) -> JointTrajectory | None:
    """The fastest free trajectory through waypoints: with rounded corners, else with stops."""
    for stop in (False, True):
        trajectory = waypoint_motion(waypoints, limits=limits, stop=stop, speed=speed)
        if collision.check_trajectory(trajectory, ignore=ignore).free:
            return trajectory
        if len(waypoints) == 2:
            return None
    return None


def _lifted(arm: ArmModel, start: FloatArray, goal: FloatArray, lift_m: float) -> FloatArray | None:
    """Up from the start, across, and down to the goal, as (4, n) waypoints; None where out of reach."""
    ends = np.stack([start, goal])
    raised = arm.grasp_pose(ends)
    raised[:, 2, 3] = raised[:, 2, 3].max() + lift_m
    solved = solve_ik(raised, ends, q_rest=0.5 * (start + goal), arm=arm)
    if not solved.converged.all():
        return None
    return np.stack([start, *solved.q, goal])
