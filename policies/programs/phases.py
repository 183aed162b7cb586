"""The parts of a handling in time: reach, contact, lift, pours, descent, release."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray
from policies.programs.handling import Handling
from policies.programs.standing import OPEN, SOLID, gap_m, is_mark, is_open
from policies.programs.watched_bench import WatchedBench

POUR_RAD = float(np.radians(60.0))
"""What is held and tilted further is poured out."""
_LEAST_POUR_S, _LIP_M = 0.2, 0.10
_TOUCH_M = 0.03
_SLOW = 0.15
_LEAVE_S = 1.0


@dataclass(frozen=True, kw_only=True)
class PourSpan:
    """One stretch in which something is tilted, in rows."""

    to: str
    """The thing below."""
    first: int
    """Where the tilt begins."""
    last: int
    """Where it ends."""
    steepest: int
    """Where it is largest."""
    angle_rad: float
    """The largest tilt."""


@dataclass(frozen=True, kw_only=True)
class Phases:
    """Rows of a recording at which the parts of one handling begin and end."""

    reach: int
    """The hand sets out."""
    contact: int
    """It has come to the thing."""
    moved: int
    """The thing leaves its place."""
    lifted: int
    """It has been raised."""
    lowered: int
    """It begins to come down to its last place."""
    rest: int
    """It is there."""
    released: int
    """The hand has left it."""
    height_m: float
    """How far it was raised."""
    pours: tuple[PourSpan, ...] = ()
    """When it was tilted over other things."""


def phases_of(handling: Handling, bench: WatchedBench, *, after: int) -> Phases:
    """Find the parts of a handling.

    Args:
        handling: by a hand.
        bench: the recording.
        after: row before which the hand did something else.
    """
    assert handling.hand is not None
    first, last = handling.motion.first, handling.motion.last
    end = handling.given if handling.taker is not None else last
    heights = handling.thing.middles_m[first : end + 1, 2]
    lifted = _raised(heights)
    high = np.flatnonzero(heights >= heights[-1] + 0.8 * (heights.max() - heights[-1]))
    contact = _contact(handling, after)
    return Phases(
        reach=_set_out(handling.hand.grip_m, after, contact),
        contact=contact,
        moved=first,
        lifted=first + lifted,
        lowered=first + int(high[-1]),
        rest=end,
        released=_released(handling, end, min(len(bench.time_s) - 1, end + bench.rows(_LEAVE_S))),
        height_m=float(heights[lifted] - heights[0]),
        pours=_pours(handling, bench, end),
    )


def _raised(heights_m: FloatArray) -> int:
    """Row at which a thing's first way up ends: it slows down to a fifth of its largest speed."""
    if len(heights_m) < 2:
        return 0
    speed = np.gradient(heights_m)
    fast = int((speed >= 0.5 * speed.max()).argmax())
    slow = np.flatnonzero(speed[fast:] < 0.2 * speed.max())
    return fast + int(slow[0]) if len(slow) else len(heights_m) - 1


def _apart_m(handling: Handling) -> FloatArray:
    """(T,) how far the hand is from where it holds the thing: an offset of the whole hand cancels."""
    assert handling.hand is not None
    T, rows = handling.thing.T_world_thing, slice(handling.motion.first, handling.motion.last + 1)
    local = np.einsum("tji,tj->ti", T[:, :3, :3], handling.hand.grip_m - T[:, :3, 3])
    apart: FloatArray = np.linalg.norm(local - np.median(local[rows], axis=0), axis=1)
    return apart


def _contact(handling: Handling, after: int) -> int:
    """First row from which on the hand is where it holds the thing."""
    first = handling.motion.first
    away = np.flatnonzero(_apart_m(handling)[after : first + 1] > _TOUCH_M)
    return min(first, after + int(away[-1]) + 1) if len(away) else after


def _set_out(grip_m: FloatArray, after: int, contact: int) -> int:
    """Last row before a contact at which the hand was slow, or turned back to come."""
    if contact - after < 2:
        return after
    speed = np.linalg.norm(np.diff(grip_m[after : contact + 1], axis=0), axis=1)
    peak = len(speed) - 1 - int(speed[::-1][: max(2, 2 * len(speed) // 3)].argmax())
    slow = np.flatnonzero(speed[:peak] < _SLOW * speed[peak])
    return after + (int(slow[-1]) + 1 if len(slow) else 0)


def _released(handling: Handling, end: int, latest: int) -> int:
    """First row at which the hand has gone from a thing that was put down or given away."""
    away = np.flatnonzero(_apart_m(handling)[end : latest + 1] > 2.0 * _TOUCH_M)
    return end + int(away[0]) if len(away) else latest


def _pours(handling: Handling, bench: WatchedBench, end: int) -> tuple[PourSpan, ...]:
    thing, first = handling.thing, handling.motion.first
    if thing.category in SOLID - {"can", "bottle"}:
        return ()
    tilts = np.arccos(np.clip(thing.T_world_thing[first : end + 1, 2, 2], -1.0, 1.0))
    edges = np.flatnonzero(np.diff(np.concatenate([[False], tilts > POUR_RAD, [False]])))
    spans = []
    for start, stop in zip(edges[::2], edges[1::2] - 1, strict=True):
        steepest = first + int(start + tilts[start : stop + 1].argmax())
        to = _below(handling, bench, steepest)
        if to is not None and stop - start >= bench.rows(_LEAST_POUR_S):
            begin, finish = _about(tilts, int(start), int(stop))
            angle = float(tilts[start : stop + 1].max())
            spans.append(PourSpan(to=to, first=first + begin, last=first + finish, steepest=steepest, angle_rad=angle))
    return tuple(spans)


def _about(tilts: FloatArray, start: int, stop: int) -> tuple[int, int]:
    """The stretch in which something is tilted at all, about that in which it is steep."""
    level: NDArray[np.int64] = np.flatnonzero(tilts < 0.25 * POUR_RAD)
    before, after = level[level < start], level[level > stop]
    return (int(before[-1]) if len(before) else 0), (int(after[0]) if len(after) else len(tilts) - 1)


def _below(handling: Handling, bench: WatchedBench, row: int) -> str | None:
    """The open thing that is nearest under the mouth of what is tilted; known ones before unknown ones."""
    thing = handling.thing
    T = thing.T_world_thing[row]
    height = 0.05 if thing.size_m is None else thing.size_m[2]
    mouth = np.eye(4)
    mouth[:3, 3] = T[:3, 3] + 0.5 * height * T[:3, 2]
    found = []
    for other in bench.things:
        T_other = other.T_world_thing[row]
        if other is thing or is_mark(other) or not is_open(other) or T_other[2, 3] > T[2, 3]:
            continue
        gap = gap_m(_Point(), mouth, other, T_other)
        if gap <= _LIP_M:
            found.append((gap - _LIP_M * (other.category in OPEN), other.name))
    return min(found)[1] if found else None


@dataclass(frozen=True)
class _Point:
    """A thing without extent."""

    name: str = "mouth"
    category: str = "point"
    size_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
