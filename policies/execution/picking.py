"""Reach, Grasp and Lift: from the choice of a grasp to a thing that hangs in the hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.panda import JointTrajectory
from envs.workbench import Thing
from geometry import FloatArray, invert
from policies.execution.foresight import first_able, ways_ahead
from policies.execution.grasp_choice import Choice, Detect, choose_grasps
from policies.execution.robot import BenchRobot, Held
from policies.pick_planning import PickConfig, PickPlan, plan_pick
from policies.programs import Grasp, Lift, Pour, Step

_CONFIG = PickConfig(grasps_considered=16, approach_m_s=0.2, tree_size=60)
_ENOUGH = 6
_LOST_M = 0.04
_STEEPEST_TO_POUR, _MOST_TILTED = -0.75, 0.3
_LEAST_LIFT_M, _MOST_LIFT_M = 0.06, 0.12


class Tried(NamedTuple):
    """How one try of a step went."""

    done: bool
    """Whether it was done, as far as the robot can tell."""
    why: str
    """How it was done, or why not."""


@dataclass(frozen=True, kw_only=True)
class ReadyToGrasp:
    """The hand stands behind a grasp."""

    name: str
    """The thing."""
    approach: JointTrajectory
    """The straight way to the grasp."""
    T_thing_grasp: FloatArray
    """(4, 4) the grasp."""
    level: bool
    """Whether the thing must be kept upright from now on."""
    why: str
    """Where the grasp comes from."""


def reach(
    robot: BenchRobot,
    grasp: Grasp,
    ahead: Sequence[Step],
    detect: Detect | None,
    failed: Sequence[FloatArray],
) -> tuple[ReadyToGrasp | None, str]:
    """Look, choose a grasp that the coming steps can be done with, and bring the open hand behind it.

    Args:
        robot: holds nothing.
        grasp: what was shown.
        ahead: the steps after it, until the thing is let go.
        detect: the grasp detector, or None.
        failed: (4, 4) `T_thing_grasp` that failed before.

    Returns:
        What was prepared, or None and why there is nothing.
    """
    robot.look_posture()
    robot.look()
    gone = robot.unseen([grasp, *ahead])
    if gone:
        return None, gone
    name = grasp.object
    thing, T_world_thing = robot.bench.things[name], robot.layout[name]
    choice = choose_grasps(grasp, thing, T_world_thing, robot.bench.observe(), detect, failed)
    level = any(isinstance(step, Pour) for step in ahead)
    if level:
        choice = choice.take(_steady(choice.poses, thing, T_world_thing))
    fit = _able(robot, name, choice, T_world_thing, ahead)
    if not len(fit):
        return None, f"no grasp of {len(choice)} on {name!r} is within reach and fits the steps to come"
    robot.open()
    plan, fit, refused = _plan(robot, name, fit)
    if plan is None:
        return None, f"no way to a grasp on {name!r}: {', '.join(f'{n} {why}' for why, n in refused.items())}"
    robot.follow(plan.to_pregrasp)
    seen = f"the detector's, chance {fit.scores[plan.index]:.2f}" if fit.detected[plan.index] else "from its shape"
    T_thing_grasp = invert(T_world_thing) @ plan.T_world_grasp
    return ReadyToGrasp(
        name=name, approach=plan.approach, T_thing_grasp=T_thing_grasp, level=level, why=f"grasp {seen}"
    ), ""


def grasp_it(robot: BenchRobot, ready: ReadyToGrasp) -> Tried:
    """Go straight to the grasp, close, and feel whether something is held."""
    robot.follow(ready.approach, robot.pushes)
    robot.close()
    if not robot.grips(ready.name):
        robot.open()
        robot.back_off()
        return Tried(False, f"the fingers closed without {ready.name!r}")
    robot.held = Held(
        thing=robot.bench.things[ready.name], T_grasp_thing=invert(ready.T_thing_grasp), level=ready.level
    )
    return Tried(True, ready.why)


def lift(robot: BenchRobot, step: Lift) -> Tried:
    """Raise the thing, and look whether it came along and how it lies in the hand."""
    held = robot.held
    if held is None:
        return Tried(False, "nothing is held")
    height = float(np.clip(step.height_m, _LEAST_LIFT_M, _MOST_LIFT_M))
    if not robot.rise(height):
        return Tried(False, "the arm cannot rise from there")
    return still_held(robot)


def still_held(robot: BenchRobot) -> Tried:
    """Feel and look whether the thing is in the hand; learn anew how it lies there."""
    held = robot.held
    if held is None:
        return Tried(False, "nothing is held")
    name = held.thing.name
    T_hand = robot.arm.T_world_grasp
    seen = robot.look().get(name)
    T_grasp_thing = held.T_grasp_thing if seen is None else invert(T_hand) @ seen
    slipped = float(np.linalg.norm((T_grasp_thing - held.T_grasp_thing)[:3, 3]))
    if seen is None or not robot.grips(name) or slipped > _LOST_M:
        robot.held = None
        return Tried(False, f"{name!r} fell out of the hand")
    robot.held = Held(thing=held.thing, T_grasp_thing=T_grasp_thing, level=held.level)
    return Tried(True, "")


def _steady(poses: FloatArray, thing: Thing, T_world_thing: FloatArray) -> NDArray[np.bool_]:
    """(n,) which grasps hold a cup for pouring: from the side, and round the whole of it, not by its wall."""
    from_axis = np.linalg.norm((invert(T_world_thing) @ poses)[:, :2, 3], axis=1)
    level = np.abs(poses[:, 2, 1]) < _MOST_TILTED
    steady: NDArray[np.bool_] = (poses[:, 2, 2] > _STEEPEST_TO_POUR) & (from_axis < 0.2 * thing.size_m[0]) & level
    return steady


def _able(robot: BenchRobot, name: str, choice: Choice, T_world_thing: FloatArray, ahead: Sequence[Step]) -> Choice:
    """The best grasps within reach with which the later steps are, too; as these were shown where that is possible."""
    if not len(choice):
        return choice
    _, reached = robot.ik(choice.poses)
    near = choice.take(np.flatnonzero(reached))
    robot.refresh(name)
    pours = any(isinstance(step, Pour) for step in ahead)
    able = np.zeros(0, dtype=np.intp)
    for as_shown in (True, False) if pours else (False,):
        ways = ways_ahead(ahead, robot.bench.things, robot.layout, as_shown=as_shown)
        able = able if len(able) else first_able(robot, invert(T_world_thing) @ near.poses, ways, _ENOUGH)
    return near.take(able)


def _plan(robot: BenchRobot, name: str, choice: Choice) -> tuple[PickPlan | None, Choice, dict[str, int]]:
    """The first grasp to which there is a way, and from which the hand can rise; and the choice that it is out of."""
    robot.refresh()
    model, arm = robot.model, robot.arm
    refused: Counter[str] = Counter()
    while len(choice):
        plan, why = plan_pick(
            choice, arm.q, arm.T_world_base, model.collision, model.obstacle(name), _CONFIG, robot.rng
        )
        refused.update(why)
        if plan is None or robot.can_rise(plan.approach.q[-1], _LEAST_LIFT_M):
            return plan, choice, dict(refused)
        refused["no way up"] += 1
        choice = choice.take(np.arange(len(choice)) > plan.index)
    return None, choice, dict(refused)
