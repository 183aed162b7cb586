"""One fault played on the running stack: brought in, watched, taken away, and work taken up again."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from tests.ros_nodes.fault_stack import FaultStack, ending_of
from tests.ros_nodes.motion_record import Motion

Do = Callable[[FaultStack], Any]
_PHASE_S, _END_S, _SAY_S, _REST_S, _WELL_S = 90.0, 120.0, 30.0, 15.0, 15.0
_QUIET_S = 5.0
_STANDS_RAD, _STOPS_S = 0.02, 3.0
_SPEED_SHARE, _OUTSIDE_RAD = 1.1, 0.01
_GOALS, _LOOK_S = 3, 1.0
_MISSES = ("FAILURE", "GOAL_IN_COLLISION", "NO_IK_SOLUTION", "PLANNING_FAILED")
"""Endings that are no fault of the stack: a grasp that did not hold, or a scene without a way to one."""
_STUCK = "did not get out of the camera's way"
"""After a stop among other things the arm may touch them on its way out; another goal tries another way."""


class Words(NamedTuple):
    """What diagnostics must say."""

    component: str
    level: str
    pattern: str
    """Regular expression that is found in the message."""


def nothing(_stack: FaultStack) -> None:
    """Nothing to do."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault, and what shall come of it."""

    name: str
    inject: Do
    """Brings it in; what it returns is added to the ending."""
    remove: Do = nothing
    prepare: Do = nothing
    """What must be so before the pickup is sent."""
    at: str = ""
    """Phase of a pickup in which it comes; "idle": no pickup is sent; empty: before one is sent."""
    moving: bool = False
    """Whether it comes only when the arm moves in that phase."""
    goal: dict[str, Any] = field(default_factory=dict)
    """Fields of the pickup's goal."""
    says: tuple[Words, ...] = ()
    ends: str = ""
    """Regular expression for the pickup's code and message."""
    arm: Literal["rests", "stands", "stops"] = "rests"
    """"stands": does not move after the fault; "stops": soon, a missed heartbeat included; "rests": in the end."""
    hand: Literal["keeps", "empty", "any"] = "any"
    """What the hand does with what it may hold at the end."""
    resumes: bool = True


class Row(NamedTuple):
    """How it went."""

    fault: str
    at: str
    words: list[str]
    """`component [level]: message` of each expected status."""
    ending: str
    motion: Motion
    resumed: str
    resumed_s: float
    problems: list[str]
    """What was not as it should be."""


def play(stack: FaultStack, fault: Fault) -> Row:
    """Play one fault."""
    problems = _prepare(stack)
    fault.prepare(stack)
    began_s = time.monotonic()
    run, note = None, ""
    if fault.at in ("", "idle"):
        note = fault.inject(stack) or ""
    if fault.at != "idle":
        run = stack.run = stack.send(**fault.goal)
        if not run.accepted:
            problems.append("the goal was rejected")
    if fault.at not in ("", "idle"):
        if not stack.ros.wait_until(lambda: fault.at in stack.phases(run) or run.done, _PHASE_S):
            problems.append(f"the pickup never came to {fault.at}")
        if fault.moving:
            stack.ros.wait_until(lambda: run.done or stack.motion.moves(), _PHASE_S)
        began_s = time.monotonic()
        note = fault.inject(stack) or ""
    if not stack.runs("pick_server"):
        ending = note or "no answer: the server is dead"
    elif run is None or stack.run is not run:
        ending = note
    else:
        ending = _ending(run, note, problems)
    if fault.ends and not re.search(fault.ends, ending):
        problems.append(f"ended otherwise: {ending}")
    began_s = max(began_s, stack.hurt_s)
    words = _heard(stack, fault, began_s, problems)
    motion = _motion(stack, fault, began_s, problems)
    _check_hand(stack, fault, problems)
    removed_s = time.monotonic()
    fault.remove(stack)
    how = _resume(stack, fault)
    if how.startswith("no") == fault.resumes:
        problems.append(f"resumed: {how}")
    resumed_s = time.monotonic() - removed_s
    return Row(fault.name, fault.at or "before", words, ending, motion, how, round(resumed_s, 1), problems)


def broken_off(fault: Fault, error: Exception) -> Row:
    """Of a fault that could not be played to its end."""
    unknown = Motion(float("nan"), float("nan"), float("nan"), float("nan"))
    return Row(fault.name, fault.at or "before", [], "", unknown, "no: not seen", 0.0, [f"broke off: {error!r}"])


