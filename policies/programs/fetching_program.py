"""From arms alone, without fingers and without things, to a program: hands that go out and come back fetch something.

A person who builds something keeps both hands at the work. A wrist that leaves its place for a while and comes back may
have fetched a part. May: nothing that was recorded tells a part from a gesture. So the program is a guess, and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d, median_filter

from geometry import FloatArray, InputError
from perception.pose import PersonTrack
from policies.programs.program import ProgramObject, TaskProgram
from policies.programs.recording_program import ShownTask, ThingEvent
from policies.programs.steps import Carry, Grasp, Lift, Place, Reach, Release, Step

WORK = "work"
"""What the program calls the thing that is built."""
OUT_M = 0.05
"""A wrist further than this from its usual place has left it."""
LEAST_S = 0.3
"""A shorter absence fetches nothing."""
WIDTH_M, LIFT_M, BESIDE_M = 0.016, 0.05, 0.06
"""Of a part that nobody saw: width of a small brick, how high it is lifted, how far from the work it is put."""
_MEDIAN_S, _SMOOTH_S = 0.3, 0.12
_LEAST_FRAMES = 10


@dataclass(frozen=True, kw_only=True)
class _Absence:
    """A hand that is away from its place."""

    hand: str
    start_s: float
    far_s: float
    end_s: float


def program_from_arms(track: PersonTrack) -> ShownTask:
    """Guess what was fetched, from the wrists' ways alone.

    Args:
        track: one person's arms in metres, in whatever frame.

    Returns:
        A program of which every thing and every number but the times is assumed, or why there is none.

    Raises:
        InputError: if the track is not in metres.
    """
    if track.keypoints.shape[2] != 3:
        raise InputError("program_from_arms", expected="a track in metres (T, K, 3)", got=f"{track.keypoints.shape}")
    absences = sorted(
        (each for side in ("left", "right") for each in _absences(track, side)), key=lambda each: each.start_s
    )
    if not absences:
        return ShownTask(program=None, reason="no hand leaves its place and comes back")
    parts = [f"part_{number}" for number in range(1, len(absences) + 1)]
    steps = [step for part, each in zip(parts, absences, strict=True) for step in _steps(part, each)]
    program = TaskProgram(
        steps=tuple(steps),
        objects=tuple(ProgramObject(name=name, category="block") for name in (*parts, WORK)),
        text=f"fetch {len(parts)} part{'s' * (len(parts) > 1)} to the work, if anything was fetched",
        notes=_doubts(len(parts)),
    )
    return ShownTask(program=program, events=_events(parts, absences, track.time_s))


def _absences(track: PersonTrack, side: str) -> list[_Absence]:
    """When a wrist is away from where it mostly is, between the times when it is there."""
    name = f"{side}_wrist"
    if not track.skeleton.has(name):
        return []
    points = track.keypoints[:, track.skeleton.index(name)]
    seen = np.isfinite(points).all(axis=1)
    if seen.sum() < _LEAST_FRAMES:
        return []
    times = track.time_s[seen]
    way = _calm(points[seen], float(np.median(np.diff(times))))
    apart = np.linalg.norm(way - np.median(way, axis=0), axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], apart > OUT_M, [False]])))
    found = []
    for first, last in zip(edges[::2], edges[1::2] - 1, strict=True):
        inside = first > 0 and last < len(apart) - 1
        if inside and times[last] - times[first] >= LEAST_S:
            rows = (first, first + int(apart[first : last + 1].argmax()), last)
            start_s, far_s, end_s = (float(times[row]) for row in rows)
            found.append(_Absence(hand=f"{side} hand", start_s=start_s, far_s=far_s, end_s=end_s))
    return found


def _calm(points: FloatArray, frame_s: float) -> FloatArray:
    """A wrist's way without a detector's jumps."""
    median = median_filter(points, size=(max(3, round(_MEDIAN_S / frame_s)), 1), mode="nearest")
    calm: FloatArray = gaussian_filter1d(median, _SMOOTH_S / frame_s, axis=0, mode="nearest")
    return calm


def _steps(part: str, absence: _Absence) -> list[Step]:
    start, far, end = (round(time, 3) for time in (absence.start_s, absence.far_s, absence.end_s))
    return [
        Reach(object=part, start_s=start, end_s=far),
        Grasp(
            object=part, start_s=far, end_s=far, at_m=(0.0, 0.0, 0.0), approach=(0.0, 0.0, -1.0),
            closing=(0.0, 1.0, 0.0), width_m=WIDTH_M,
        ),
        Lift(object=part, start_s=far, end_s=end, height_m=LIFT_M),
        Carry(object=part, to=WORK, start_s=far, end_s=end),
        Place(object=part, to=WORK, relation="beside", offset_m=(0.0, -BESIDE_M, 0.0), start_s=end, end_s=end),
        Release(object=part, start_s=end, end_s=end),
    ]  # fmt: skip


def _doubts(count: int) -> tuple[str, ...]:
    return (
        f"no thing and no finger was seen: {count} parts are guessed from hands that went out and came back",
        "which parts, where they lay, how wide they are, and how they were put together is not known",
    )


def _events(parts: Sequence[str], absences: Sequence[_Absence], time_s: FloatArray) -> tuple[ThingEvent, ...]:
    first, last = float(time_s[0]), float(time_s[-1])
    events = []
    for part, each in zip(parts, absences, strict=True):
        rest = ThingEvent(thing=part, kind="rest", start_s=first, end_s=each.far_s)
        carried = ThingEvent(thing=part, kind="carried", start_s=each.far_s, end_s=each.end_s, hand=each.hand)
        events += [rest, carried, ThingEvent(thing=part, kind="rest", start_s=each.end_s, end_s=last)]
    return tuple(events)
