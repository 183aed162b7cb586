"""What hands do with things: each motion of a thing with the hand that makes it, carried or pushed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from geometry import FloatArray
from policies.programs.hand_tracks import HandTrack
from policies.programs.motions import Motion, motions_of, noise_of
from policies.programs.standing import ASSUMED_SIZE_M
from policies.programs.thing_tracks import ThingTrack
from policies.programs.watched_bench import WatchedBench

WINDOW_S = 0.3
LIFTED_M = 0.018
"""What rises less stays on the table."""
NEAR_M = 0.15
"""A hand further than this from a thing's surface does nothing with it, whatever the errors of its points."""
STAYS_M = 0.06
"""A hand that stays this near to where it held a thing has not let go of it."""
_MOSTLY = 0.75
_UNSTEADY = 2.0
"""How much a hand's unsteadiness relative to the thing counts against its distance."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Handling:
    """One thing, moved once."""

    thing: ThingTrack
    """Which."""
    kind: Literal["carried", "pushed"]
    """Lifted, or shifted on what it stands on."""
    motion: Motion
    """When, in rows."""
    hand: HandTrack | None
    """Whose hand; None where none was near: it moved by itself."""
    taker: int | None = None
    """Number of another person who has it at the end."""
    given: int = 0
    """Row at which that person has it."""
    held_before: bool = False
    """Whether it is in the air or in motion when the recording begins."""
    held_after: bool = False
    """Whether it is in the air or in motion when the recording ends."""


def motions_by_thing(bench: WatchedBench) -> dict[str, list[Motion]]:
    """When each thing is moved; stretches between which the hand does not leave it are one, with a pause."""
    noise = noise_of(bench.things, bench.rows(WINDOW_S))
    return {each.name: _joined(each, motions_of(each, bench, noise), bench) for each in bench.things}


def handlings_of(bench: WatchedBench, motions: Mapping[str, Sequence[Motion]]) -> list[Handling]:
    """Everything that is done with things, in order of time.

    Where one hand seems to move two things at once, one of them moves the other (what lies on a tray, what a pushed
    thing runs into): only the one nearer to the hand counts.

    Args:
        bench: the recording, settled.
        motions: of `motions_by_thing`.
    """
    found = [_handling(thing, motion, bench) for thing in bench.things for motion in motions.get(thing.name, ())]
    return _one_thing_a_hand(sorted(found, key=lambda each: each.motion.first))


def surface_distance_m(thing: ThingTrack, points_m: FloatArray) -> FloatArray:
    """(T,) distance of a point that moves (T, 3) from the thing's bounding box."""
    T = thing.T_world_thing
    local = np.einsum("tji,tj->ti", T[:, :3, :3], points_m - T[:, :3, 3])
    outside = np.maximum(np.abs(local) - 0.5 * np.array(thing.size_m or ASSUMED_SIZE_M), 0.0)
    distance: FloatArray = np.linalg.norm(outside, axis=1)
    return distance


