"""When a thing moves: its place before each moment is tested against its place after it.

The hand that moves it is seen with errors of centimetres, the thing itself with millimetres. So contact is told by the
thing. Whether two means differ is judged by how much they differ where nothing happens, which the recording itself
shows: no error needs to be known beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from geometry import FloatArray
from policies.programs.thing_tracks import ThingTrack, mean_pose
from policies.programs.watched_bench import WatchedBench

WINDOW_S = 0.3
"""Time before and after each moment whose means are compared."""
SIGMAS = 5.0
"""A difference of means counts from so many standard deviations."""
LEAST_NOISE_M = 0.001
"""Standard deviation of a mean, at least."""
LEAST_WAY_M = 0.015
"""What a thing must leave its place by; less is a nudge, or its pose was measured badly for a while."""
_PAUSE_S = 0.25
_QUIET_QUANTILE, _CHI3_AT_QUANTILE = 0.25, 1.101
"""A quarter of all differences of things that rest is below 1.101 standard deviations (chi distribution, 3 degrees of
freedom); so it may be in motion for half of the time and more, and the scale still holds."""


@dataclass(frozen=True, kw_only=True)
class Motion:
    """One stretch in which a thing moves, in rows of the recording."""

    first: int
    """Last row at rest before it."""
    last: int
    """First row at rest after it."""


def noise_of(things: Sequence[ThingTrack], rows: int) -> float:
    """Standard deviation of a coordinate of the difference of two means over so many rows each, at rest."""
    quiet = [np.quantile(_differences(each.measured_m, rows), _QUIET_QUANTILE) for each in things]
    return max(LEAST_NOISE_M, float(np.median(quiet)) / _CHI3_AT_QUANTILE if quiet else 0.0)


def motions_of(thing: ThingTrack, bench: WatchedBench, noise_m: float) -> list[Motion]:
    """Every stretch in which a thing leaves its place, those parted by a pause in the air as one.

    Args:
        thing: which.
        bench: the recording.
        noise_m: of `noise_of`.
    """
    rows = bench.rows(WINDOW_S)
    moving = _differences(thing.measured_m, rows) > SIGMAS * noise_m
    edges = np.flatnonzero(np.diff(np.concatenate([[False], moving, [False]])))
    merged: list[tuple[int, int]] = []
    for start, stop in zip(edges[::2], edges[1::2] - 1, strict=True):
        before = merged[-1] if merged else None
        if before is not None and _is_pause(thing, bench, before[1], int(start)):
            merged[-1] = (before[0], int(stop))
        else:
            merged.append((int(start), int(stop)))
    trimmed = [_trimmed(thing, bench, start, stop, noise_m) for start, stop in merged]
    return [motion for motion in trimmed if _way_m(thing, motion) >= LEAST_WAY_M]


def settled(bench: WatchedBench, motions: Mapping[str, Sequence[Motion]]) -> WatchedBench:
    """The same recording, where a thing at rest has one pose from one motion to the next: the mean of all that time.

    Args:
        bench: the recording.
        motions: of each thing, in order of time.
    """
    return replace(bench, things=tuple(_settled(each, motions.get(each.name, ())) for each in bench.things))


def _settled(thing: ThingTrack, motions: Sequence[Motion]) -> ThingTrack:
    poses, start = thing.T_world_thing.copy(), 0
    for stop, after in [*((each.first, each.last) for each in motions), (len(poses) - 1, len(poses))]:
        if stop >= start:
            poses[start : stop + 1] = mean_pose(poses[start : stop + 1])
        start = after
    return replace(thing, T_world_thing=poses)


def _is_pause(thing: ThingTrack, bench: WatchedBench, stop: int, start: int) -> bool:
    """Whether the thing is not put down between two stretches: in the air, or too short to be let go."""
    if start - stop < bench.rows(_PAUSE_S):
        return True
    middle = mean_pose(thing.T_world_thing[stop : start + 1])
    layout = bench.layout((stop + start) // 2) | {thing.name: middle}
    return bench.standing_in(thing, layout) is None


def _trimmed(thing: ThingTrack, bench: WatchedBench, start: int, stop: int, noise_m: float) -> Motion:
    """The stretch from where the thing leaves its place to where it has reached the next one."""
    rows, ways, last_row = bench.rows(WINDOW_S), thing.middles_m, len(bench.time_s) - 1
    tolerance = max(3.0 * noise_m, 0.004)
    earlier, later = max(0, start - rows), min(last_row, stop + rows)
    before, after = ways[max(0, earlier - rows) : earlier + 1].mean(axis=0), ways[later : later + rows + 1].mean(axis=0)
    left = np.linalg.norm(ways[earlier : later + 1] - before, axis=1) > tolerance
    coming = np.linalg.norm(ways[earlier : later + 1] - after, axis=1) > tolerance
    first = earlier + int(left.argmax()) - 1 if left.any() else start
    last = later - int(coming[::-1].argmax()) + 1 if coming.any() else stop
    return Motion(first=max(first, 0), last=min(max(last, first + 1), last_row))


def _way_m(thing: ThingTrack, motion: Motion) -> float:
    way = thing.middles_m[motion.first : motion.last + 1]
    return float(np.linalg.norm(way - way[0], axis=1).max())


def _differences(places: FloatArray, rows: int) -> FloatArray:
    """(T,) distance between the mean of so many rows before each row and that of so many after it."""
    ends = [np.repeat(part.mean(axis=0, keepdims=True), rows, axis=0) for part in (places[:rows], places[-rows:])]
    padded = np.concatenate([ends[0], places, ends[1]])
    sums = np.cumsum(np.concatenate([np.zeros((1, 3)), padded]), axis=0)
    means = (sums[rows:] - sums[:-rows]) / rows
    apart: FloatArray = np.linalg.norm(means[rows + 1 :] - means[: len(places)], axis=1)
    return apart
