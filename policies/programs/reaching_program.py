"""From one camera's pixels of a reaching hand to a program, where no thing was seen.

What a reach tells: when the hand sets out, arrives, leaves and rests again, and by how far it opens on the way, how
large the thing is (`ReachToGrasp`). All else is assumed, and the program's notes name it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from geometry import FloatArray
from perception.behavior.reach_to_grasp import (
    SHOULDERS_PX,
    OwnScale,
    ReachingArm,
    ReachPhases,
    ReachToGrasp,
    SizeGuess,
    reaching_arm,
)
from perception.pose import PersonTrack
from policies.programs.program import ProgramObject, TaskProgram
from policies.programs.recording_program import ShownTask, ThingEvent
from policies.programs.steady_wrist import steady_wrist
from policies.programs.steps import TABLE, Carry, Grasp, Lift, Place, Reach, Release, Step, Vec3

THING = "thing"
"""What the program calls what nobody saw."""
CATEGORY = "block"
LIFT_M = 0.10
"""How high things are lifted where nobody can tell."""
AHEAD_M = 0.45
"""How far in front of the robot a thing is taken to have stood; the person sits opposite."""
SHOULDERS_M = 0.37
"""Distance of an adult's shoulder joints: the scale of the picture."""
WIDEST_M = 0.25
"""What is moved stays within so much of the line ahead of the robot."""
SURE = 0.5
"""A size of a lower chance is a guess."""
_AROUND_S = 0.15
_FROM_ABOVE, _ACROSS, _MIDDLE = (0.0, 0.0, -1.0), (0.0, 1.0, 0.0), (0.0, 0.0, 0.0)


def program_from_reaching(
    track: PersonTrack, *, reader: ReachToGrasp | None = None, side: str = "right", own: OwnScale | None = None
) -> ShownTask:
    """Understand the first reach of a hand that was filmed without the things.

    Steps go as far as the recording shows: a hand that leaves with what it took is Reach, Grasp, Lift, Carry; that
    rests somewhere else then, Place and Release as well. The gripper's width is the edge of the likeliest size.

    Args:
        track: one person in pixels, with hands, who faces the camera.
        reader: sizes and phases; None: the shipped one.
        side: the hand that reaches, "left" or "right".
        own: the person's own scale (`ReachToGrasp.own_scale`), which makes sizes much surer.

    Returns:
        The program, or why there is none.

    Raises:
        InputError: if the track is not in pixels, or has no such hand.
    """
    reader = ReachToGrasp.from_pretrained() if reader is None else reader
    steady = steady_wrist(track, side)
    reading = reader.predict(steady, side=side, own=own, least_chance=0.0, causal=False)
    phases, size = reading.phases, reading.size
    if not np.isfinite(phases.onset_s) or size is None:
        return ShownTask(program=None, reason=f"the {side} hand does not reach for anything")
    if not np.isfinite(phases.end_s):
        return ShownTask(program=None, reason="the recording ends before the reach does")
    arm = reaching_arm(steady, side)
    left_s = _left_s(arm, phases, reader.bounds.leaving_px)
    stood_m, place_m = _places(_aside_m(arm, phases, mirrored=side == "left"), size.edge_m)
    steps = _steps(phases, size, place_m, float(arm.time_s[-1]), left_s)
    program = TaskProgram(
        steps=tuple(steps),
        objects=(ProgramObject(name=THING, category=CATEGORY, size_m=(size.edge_m,) * 3, stood_m=stood_m),),
        text=_in_short(steps, size),
        notes=tuple(_doubts(steps, size, reader.model.sizes, bool(np.isfinite(left_s)))),
    )
    return ShownTask(program=program, events=_events(phases, arm.time_s, f"{side} hand"))


def _steps(phases: ReachPhases, size: SizeGuess, place_m: Vec3, last_s: float, left_s: float) -> list[Step]:
    """What the phases show; a step that is not shown is not told."""
    onset, end = round(float(phases.onset_s), 3), round(float(phases.end_s), 3)
    steps: list[Step] = [Reach(object=THING, start_s=onset, end_s=end)]
    if not np.isfinite(phases.departure_s):
        return steps
    departure, moved = round(float(phases.departure_s), 3), np.isfinite(phases.arrival_s)
    arrival = round(float(phases.arrival_s if moved else last_s), 3)
    steps += [
        Grasp(
            object=THING, start_s=end, end_s=departure, at_m=_MIDDLE, approach=_FROM_ABOVE, closing=_ACROSS,
            width_m=size.edge_m,
        ),
        Lift(object=THING, start_s=departure, end_s=arrival, height_m=LIFT_M),
        Carry(object=THING, to=TABLE, start_s=departure, end_s=arrival),
    ]  # fmt: skip
    if not moved:
        return steps
    gone = round(left_s, 3) if np.isfinite(left_s) else arrival
    place = Place(object=THING, to=TABLE, relation="at", offset_m=place_m, start_s=arrival, end_s=arrival)
    return [*steps, place, Release(object=THING, start_s=arrival, end_s=gone)]


