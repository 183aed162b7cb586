"""From what a hand did with a thing to the steps of a program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from geometry import FloatArray
from policies.programs.handling import Handling
from policies.programs.phases import Phases
from policies.programs.shown_grasp import ShownGrip
from policies.programs.standing import BESIDE_M, covers, gap_m, is_mark
from policies.programs.steps import (
    TABLE,
    Carry,
    Grasp,
    HandOver,
    Lift,
    Place,
    Pour,
    Push,
    Reach,
    Relation,
    Release,
    Step,
    Vec3,
)
from policies.programs.thing_tracks import ThingTrack
from policies.programs.watched_bench import WatchedBench

BACK_M = 0.04
"""What ends nearer than this to where it came from has been put back, whatever stands beside it."""
AWAY_M = 0.03
"""What ends further from a thing than before, by this much, was taken away from it rather than put beside it."""
TOUCHES_M = 0.015
"""What is pushed and ends nearer than this to another thing was pushed to that."""
_COVER_M = 0.012
_FROM_ABOVE = (0.0, 0.0, -1.0)


@dataclass(frozen=True, kw_only=True)
class Goal:
    """Where a thing was brought."""

    to: str
    """To what."""
    relation: Relation
    """How it stands to that."""


def steps_of(
    handling: Handling,
    phases: Phases,
    grip: ShownGrip | None,
    bench: WatchedBench,
    takers: Mapping[int, str],
) -> list[Step]:
    """The steps of one handling.

    Args:
        handling: a thing, moved once.
        phases: its parts.
        grip: how it was held; None where the fingers were not seen.
        bench: the recording.
        takers: names of the persons who take things, by number.
    """
    name, time_s = handling.thing.name, bench.time_s.round(3).tolist()
    reach = Reach(object=name, start_s=time_s[phases.reach], end_s=time_s[phases.contact])
    if handling.kind == "pushed":
        return [reach, _push(handling, bench)]
    steps: list[Step] = []
    if not handling.held_before:
        lift = Lift(
            object=name,
            start_s=time_s[phases.moved],
            end_s=time_s[phases.lifted],
            height_m=round(phases.height_m, 4),
        )
        steps += [reach, _grasp(handling, phases, grip, bench), lift]
    now = phases.lifted
    for pour in phases.pours:
        steps.append(Carry(object=name, to=pour.to, start_s=time_s[now], end_s=time_s[pour.first]))
        offset = _between(bench.thing(pour.to), handling.thing, pour.steepest)
        duration = time_s[pour.last] - time_s[pour.first]
        steps.append(
            Pour(
                object=name, to=pour.to, start_s=time_s[pour.first], end_s=time_s[pour.last],
                angle_rad=round(pour.angle_rad, 3), duration_s=round(duration, 3), offset_m=offset,
            )
        )  # fmt: skip
        now = pour.last
    if handling.taker is not None:
        return steps + _handed(handling, phases, bench, takers[handling.taker], now)
    return steps if handling.held_after else steps + _put_down(handling, phases, bench, now)


def goal_of(handling: Handling, bench: WatchedBench) -> Goal:
    """Where a thing that was carried has been put.

    "beside" is said of the nearest thing on the same surface within `BESIDE_M`, unless it was taken away from that, or
    put back to where it came from; all else on the table is a place "at".
    """
    thing, first, last = handling.thing, handling.motion.first, handling.motion.last
    standing = bench.standing(thing, last)
    if standing is not None and standing.to != TABLE:
        return Goal(to=standing.to, relation=standing.relation)
    T_start, T_end = thing.T_world_thing[first], thing.T_world_thing[last]
    mark = _covered(thing, bench, last)
    if mark is not None:
        return Goal(to=mark, relation="on")
    if np.linalg.norm((T_end - T_start)[:2, 3]) > BACK_M:
        near = [
            (gap, other.name)
            for other in bench.things
            if other is not thing
            and not is_mark(other)
            and (gap := gap_m(thing, T_end, other, other.T_world_thing[last])) <= BESIDE_M
            and gap < gap_m(thing, T_start, other, other.T_world_thing[first]) + AWAY_M
            and bench.standing(other, last) == standing
        ]
        if near:
            return Goal(to=min(near)[1], relation="beside")
    return Goal(to=TABLE, relation="at")


def _put_down(handling: Handling, phases: Phases, bench: WatchedBench, now: int) -> list[Step]:
    name, time_s, rest = handling.thing.name, bench.time_s.round(3).tolist(), phases.rest
    goal = goal_of(handling, bench)
    origin = None if goal.to == TABLE else bench.thing(goal.to)
    offset = _between(origin, handling.thing, rest)
    lowered = max(now, phases.lowered)
    return [
        Carry(object=name, to=goal.to, start_s=time_s[now], end_s=time_s[lowered]),
        Place(
            object=name, to=goal.to, relation=goal.relation, offset_m=offset, start_s=time_s[lowered],
            end_s=time_s[rest],
        ),
        Release(object=name, start_s=time_s[rest], end_s=time_s[phases.released]),
    ]  # fmt: skip


def _handed(handling: Handling, phases: Phases, bench: WatchedBench, taker: str, now: int) -> list[Step]:
    name, time_s, given = handling.thing.name, bench.time_s.round(3).tolist(), handling.given
    hands = [each for each in bench.hands if each.person == handling.taker]
    arrived = _arrived(handling.thing, now, given)
    middle = handling.thing.middles_m[arrived]
    waiting = min(hands, key=lambda each: float(np.linalg.norm(each.grip_m[arrived] - middle)))
    palm = waiting.points_m[phases.moved : arrived + 1].reshape(-1, 3)
    palm = palm[np.isfinite(palm).all(axis=1)]
    hand_m = palm.mean(axis=0) if len(palm) else waiting.grip_m[arrived]
    return [
        Carry(object=name, to=taker, start_s=time_s[now], end_s=time_s[arrived]),
        HandOver(
            object=name, to=taker, offset_m=_vec(middle - hand_m), start_s=time_s[arrived], end_s=time_s[given]
        ),
    ]  # fmt: skip


def _arrived(thing: ThingTrack, now: int, given: int) -> int:
    """First row after a thing's fastest at which it has come to rest before another hand: at a fifth of that speed."""
    speed = np.linalg.norm(np.diff(thing.middles_m[now : given + 1], axis=0), axis=1)
    if not len(speed):
        return given
    fastest = int(speed.argmax())
    slow = np.flatnonzero(speed[fastest:] < 0.2 * speed[fastest])
    return now + fastest + int(slow[0]) if len(slow) else given