def with_taker(handling: Handling, bench: WatchedBench) -> Handling:
    """Add who has the thing at the end, where that is another person, and from when on.

    Whose it is is told by the end of the recording or of the motion, when one of the two hands has gone; the moment,
    by when the giver's hand begins to leave the thing for good.
    """
    hand, thing, motion = handling.hand, handling.thing, handling.motion
    others = [each for each in bench.hands if hand is not None and each.person != hand.person]
    if hand is None or not others:
        return handling
    end = len(bench.time_s) if handling.held_after else motion.last + 1
    rows = slice(max(motion.first, end - bench.rows(WINDOW_S)), end)
    far = float(surface_distance_m(thing, hand.grip_m)[rows].mean())
    distances = [float(surface_distance_m(thing, each.grip_m)[rows].mean()) for each in others]
    nearest = int(np.argmin(distances))
    if distances[nearest] >= min(far, NEAR_M):
        return handling
    apart = np.linalg.norm(hand.grip_m - thing.middles_m, axis=1)[motion.first : end]
    held = float(np.median(apart[: max(1, len(apart) // 2)]))
    kept = np.flatnonzero(apart < held + 0.03)
    given = motion.first + (int(kept[-1]) if len(kept) else len(apart) - 1)
    return replace(handling, taker=others[nearest].person, given=given)


def _handling(thing: ThingTrack, motion: Motion, bench: WatchedBench) -> Handling:
    rows = slice(motion.first, motion.last + 1)
    heights = thing.middles_m[rows, 2]
    lifted = heights.max() - heights[0] > LIFTED_M or heights.max() - heights[-1] > LIFTED_M
    last, margin = len(bench.time_s) - 1, bench.rows(WINDOW_S) // 2
    ends_in_air = lifted and bench.standing(thing, motion.last) is None
    half = motion.first + max(1, (motion.last - motion.first) // 2)
    hand = _mover(thing, slice(motion.first, half + 1), bench.hands)
    handling = Handling(
        thing=thing,
        kind="carried" if lifted else "pushed",
        motion=motion,
        hand=hand,
        held_before=motion.first <= margin,
        held_after=ends_in_air or motion.last >= last,
    )
    return with_taker(handling, bench) if lifted and hand is not None else handling


def _mover(thing: ThingTrack, rows: slice, hands: Sequence[HandTrack]) -> HandTrack | None:
    """The hand that is nearest to a thing and keeps its place relative to it."""
    best, least = None, NEAR_M
    for hand in hands:
        distance = surface_distance_m(thing, hand.grip_m)[rows]
        steady = (hand.grip_m - thing.middles_m)[rows].std(axis=0)
        cost = float(distance.mean() + _UNSTEADY * np.linalg.norm(steady))
        if distance.mean() < NEAR_M and (best is None or cost < least):
            best, least = hand, cost
    return best


def _one_thing_a_hand(found: Sequence[Handling]) -> list[Handling]:
    kept: list[Handling] = []
    for each in found:
        rival = next((other for other in kept if _at_once(each, other)), None)
        if rival is None:
            kept.append(each)
        elif _distance_m(each) < _distance_m(rival):
            kept[kept.index(rival)] = each
    return sorted(kept, key=lambda each: each.motion.first)


def _at_once(one: Handling, other: Handling) -> bool:
    """Whether the same hand moves both for half of the shorter motion."""
    if one.hand is not other.hand or one.thing is other.thing:
        return False
    shared = min(one.motion.last, other.motion.last) - max(one.motion.first, other.motion.first)
    return shared > 0.5 * min(one.motion.last - one.motion.first, other.motion.last - other.motion.first)


def _distance_m(handling: Handling) -> float:
    if handling.hand is None:
        return np.inf
    rows = slice(handling.motion.first, handling.motion.last + 1)
    return float(surface_distance_m(handling.thing, handling.hand.grip_m)[rows].mean())


def _joined(thing: ThingTrack, motions: Sequence[Motion], bench: WatchedBench) -> list[Motion]:
    joined: list[Motion] = []
    for motion in motions:
        before = joined[-1] if joined else None
        if before is not None and _stays(thing, before, motion, bench):
            joined[-1] = Motion(first=before.first, last=motion.last)
        else:
            joined.append(motion)
    return joined


def _stays(thing: ThingTrack, before: Motion, after: Motion, bench: WatchedBench) -> bool:
    """Whether the hand that moves a thing does not leave it between two motions."""
    hands = [_mover(thing, slice(motion.first, motion.last + 1), bench.hands) for motion in (before, after)]
    if hands[0] is None or hands[0] is not hands[1]:
        return False
    way = hands[0].grip_m - thing.middles_m
    held = np.median(np.concatenate([way[before.first : before.last + 1], way[after.first : after.last + 1]]), axis=0)
    pause = slice(before.last, after.first + 1)
    apart = np.linalg.norm(way[pause] - held, axis=1)[hands[0].seen[pause]]
    return bool(len(apart)) and float(np.quantile(apart, _MOSTLY)) < STAYS_M
