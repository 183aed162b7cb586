"""A pickup as a whole: look, try the best grasp, and where it fails the next one, until something is held."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from envs.clutter import Proposals
from geometry import FloatArray
from policies import Phase, PickAndPlace, untried_first
from ros_nodes.pick_server.ending import Ending, ending_of_refusals
from ros_nodes.pick_server.failed_grasps import FailedGrasps


class Seen(NamedTuple):
    """Grasps in the world, and what stands around."""

    poses: FloatArray
    """(N, 4, 4) best first."""
    scores: FloatArray
    """(N,)."""
    messages: Sequence[Any]
    """The moveit_msgs/Grasp that each came as."""
    cloud_world: FloatArray
    """(M, 3) points to keep clear of; may be none."""


def pick_up(
    skill: PickAndPlace,
    look: Callable[[], Seen | Ending],
    *,
    attempts: int,
    failed: FailedGrasps,
    tell: Callable[[Phase], None],
    rng: np.random.Generator,
) -> Ending:
    """Try until something is held.

    Args:
        skill: drives the robot.
        look: gives the grasps anew before each attempt, or the ending where it cannot.
        attempts: grasps that may be tried.
        failed: grasps that failed before; those of this pickup are added.
        tell: told where another attempt begins.
        rng: for the motion planner.
    Raises:
        RobotStopped: if the robot stops for good.
    """
    misses: list[str] = []
    last = None
    for _ in range(attempts):
        if misses:
            tell("retry")
        seen = look()
        if isinstance(seen, Ending):
            return _after(misses, seen, last)
        ordered = untried_first(Proposals(seen.poses, np.zeros(len(seen.poses)), seen.scores), failed.recent())
        result = skill.pick(ordered, seen.cloud_world, rng)
        if result.T_world_grasp is None:
            return _after(misses, ending_of_refusals(result.refused), last)
        last = _message_of(seen, ordered.poses[result.grasp_index])
        if result.outcome == "held":
            return Ending("SUCCESS", f"{last.id or 'a grasp'} holds{_history(misses)}", last)
        failed.add(result.T_world_grasp)
        misses.append(result.outcome)
    return Ending("FAILURE", f"nothing is held{_history(misses)}", last)


def plan_only(skill: PickAndPlace, look: Callable[[], Seen | Ending], rng: np.random.Generator) -> Ending:
    """The motions that `pick_up` would begin with; nothing moves.

    Raises:
        RobotStopped: if the robot's posture is not known any more.
    """
    seen = look()
    if isinstance(seen, Ending):
        return seen
    grasps = Proposals(seen.poses, np.zeros(len(seen.poses)), seen.scores)
    plan, refused = skill.plan(grasps, seen.cloud_world, rng)
    if plan is None:
        return ending_of_refusals(refused)
    stages = (("to pregrasp", plan.to_pregrasp), ("approach", plan.approach))
    return Ending("SUCCESS", "planned, not moved", seen.messages[plan.index], stages)


def _message_of(seen: Seen, pose: FloatArray) -> Any:
    return seen.messages[int(np.argmin(np.abs(seen.poses - pose).sum(axis=(1, 2))))]


def _history(misses: list[str]) -> str:
    return f" after {len(misses)} attempts: {', '.join(misses)}" if misses else ""


def _after(misses: list[str], ending: Ending, last: Any) -> Ending:
    """What ended it, with what was tried before."""
    return ending._replace(message=f"{ending.message}{_history(misses)}", grasp=last)
