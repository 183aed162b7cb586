"""From a recording of a person at work to a program that does the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from geometry import InputError
from perception.behavior.watching import Timeline
from perception.pose import PoseFrame
from policies.programs.handling import Handling, handlings_of, motions_by_thing
from policies.programs.motions import settled
from policies.programs.phases import phases_of
from policies.programs.program import ProgramObject, TaskProgram
from policies.programs.shown_grasp import grips_of
from policies.programs.step_writing import steps_of
from policies.programs.steps import TABLE, Step, Vec3
from policies.programs.thing_tracks import ThingTrack
from policies.programs.told_handlings import handlings_told, is_confirmed
from policies.programs.watched_bench import WatchedBench, watch_bench
from policies.programs.words import in_short

Contact = Literal["motion", "behaviours"]
PERSON = "person"
"""Category of who takes things."""


@dataclass(frozen=True, kw_only=True)
class ThingEvent:
    """What happens to a thing from when to when."""

    thing: str
    """Which."""
    kind: Literal["rest", "carried", "pushed"]
    """What happens."""
    start_s: float
    """Begin."""
    end_s: float
    """End."""
    hand: str = ""
    """Whose hand does it, such as "right hand"; empty for none."""


@dataclass(frozen=True, kw_only=True)
class ShownTask:
    """What a recording shows."""

    program: TaskProgram | None
    """What was done; None where there is nothing that a robot could do after it."""
    reason: str = ""
    """Why there is no program; empty where there is one."""
    events: tuple[ThingEvent, ...] = ()
    """What happened to each thing, by thing and time."""


def program_from_recording(
    frames: Sequence[PoseFrame], *, timeline: Timeline | None = None, contact: Contact = "motion"
) -> ShownTask:
    """Understand what was shown, once.

    Things tell when they are moved and where to; hands tell by whom and how they are held. The person who moves most
    things is the one who shows; who takes something from that one's hand is named "person_2", and so on.

    Args:
        frames: in order of time, metres in the world: persons with hands of 21 points, and things with poses.
        timeline: what `watch_recording` tells of the same frames: a second opinion on who handles what, of which the
            program notes where it differs.
        contact: what tells when a thing is handled: the thing's own motion, or, for comparison, the timeline alone.

    Returns:
        The program, or why there is none: nobody or nothing in view, nothing that moves.

    Raises:
        InputError: without frames, with times that do not grow, or told in a camera's frame; where behaviours are to
            tell contact and there is no timeline.
    """
    if contact == "behaviours" and timeline is None:
        raise InputError("program_from_recording", expected="a timeline for contact by behaviours", got="none")
    bench = watch_bench(frames)
    missing = _missing(bench)
    if missing:
        return ShownTask(program=None, reason=missing)
    told = timeline if contact == "behaviours" else None
    if told is None:
        motions = motions_by_thing(bench)
        bench = settled(bench, motions)
        handlings = handlings_of(bench, motions)
    else:
        handlings = handlings_told(told, bench)
    events = _events(handlings, bench)
    counts = Counter(each.hand.person for each in handlings if each.hand is not None)
    if not counts:
        moved = sorted({each.thing.name for each in handlings})
        reason = f"{', '.join(moved)} moved with no hand near" if moved else "nothing was moved"
        return ShownTask(program=None, reason=reason, events=events)
    shower = counts.most_common(1)[0][0]
    others = dict.fromkeys(each.person for each in bench.hands if each.person != shower)
    takers = {person: f"{PERSON}_{number}" for number, person in enumerate(others, start=2)}
    shown = [each for each in handlings if each.hand is not None and each.hand.person == shower]
    notes = list(bench.doubts) + _left_out(handlings, shown, takers)
    shown = _begun_here(shown, notes)
    notes += _unconfirmed(shown, timeline, bench)
    steps = _steps(shown, bench, takers, notes)
    if not steps:
        return ShownTask(program=None, reason="a thing is held all the time and never put down", events=events)
    program = TaskProgram(steps=tuple(steps), objects=_objects(steps, bench), text=in_short(steps), notes=tuple(notes))
    return ShownTask(program=program, events=events)


def _missing(bench: WatchedBench) -> str:
    """What a recording lacks for a program; empty for nothing."""
    if len(bench.time_s) < 2:
        return "one frame shows nothing that is done"
    if not bench.things:
        return "no thing with a pose is in view"
    return "" if bench.hands else "no hand is in view"


def _steps(shown: Sequence[Handling], bench: WatchedBench, takers: dict[int, str], notes: list[str]) -> list[Step]:
    steps: list[Step] = []
    done: dict[str, int] = {}
    for each, grip in zip(shown, grips_of(shown), strict=True):
        assert each.hand is not None
        phases = phases_of(each, bench, after=min(done.get(each.hand.side, 0), each.motion.first))
        if grip is None and each.kind == "carried" and not each.held_before:
            notes.append(f"{each.thing.name}: the fingers were not seen; grasped from above instead")
        if each.held_before:
            notes.append(f"{each.thing.name}: in the hand already when the recording begins")
        if each.held_after and each.taker is None and each.kind == "carried":
            notes.append(f"{each.thing.name}: still in the hand when the recording ends")
        steps += steps_of(each, phases, grip, bench, takers)
        done[each.hand.side] = phases.rest
    return steps


def _left_out(handlings: Sequence[Handling], shown: Sequence[Handling], takers: dict[int, str]) -> list[str]:
    lines = []
    for each in handlings:
        if each not in shown:
            whom = "no hand near" if each.hand is None else takers[each.hand.person]
            lines.append(f"{each.thing.name}: moved by {whom}; left out")
    return lines


def _begun_here(shown: Sequence[Handling], notes: list[str]) -> list[Handling]:
    """Without the rest of what was done before the recording, where the same thing is taken up again in it."""
    kept = []
    for number, each in enumerate(shown):
        if each.held_before and any(later.thing is each.thing for later in shown[number + 1 :]):
            notes.append(f"{each.thing.name}: put down when the recording begins; left out, as it is taken up again")
        else:
            kept.append(each)
    return kept


def _unconfirmed(shown: Sequence[Handling], timeline: Timeline | None, bench: WatchedBench) -> list[str]:
    """Things that move by a hand of which no behaviour says so."""
    if timeline is None:
        return []
    doubtful = [each for each in shown if not is_confirmed(each, timeline, bench)]
    return [f"{each.thing.name}: it moves, but no behaviour of the {_hand_name(each)} tells so" for each in doubtful]


def _hand_name(handling: Handling) -> str:
    return "hand" if handling.hand is None else handling.hand.name


def _objects(steps: Sequence[Step], bench: WatchedBench) -> tuple[ProgramObject, ...]:
    names = [name for step in steps for name in (step.object, getattr(step, "to", TABLE)) if name != TABLE]
    things = {each.name: each for each in bench.things}
    return tuple(
        ProgramObject(
            name=name, category=things[name].category, size_m=things[name].size_m, stood_m=_stood(things[name])
        )
        if name in things
        else ProgramObject(name=name, category=PERSON)
        for name in dict.fromkeys(names)
    )


def _stood(thing: ThingTrack) -> Vec3:
    x, y, z = (round(float(value), 4) for value in thing.middles_m[0])
    return x, y, z


def _events(handlings: Sequence[Handling], bench: WatchedBench) -> tuple[ThingEvent, ...]:
    """Every thing's rests and motions without gaps."""
    events: list[ThingEvent] = []
    for thing in bench.things:
        now = float(bench.time_s[0])
        for each in (each for each in handlings if each.thing is thing):
            start, end = (float(bench.time_s[row]) for row in (each.motion.first, each.motion.last))
            rest = ThingEvent(thing=thing.name, kind="rest", start_s=now, end_s=start)
            hand = "" if each.hand is None else each.hand.name
            events += [rest] if start > now else []
            events.append(replace(rest, kind=each.kind, start_s=start, end_s=end, hand=hand))
            now = end
        if now < bench.time_s[-1] or not events:
            events.append(ThingEvent(thing=thing.name, kind="rest", start_s=now, end_s=float(bench.time_s[-1])))
    return tuple(events)