def _prepare(stack: FaultStack) -> list[str]:
    """Enough objects on the table, and everybody well."""
    if stack.score()["left"] < 2:
        stack.trigger("/sim_robot/next_scene")
    well = stack.await_well(_WELL_S) and stack.ros.wait_until(stack.motion.rests, _REST_S)
    return [] if well else [f"not well before: {'; '.join(stack.complaints())}"]


def _ending(run: Any, note: str, problems: list[str]) -> str:
    try:
        code, message = ending_of(run.result(_END_S))
    except (TimeoutError, AssertionError) as error:
        problems.append(f"the goal did not end: {error}")
        return f"no end; {note}"
    return f"{code}: {message}" + (f"; {note}" if note else "")


def _heard(stack: FaultStack, fault: Fault, began_s: float, problems: list[str]) -> list[str]:
    found = []
    for words in fault.says:

        def match(words: Words = words) -> str:
            for said in list(stack.said):
                fits = said.at_s >= began_s and (said.component, said.level) == (words.component, words.level)
                if fits and re.search(words.pattern, said.message):
                    return f"{said.component} [{said.level}]: {said.message}"
            return ""

        if stack.ros.wait_until(match, _SAY_S):
            found.append(match())
        else:
            others = {(s.component, s.level, s.message) for s in list(stack.said) if s.at_s >= began_s}
            heard = [f"{c} [{v}]: {m}" for c, v, m in sorted(others) if c == words.component]
            problems.append(f"nobody said {words}, but {heard}")
    return found


def _motion(stack: FaultStack, fault: Fault, began_s: float, problems: list[str]) -> Motion:
    """Wait for rest, where joint states come to tell it, and measure how it came."""
    silent = stack.motion.silent()
    if not silent and not stack.ros.wait_until(stack.motion.rests, _REST_S):
        problems.append("the arm does not rest")
    stack.ros.wait_until(lambda: time.monotonic() > began_s + _LOOK_S)
    # A simulation that stands tells nothing at all: measured is when it goes on.
    stack.ros.wait_until(lambda: not math.isnan(stack.motion.since(began_s).moved_rad), _REST_S)
    motion = stack.motion.since(began_s)
    if fault.arm == "stands" and motion.moved_rad > _STANDS_RAD:
        problems.append(f"the arm moved {motion.moved_rad:.3f} rad")
    if fault.arm == "stops" and motion.stopped_s > _STOPS_S:
        problems.append(f"the arm moved for {motion.stopped_s:.2f} s")
    if motion.peak_share > _SPEED_SHARE or motion.outside_rad > _OUTSIDE_RAD or math.isnan(motion.moved_rad):
        problems.append(f"the arm left its limits, or was not measured: {motion}")
    return motion


def _check_hand(stack: FaultStack, fault: Fault, problems: list[str]) -> None:
    width_m = stack.motion.width_m
    holds = 0.002 < width_m < 0.076
    if (fault.hand == "keeps" and not holds) or (fault.hand == "empty" and holds):
        problems.append(f"the hand is {1e3 * width_m:.0f} mm open, and {fault.hand} was expected")


def _resume(stack: FaultStack, fault: Fault) -> str:
    """How work was taken up: what had to be called, and how many goals it took."""
    called = []
    stack.ros.wait_until(lambda: stack.motion.rests() and stack.detects, _WELL_S)
    if any(said.message.startswith("stopped") for said in [stack.newest("safety: guard")] if said):
        done, why = stack.reset()
        called.append("~/reset")
        if not done:
            return f"no: ~/reset says {why}"
    stack.await_well(_QUIET_S)  # a detector that works on request says what is wrong until it is asked again
    for number in range(1, _GOALS + 1):
        run = stack.send()
        if not run.accepted:
            return "no: the goal was rejected"
        code, message = ending_of(run.result(_END_S))
        if code == "INVALID_ROBOT_STATE" and "~/place" in message and "~/place" not in called:
            called.append("~/place")
            stack.trigger("/pick_server/place")
            continue
        if code == "SUCCESS":
            placed, why = stack.trigger("/pick_server/place")
            still = [c for c in stack.complaints() if not c.startswith("pick_server: task")]
            if still and not stack.await_well(_WELL_S):
                return f"no: {'; '.join(stack.complaints())} stays"
            return _told(called, number) + ("" if placed else f" (place: {why})")
        if _STUCK in message:
            continue
        if code not in _MISSES:
            return f"no: {code}: {message}"
        stack.trigger("/sim_robot/next_scene")
    return f"no: {_GOALS} goals without success, the last {code}: {message}"


def _told(called: list[str], goals: int) -> str:
    after = f"after {', '.join(called)}" if called else "by itself"
    return after if goals - called.count("~/place") == 1 else f"{after}, in {goals} goals"