def _grasp(handling: Handling, phases: Phases, grip: ShownGrip | None, bench: WatchedBench) -> Grasp:
    """How it was held; from above about the middle, where the fingers were not seen."""
    start, end = bench.time_s[[phases.contact, phases.moved]].round(3).tolist()
    name, size = handling.thing.name, handling.thing.size_m
    if grip is None:
        breadth = 0.05 if size is None else min(size[:2])
        level = (0.0, 1.0, 0.0) if size is None or size[1] <= size[0] else (1.0, 0.0, 0.0)
        return Grasp(
            object=name, at_m=(0.0, 0.0, 0.0), approach=_FROM_ABOVE, closing=level, width_m=breadth, start_s=start,
            end_s=end,
        )  # fmt: skip
    return Grasp(
        object=name, at_m=_vec(grip.at_m), approach=_vec(grip.approach), closing=_vec(grip.closing),
        width_m=round(grip.width_m, 4), start_s=start, end_s=end,
    )  # fmt: skip


def _push(handling: Handling, bench: WatchedBench) -> Push:
    thing, first, last = handling.thing, handling.motion.first, handling.motion.last
    start_s, end_s = bench.time_s[[first, last]].round(3).tolist()
    to = _covered(thing, bench, last) or _touched(thing, bench, first, last)
    if to is None:
        way = _vec(thing.middles_m[last] - thing.middles_m[first])
        return Push(object=thing.name, to=TABLE, offset_m=way, start_s=start_s, end_s=end_s)
    offset = _between(bench.thing(to), thing, last)
    return Push(object=thing.name, to=to, offset_m=offset, start_s=start_s, end_s=end_s)


def _covered(thing: ThingTrack, bench: WatchedBench, row: int) -> str | None:
    """A mark that a thing covers, give or take the errors of their poses."""
    T = thing.T_world_thing[row]
    marks = [each for each in bench.things if each is not thing and is_mark(each)]
    found = [each.name for each in marks if covers(thing, T, each, each.T_world_thing[row], margin_m=_COVER_M)]
    return found[0] if found else None


def _touched(thing: ThingTrack, bench: WatchedBench, first: int, last: int) -> str | None:
    """A thing that a pushed one has come to."""
    gaps = {
        each.name: [gap_m(thing, thing.T_world_thing[row], each, each.T_world_thing[row]) for row in (first, last)]
        for each in bench.things
        if each is not thing and not is_mark(each)
    }
    reached = {name: end for name, (start, end) in gaps.items() if end <= TOUCHES_M < start}
    return min(reached, key=lambda name: reached[name]) if reached else None


def _between(origin: ThingTrack | None, thing: ThingTrack, row: int) -> Vec3:
    """From the middle of one thing (None: from the world's origin) to that of another, along the world's axes."""
    way = thing.middles_m[row] - (0.0 if origin is None else origin.middles_m[row])
    return _vec(way)


def _vec(values: FloatArray) -> Vec3:
    x, y, z = (round(float(value), 4) for value in values)
    return x, y, z
