"""Whether frames show a hand in pixels alone, and the program of whoever moves a hand most in them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perception.behavior.watching import track_frames
from perception.pose import PersonTrack, PoseFrame, persons_in, track_of_person
from policies.programs.reaching_program import program_from_reaching
from policies.programs.recording_program import ShownTask

_LEAST_FRAMES = 5


def in_pixels_alone(frames: Sequence[PoseFrame]) -> bool:
    """Whether nothing in the frames is known in metres: neither a thing's pose nor a person's place."""
    things = any(thing.T_reference_object is not None for frame in frames for thing in frame.objects)
    people = [person for frame in frames for person in frame.persons]
    return not things and bool(people) and all(person.keypoints_m is None for person in people)


def program_of_frames(frames: Sequence[PoseFrame]) -> ShownTask:
    """The first reach of the hand that goes furthest in the picture; see `program_from_reaching`.

    Args:
        frames: in pixels, in order of time; persons without numbers are tracked.
    """
    tracked = track_frames(frames)
    tracks = [
        track_of_person(tracked, number) for number, count in persons_in(tracked).items() if count >= _LEAST_FRAMES
    ]
    ways = [(_way(track, side), row, side) for row, track in enumerate(tracks) for side in ("left", "right")]
    best = max(ways, default=(0.0, 0, ""))
    if best[0] <= 0.0:
        return ShownTask(program=None, reason="no hand is in view long enough")
    return program_from_reaching(tracks[best[1]], side=best[2])


def _way(track: PersonTrack, side: str) -> float:
    """How far apart in pixels a wrist is seen (between its 5th and 95th percentiles); 0 without a hand."""
    hand = track.right_hand if side == "right" else track.left_hand
    within = track.skeleton.has(f"{side}_hand_index_tip")
    name = f"{side}_wrist"
    if (hand is None and not within) or not track.skeleton.has(name):
        return 0.0
    points = track.keypoints[:, track.skeleton.index(name)]
    points = points[np.isfinite(points).all(axis=1)]
    if len(points) < _LEAST_FRAMES:
        return 0.0
    low, high = np.percentile(points, [5.0, 95.0], axis=0)
    return float(np.linalg.norm(high - low))
