"""Broken tracks put together again, once everything has been seen.

Every end of a track is compared with every later beginning: where each would have been at the middle of the gap had
it walked on, or come, at its own velocity; how large both are; in metres how long their limbs are. The pairing of
largest total likeness makes chains. Source: joining pose flows across missed detections: Xiu et al., "Pose Flow",
BMVC 2018; as an assignment: Huang, Wu, Nevatia, "Robust object tracking by hierarchical association", ECCV 2008.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from geometry import FloatArray, InputError
from perception.pose.pose_frame import PoseFrame
from perception.pose.tracking.assignment import assign
from perception.pose.tracking.detections import Space, box_diagonals, detections_of, space_of


@dataclass(frozen=True, kw_only=True)
class StitchSettings:
    """Which tracks are one person. Lengths are in body sizes."""

    space: Space | None = None
    """Compare in pixels or in metres; None: pixels where the first person seen has them, else metres."""
    max_gap_s: float = 3.0
    """Longest time unseen."""
    place: float = 0.2
    """Spread of where two tracks of one person meet, without any gap."""
    drift_speed: float = 0.3
    """How fast this grows with the gap, body sizes per second."""
    size: float = 0.1
    """Spread of the logarithm of the sizes' ratio."""
    limb: float = 0.04
    """Spread of the logarithm of a limb's lengths' ratio, in metres only."""
    memory_s: float = 0.5
    """How much of a track's end its velocity and size are taken from."""
    least: float = 0.2
    """Less alike than this is not the same person."""

    def __post_init__(self) -> None:
        for name in ("max_gap_s", "place", "drift_speed", "size", "limb", "memory_s", "least"):
            if not getattr(self, name) > 0.0:
                raise InputError("StitchSettings", expected=f"{name} above 0", got=f"{getattr(self, name)}")


@dataclass(frozen=True)
class _End:
    """One end of one track."""

    time_s: float
    place: FloatArray
    """(D,) middle of the body."""
    velocity: FloatArray
    """(D,) per second."""
    size: float
    limbs: FloatArray
    """(B,) length of each bone; NaN where unknown."""


def stitch(frames: Sequence[PoseFrame], settings: StitchSettings | None = None) -> list[PoseFrame]:
    """Frames of a tracker in which the tracks of one person have one number, that of their first track.

    Args:
        frames: all frames of a recording, with numbered persons.
        settings: when two tracks are one.
    """
    settings = settings or StitchSettings()
    space = settings.space or next((found for frame in frames if (found := space_of(frame))), None)
    if space is None:
        return list(frames)
    tracks = _tracks(frames, space)
    ids = list(tracks)
    ends = [_end(*tracks[number], frames[0], settings.memory_s, last=True) for number in ids]
    starts = [_end(*tracks[number], frames[0], settings.memory_s, last=False) for number in ids]
    alike = np.array([[_likeness(end, start, settings, space) for start in starts] for end in ends])
    alike = alike.reshape(len(ids), len(ids))
    everyone = np.arange(len(ids))
    rows, columns = assign(alike, everyone, everyone, settings.least)
    first = {number: number for number in ids}
    for row, column in sorted(zip(rows, columns, strict=True), key=lambda pair: starts[pair[1]].time_s):
        first[ids[column]] = first[ids[row]]
    return [
        frame.with_persons(tuple(replace(person, id=first.get(person.id, person.id)) for person in frame.persons))
        for frame in frames
    ]


def _tracks(frames: Sequence[PoseFrame], space: Space) -> dict[int, tuple[FloatArray, FloatArray]]:
    """Times (T,) and joints (T, K, D) of every number, in order of their first frames."""
    rows: dict[int, list[tuple[float, FloatArray]]] = {}
    for frame in frames:
        seen = detections_of(frame, space, 0.05)
        for person, points, score in zip(frame.persons, seen.points, seen.scores, strict=True):
            if person.id >= 0 and score > 0.0:
                rows.setdefault(person.id, []).append((frame.time_s, points))
    return {
        number: (np.array([time_s for time_s, _ in row]), np.array([points for _, points in row]))
        for number, row in rows.items()
    }


def _end(time_s: FloatArray, points: FloatArray, frame: PoseFrame, memory_s: float, *, last: bool) -> _End:
    """What is known of a track at its last or its first frame."""
    at = time_s[-1] if last else time_s[0]
    near = np.abs(time_s - at) <= memory_s
    middles = np.nanmedian(points[near], axis=1)
    lever = time_s[near] - time_s[near].mean()
    spread = (lever**2).sum()
    velocity = lever @ (middles - middles.mean(axis=0)) / spread if spread > 0.0 else np.zeros(points.shape[-1])
    place = middles.mean(axis=0) + velocity * (at - time_s[near].mean())
    bones = np.array(frame.skeleton.bone_rows, dtype=int).reshape(-1, 2)
    lengths = np.sqrt(((points[:, bones[:, 0]] - points[:, bones[:, 1]]) ** 2).sum(-1))
    known = np.isfinite(lengths).any(axis=0)
    limbs = np.full(len(bones), np.nan)
    limbs[known] = np.nanmedian(lengths[:, known], axis=0)
    return _End(float(at), place, velocity, float(np.median(box_diagonals(points[near]))), limbs)


def _likeness(end: _End, start: _End, settings: StitchSettings, space: Space) -> float:
    """How likely the start is the end's person, 0 to 1; 0 if it does not come after it in time."""
    gap_s = start.time_s - end.time_s
    if not 0.0 < gap_s <= settings.max_gap_s or not (end.size > 0.0 and start.size > 0.0):
        return 0.0
    apart = end.place + 0.5 * gap_s * end.velocity - (start.place - 0.5 * gap_s * start.velocity)
    off = np.sqrt((apart**2).sum()) / (0.5 * (end.size + start.size))
    squares = [(off / (settings.place + settings.drift_speed * gap_s)) ** 2]
    squares.append((np.log(end.size / start.size) / settings.size) ** 2)
    if space == "m":
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = np.log(end.limbs / start.limbs)
        ratios = ratios[np.isfinite(ratios)]
        squares.append(float((ratios**2).mean()) / settings.limb**2 if len(ratios) else 0.0)
    return float(np.exp(-0.5 * sum(squares)))