def _doubts(steps: Sequence[Step], size: SizeGuess, sizes: Sequence[str], shown_leaving: bool) -> list[str]:
    """What the recording does not tell, one line each."""
    chances = ", ".join(f"{name} {chance:.0%}" for name, chance in zip(sizes, size.chances, strict=True))
    notes = [
        f"{THING}: never seen; its size is told by how the hand opened: {chances}",
        f"{THING}: taken to be a cube, grasped from above about its middle: where the fingers were is not told",
    ]
    if max(size.chances) < SURE:
        notes.append(f"{THING}: its size is hardly more than a guess")
    kinds = {type(step) for step in steps}
    if Grasp not in kinds:
        return [*notes, f"{THING}: the hand is not seen to move on, so whether it took hold is not known"]
    notes.append(f"{THING}: how high it was lifted is not told by one camera; {100 * LIFT_M:.0f} cm taken")
    if Place not in kinds:
        return [*notes, f"{THING}: still in motion when the recording ends"]
    notes.append(
        f"{THING}: where it stood is assumed; it was moved as far aside as the wrist went in the picture, "
        "by the width of the shoulders"
    )
    if not shown_leaving:
        notes.append(f"{THING}: the hand rests, but is not seen to let go; putting down and release are assumed")
    return notes


def _in_short(steps: Sequence[Step], size: SizeGuess) -> str:
    what = f"a thing of about {1e3 * size.edge_m:.0f} mm"
    last = steps[-1]
    if isinstance(last, Reach):
        return f"reach for {what}"
    return f"take {what} and put it aside" if isinstance(last, Release) else f"take {what} and carry it away"


def _events(phases: ReachPhases, time_s: FloatArray, hand: str) -> tuple[ThingEvent, ...]:
    """When the thing that nobody saw must have rested and moved."""
    first, last = float(time_s[0]), float(time_s[-1])
    departure, arrival = (float(time) if np.isfinite(time) else last for time in (phases.departure_s, phases.arrival_s))
    rest = ThingEvent(thing=THING, kind="rest", start_s=first, end_s=departure)
    events = [rest]
    if departure < arrival:
        events.append(ThingEvent(thing=THING, kind="carried", start_s=departure, end_s=arrival, hand=hand))
    if arrival < last:
        events.append(ThingEvent(thing=THING, kind="rest", start_s=arrival, end_s=last))
    return tuple(events)


def _aside_m(arm: ReachingArm, phases: ReachPhases, *, mirrored: bool) -> float:
    """How far to the person's left the wrist went with the thing: its way in the picture by the shoulders' width."""
    if not np.isfinite(phases.arrival_s):
        return 0.0
    start, end = (_wrist_at(arm, time_s) for time_s in (phases.end_s, phases.arrival_s))
    way = float((end - start)[0]) * SHOULDERS_M / SHOULDERS_PX
    return float(np.clip(-way if mirrored else way, -2.0 * WIDEST_M, 2.0 * WIDEST_M))


def _places(aside_m: float, edge_m: float) -> tuple[Vec3, Vec3]:
    """Where the thing stood and where it was put: the middle of its way lies in front of the robot.

    The person sits opposite, so what goes to the person's left goes to the robot's right.
    """
    height, half = round(0.5 * edge_m, 4), round(0.5 * aside_m, 3)
    return (AHEAD_M, half, height), (AHEAD_M, -half, height)


def _left_s(arm: ReachingArm, phases: ReachPhases, leaving_px: float) -> float:
    """When the hand leaves the place where it rested after the move; NaN where that is not seen."""
    if not np.isfinite(phases.arrival_s):
        return np.nan
    after = arm.time_s > phases.arrival_s
    away = np.linalg.norm(arm.wrist - _wrist_at(arm, phases.arrival_s), axis=1) > leaving_px
    rows = np.flatnonzero(after & away)
    return float(arm.time_s[rows[0]]) if len(rows) else np.nan


def _wrist_at(arm: ReachingArm, time_s: float) -> FloatArray:
    """(2,) median of the wrist over a short time."""
    near = np.abs(arm.time_s - time_s) <= _AROUND_S / 2
    near[int(np.abs(arm.time_s - time_s).argmin())] = True
    middle: FloatArray = np.median(arm.wrist[near], axis=0)
    return middle
