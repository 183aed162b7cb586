"""Collision-free motion between two postures: direct, over the top, or by a random tree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from envs.panda.ik import solve_ik
from envs.panda.kinematics import grasp_pose
from envs.panda.limits import PANDA_LIMITS, JointLimits
from envs.panda.path_collision import CollisionResult, PathCollision
from envs.panda.rrt import connect
from envs.panda.trajectory import JointTrajectory
from envs.panda.waypoints import waypoint_motion
from geometry import FloatArray

_LIFTS_M = (0.10, 0.20, 0.30)


class MotionPlan(NamedTuple):
    """A motion, or why there is none."""

    trajectory: JointTrajectory | None
    """The motion; None where none was found."""
    waypoints: FloatArray
    """(k, 7) rad; empty where none was found."""
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
    limits: JointLimits = PANDA_LIMITS,
    speed: float = 1.0,
    ignore: Iterable[int] = (),
    tree_size: int = 1000,
) -> MotionPlan:
    """Find a motion from rest to rest that keeps clear of the obstacles.

    Args:
        collision: the obstacles.
        q_from: (7,) rad.
        q_to: (7,) rad.
        rng: drives the random tree.
        limits: of the joints.
        speed: factor on the speed; see `JointTrajectory.slowed`.
        ignore: ids of obstacles that may be touched.
        tree_size: postures that the random tree may try; 0 leaves it out.
    """
    start, goal = np.asarray(q_from, dtype=np.float64), np.asarray(q_to, dtype=np.float64)
    ignored = tuple(ignore)
    for end in (start, goal):
        at_end = collision.check(end, ignore=ignored)
        if not at_end.free:
            return MotionPlan(None, np.empty((0, 7)), "blocked", at_end)
    direct = collision.check(np.stack([start, goal]), ignore=ignored)
    for how, waypoints in _candidates(collision, start, goal, rng, ignored, tree_size):
        trajectory = _drivable(collision, waypoints, limits, speed, ignored)
        if trajectory is not None:
            return MotionPlan(trajectory, waypoints, how, direct)
    return MotionPlan(None, np.empty((0, 7)), "blocked", direct)


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
        lifted = _lifted(start, goal, lift_m)
        if lifted is not None:
            yield "lifted", lifted
    if tree_size:
        path = connect(lambda path: collision.check(path, ignore=ignore).free, start, goal, rng, tree_size=tree_size)
        if path is not None:
            yield "tree", path


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


def _lifted(start: FloatArray, goal: FloatArray, lift_m: float) -> FloatArray | None:
    """Up from the start, across, and down to the goal, as (4, 7) waypoints; None where out of reach."""
    ends = np.stack([start, goal])
    raised = grasp_pose(ends)
    raised[:, 2, 3] = raised[:, 2, 3].max() + lift_m
    solved = solve_ik(raised, ends, q_rest=0.5 * (start + goal))
    if not solved.converged.all():
        return None
    return np.stack([start, *solved.q, goal])
