"""A recording as things and hands over time, all in the world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from geometry import FloatArray, InputError
from perception.behavior.watching import track_frames
from perception.pose import PoseFrame
from policies.programs.hand_tracks import HandTrack, hand_tracks
from policies.programs.standing import Standing, bottom_m, is_mark, standing_of
from policies.programs.thing_tracks import ThingTrack, frame_s, thing_tracks


@dataclass(frozen=True, kw_only=True, eq=False)
class WatchedBench:
    """T moments of things and hands."""

    time_s: FloatArray
    """(T,)."""
    things: tuple[ThingTrack, ...]
    """What has poses."""
    hands: tuple[HandTrack, ...]
    """Whose hands were seen."""
    table_z_m: float
    """Height of the surface that things stand on."""
    doubts: tuple[str, ...]
    """What was seen badly."""

    @property
    def frame_s(self) -> float:
        """Time from frame to frame."""
        return frame_s(self.time_s)

    def rows(self, duration_s: float) -> int:
        """Frames in a time, one at least."""
        return max(1, round(duration_s / self.frame_s))

    def thing(self, name: str) -> ThingTrack:
        """The thing of a name."""
        return next(each for each in self.things if each.name == name)

    def layout(self, row: int) -> dict[str, FloatArray]:
        """Where everything is at one moment."""
        return {each.name: each.T_world_thing[row] for each in self.things}

    def standing(self, thing: ThingTrack, row: int) -> Standing | None:
        """What a thing stands on or lies in at one moment; None in the air."""
        return self.standing_in(thing, self.layout(row))

    def standing_in(self, thing: ThingTrack, layout: Mapping[str, FloatArray]) -> Standing | None:
        """What a thing stands on or lies in where everything is as in a layout."""
        bodies = [each for each in self.things if not is_mark(each)]
        return standing_of(thing, bodies, layout, table_z_m=self.table_z_m)


def watch_bench(frames: Sequence[PoseFrame]) -> WatchedBench:
    """Follow hands and things.

    Args:
        frames: in order of time; persons without numbers are tracked.

    Raises:
        InputError: without frames, or where they are told in a camera's frame.
    """
    if not frames:
        raise InputError("recording", expected="at least one frame", got="none")
    if any(frame.reference != "world" for frame in frames):
        remedy = "transform keypoints and poses into a frame whose z axis points up"
        raise InputError("recording", expected='frames with reference "world"', got='"camera"', remedy=remedy)
    times = np.array([frame.time_s for frame in frames])
    if (np.diff(times) <= 0.0).any():
        row = int(np.flatnonzero(np.diff(times) <= 0.0)[0])
        raise InputError("recording", expected="times that grow", got=f"{times[row]:g} s, then {times[row + 1]:g} s")
    tracked = track_frames(frames) if any(frame.persons for frame in frames) else list(frames)
    things, doubts = thing_tracks(frames)
    return WatchedBench(
        time_s=times,
        things=tuple(things),
        hands=tuple(hand_tracks(tracked)),
        table_z_m=_table_z_m(things),
        doubts=tuple(doubts),
    )


def _table_z_m(things: Sequence[ThingTrack]) -> float:
    """Where the lowest things stand at the beginning: the median of those within 2 cm of the lowest."""
    heights = np.array([bottom_m(each, each.T_world_thing[0]) for each in things])
    return float(np.median(heights[heights <= heights.min() + 0.02])) if len(heights) else 0.0
