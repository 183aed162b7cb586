"""From ranked grasps to the first one that the arm can reach, with the motions that lead there."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from envs.arms import JointTrajectory, PathCollision, plan_motion, solve_grasp_ik, straight_line
from envs.clutter import RankedGrasps
from geometry import FloatArray, InputError, invert, transform

_APPROACH_MARGIN_M = 0.0005


@dataclass(frozen=True, kw_only=True)
class PickConfig:
    """How the arm goes about a pick."""

    grasps_considered: int = 20
    """How many of the best grasps are checked for reach before the pick is given up."""
    pregrasp_m: float = 0.08
    """The straight approach begins this far behind the grasp."""
    lift_m: float = 0.10
    """Least height of the straight lift after the grasp."""
    approach_m_s: float = 0.15
    """Speed of the approach."""
    lift_m_s: float = 0.5
    """Speed of the lift."""
    approach_force_n: float = 20.0
    """A contact with more force than this ends the approach where it is."""
    tree_size: int = 150
    """Postures that the random tree may try on the way to a pregrasp."""

    def __post_init__(self) -> None:
        positive = (self.pregrasp_m, self.lift_m, self.approach_m_s, self.lift_m_s, self.approach_force_n)
        if min(positive) <= 0.0 or self.grasps_considered < 1 or self.tree_size < 0:
            raise InputError("PickConfig", expected="lengths, speeds and force above 0", got=f"{self}")


@dataclass(frozen=True, kw_only=True)
class PickPlan:
    """A grasp within reach, and how to get there."""

    index: int
    """Which of the ranked grasps."""
    T_world_grasp: FloatArray
    """(4, 4) the grasp, or its twin turned by 180 degrees about the approach."""
    to_pregrasp: JointTrajectory
    """From where the arm stands to behind the grasp."""
    approach: JointTrajectory
    """The straight line from there to the grasp."""


class PickPlanning(NamedTuple):
    """A plan, or why there is none."""

    plan: PickPlan | None
    """None where no grasp can be reached."""
    refused: dict[str, int]
    """For the grasps that were refused before it: how many, by reason."""


def plan_pick(
    grasps: RankedGrasps,
    q_now: FloatArray,
    T_world_base: FloatArray,
    collision: PathCollision,
    cloud_id: int | None,
    config: PickConfig,
    rng: np.random.Generator,
) -> PickPlanning:
    """Plan the first grasp, best first, that has an IK solution and a free way to it.

    Args:
        grasps: best first, in the world.
        q_now: (n,) where the arm stands, rad.
        T_world_base: (4, 4) the arm's base.
        collision: the arm, and what it must not touch.
        cloud_id: the seen objects among it, which the hand may touch on the straight approach only.
        config: distances and speeds.
        rng: for the motion planner's random tree.
    """
    poses = np.asarray(grasps.poses)[: config.grasps_considered]
    refused: Counter[str] = Counter()
    if len(poses) == 0:
        return PickPlanning(None, {})
    T_base_world = invert(T_world_base)
    solved, turned = solve_grasp_ik(T_base_world @ poses, q_now, arm=collision.arm)
    touchable = () if cloud_id is None else (cloud_id,)
    for index in range(len(poses)):
        if not solved.converged[index]:
            refused["out of reach"] += 1
            continue
        pose = poses[index] @ transform(np.diag([-1.0, -1.0, 1.0])) if turned[index] else poses[index]
        T_base_pregrasp = T_base_world @ pose @ transform(translation=(0.0, 0.0, -config.pregrasp_m))
        back = straight_line(solved.q[index], T_base_pregrasp, speed_m_s=config.approach_m_s, arm=collision.arm)
        if back.trajectory is None:
            refused["no straight approach"] += 1
            continue
        if not _is_free(collision, back.q, touchable):
            refused["approach blocked"] += 1
            continue
        motion = plan_motion(collision, q_now, back.q[-1], rng, ignore=(), tree_size=config.tree_size)
        if motion.trajectory is None:
            refused["way blocked"] += 1
            continue
        plan = PickPlan(
            index=index,
            T_world_grasp=pose,
            to_pregrasp=motion.trajectory,
            approach=back.trajectory.reversed(),
        )
        return PickPlanning(plan, dict(refused))
    return PickPlanning(None, dict(refused))


def _is_free(collision: PathCollision, path: FloatArray, touchable: tuple[int, ...]) -> bool:
    """Whether the approach keeps clear of table and bin; at the grasp the fingers may all but touch the table."""
    margin_m, collision.margin_m = collision.margin_m, _APPROACH_MARGIN_M
    try:
        return collision.check(path, ignore=touchable).free
    finally:
        collision.margin_m = margin_m
