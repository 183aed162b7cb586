"""HandOver: bring what is held to a person's waiting hand, wait until it is taken, and let go."""

from __future__ import annotations

import numpy as np

from geometry import FloatArray, invert, transform
from policies.execution.foresight import turned, upright
from policies.execution.picking import Tried
from policies.execution.placing import release
from policies.execution.robot import BenchRobot
from policies.programs import HandOver

_SHORT_M = 0.10
_SHIFT_M = 0.02
_PATIENCE_S = 4.0
_LOOK_S = 0.1


def carry_to_person(robot: BenchRobot, step: HandOver) -> tuple[FloatArray | None, str]:
    """Bring what is held to a little short of a person's hand.

    Returns:
        (4, 4) `T_world_grasp` at which the thing is in that hand, or None and why it was not brought there.
    """
    if robot.held is None:
        return None, "nothing is held"
    held, to = robot.held, step.to
    if to not in robot.layout:
        return None, "nobody waits to take it"
    palm = robot.layout[to][:3, 3]
    shift = np.array(step.offset_m, dtype=np.float64)
    shift *= min(1.0, _SHIFT_M / max(float(np.linalg.norm(shift)), 1e-9))
    robot.refresh()
    goals = turned(transform(translation=palm + shift) @ upright(robot.layout[held.thing.name]))
    for goal in goals @ invert(held.T_grasp_thing):
        back = goal.copy()
        back[:2, 3] -= _SHORT_M * palm[:2] / np.linalg.norm(palm[:2])
        q, reached = robot.ik(back)
        _, arrives = robot.ik(goal, q)
        if reached and arrives and robot.go(q):
            return goal, ""
    return None, f"no way with {held.thing.name!r} to the person's hand"


def hand_over(robot: BenchRobot, goal: FloatArray) -> Tried:
    """Put it into the hand, and open only when the hand has closed on it."""
    if robot.held is None:
        return Tried(False, "nothing is held")
    name = robot.held.thing.name
    taker = robot.bench.taker
    if taker is None or not robot.line(goal, speed_m_s=0.15):
        return Tried(False, "the person's hand cannot be reached")
    waited = 0.0
    while taker.holding != name and waited < _PATIENCE_S:
        robot.bench.wait(_LOOK_S)
        waited += _LOOK_S
    if taker.holding != name:
        return Tried(False, f"the person does not take {name!r}")
    return Tried(release(robot).done, "taken")
