"""Where the hands of a recording are over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from geometry import FloatArray
from perception.pose import Person, PoseFrame
from perception.pose.skeletons import HAND21
from policies.programs.thing_tracks import frame_s

Side = Literal["left", "right"]
SIDES: tuple[Side, Side] = ("left", "right")
THUMB_TIP, INDEX_TIP = HAND21.index("thumb_tip"), HAND21.index("index_tip")
_SMOOTH_S = 0.08
_LEAST_SHARE, _ENOUGH = 0.05, 0.4


@dataclass(frozen=True, kw_only=True, eq=False)
class HandTrack:
    """One hand over the T frames of a recording."""

    person: int
    """Whose."""
    side: Side
    """Which."""
    points_m: FloatArray
    """(T, 21, 3) as measured; NaN where not seen."""
    grip_m: FloatArray
    """(T, 3) middle between the tips of thumb and index finger, smoothed, gaps filled. For a hand whose tips are mostly
    hidden it is the middle of the hand, or the wrist: one of them all the time, so that it does not jump."""
    seen: NDArray[np.bool_]
    """(T,) whether that was seen."""

    @property
    def name(self) -> str:
        """Such as "right hand"."""
        return f"{self.side} hand"


def hand_tracks(frames: Sequence[PoseFrame]) -> list[HandTrack]:
    """Every hand that is seen in at least one frame of twenty; persons need numbers.

    Args:
        frames: in metres in the world, of persons who keep their numbers.
    """
    times = np.array([frame.time_s for frame in frames])
    ids = list(dict.fromkeys(person.id for frame in frames for person in frame.persons))
    found = []
    for number in ids:
        persons = [next((each for each in frame.persons if each.id == number), None) for frame in frames]
        for side in SIDES:
            track = _track(number, side, times, frames, persons)
            if track is not None:
                found.append(track)
    return found


def _track(
    number: int, side: Side, times: FloatArray, frames: Sequence[PoseFrame], persons: Sequence[Person | None]
) -> HandTrack | None:
    points = np.full((len(frames), len(HAND21), 3), np.nan)
    wrists = np.full((len(frames), 3), np.nan)
    for row, (frame, person) in enumerate(zip(frames, persons, strict=True)):
        if person is None:
            continue
        hand = person.right_hand if side == "right" else person.left_hand
        if hand is not None and hand.keypoints_m is not None:
            points[row] = np.where(hand.scores[:, None] > 0.0, hand.keypoints_m, np.nan)
        wrists[row] = _wrist(frame, person, side)
    places = _places(points, wrists)
    seen: NDArray[np.bool_] = np.all(np.isfinite(places), axis=1, keepdims=True)[:, 0]
    if seen.mean() < _LEAST_SHARE:
        return None
    filled = np.column_stack([np.interp(times, times[seen], column) for column in places[seen].T])
    grip = gaussian_filter1d(filled, _SMOOTH_S / frame_s(times), axis=0, mode="nearest")
    return HandTrack(person=number, side=side, points_m=points, grip_m=grip, seen=seen)


def _places(points: FloatArray, wrists: FloatArray) -> FloatArray:
    """(T, 3) where a hand takes hold, as far as it can be seen; NaN where it cannot."""
    tips = points[:, [THUMB_TIP, INDEX_TIP]].mean(axis=1)
    known = np.isfinite(points).all(axis=2).sum(axis=1) > len(HAND21) // 2
    middles = np.full_like(wrists, np.nan)
    middles[known] = np.nanmean(points[known], axis=1)
    shares = [float(np.isfinite(each).all(axis=1).mean()) for each in (tips, middles, wrists)]
    for places, share in zip((tips, middles), shares, strict=False):
        if share >= _ENOUGH * max(shares):
            return places
    return wrists


def _wrist(frame: PoseFrame, person: Person, side: Side) -> FloatArray:
    joint = f"{side}_wrist"
    if person.keypoints_m is None or not frame.skeleton.has(joint):
        return np.full(3, np.nan)
    row = frame.skeleton.index(joint)
    return np.asarray(person.keypoints_m[row], dtype=float) if person.scores[row] > 0.0 else np.full(3, np.nan)
