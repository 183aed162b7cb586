"""One person over time as arrays: what smoothing, kinematics, features and networks work on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from geometry import FloatArray, InputError
from perception.pose.pose_frame import Hand, PoseFrame
from perception.pose.skeletons import HAND21, Skeleton


@dataclass(frozen=True, kw_only=True)
class PersonTrack:
    """Keypoints of one person over T moments; D is 2 (pixels) or 3 (metres). What was not seen is NaN, score 0."""

    skeleton: Skeleton
    """Rows of `keypoints`."""
    time_s: FloatArray
    """(T,) seconds, growing."""
    keypoints: FloatArray
    """(T, K, D)."""
    scores: FloatArray
    """(T, K), 0 to 1."""
    left_hand: FloatArray | None = None
    """(T, 21, D)."""
    right_hand: FloatArray | None = None
    """(T, 21, D)."""

    def __post_init__(self) -> None:
        count, joints = len(self.time_s), len(self.skeleton)
        if np.ndim(self.keypoints) != 3 or np.shape(self.keypoints)[:2] != (count, joints):
            raise InputError(
                "PersonTrack",
                expected=f"keypoints of shape ({count}, {joints}, 2 or 3) for {count} times and {self.skeleton.name}",
                got=f"{np.shape(self.keypoints)}",
            )
        if np.shape(self.scores) != (count, joints):
            raise InputError("PersonTrack", expected=f"scores ({count}, {joints})", got=f"{np.shape(self.scores)}")
        check_times(self.time_s, "PersonTrack")
        for side, hand in (("left_hand", self.left_hand), ("right_hand", self.right_hand)):
            wanted = (count, len(HAND21), self.keypoints.shape[2])
            if hand is not None and np.shape(hand) != wanted:
                raise InputError("PersonTrack", expected=f"{side} of shape {wanted}", got=f"{np.shape(hand)}")


def check_times(time_s: FloatArray, where: str) -> None:
    """Raise InputError unless times are finite and grow."""
    times = np.asarray(time_s, dtype=float)
    bad = np.flatnonzero(~(np.diff(times) > 0.0)) if np.isfinite(times).all() else np.flatnonzero(~np.isfinite(times))
    if len(bad):
        row = int(bad[0])
        raise InputError(
            where,
            expected="finite times in growing order",
            got=f"{times[row : row + 2]} at frame {row}",
            remedy="sort the frames by time and drop repeated ones",
        )


def track_of_person(frames: Iterable[PoseFrame], person_id: int) -> PersonTrack:
    """The rows of one person: metres where every frame with the person has them, else pixels.

    Frames in which the person is not in view are left out.

    Raises:
        InputError: if the person is in no frame, or has neither pixels nor metres.
    """
    seen = [(frame, person) for frame in frames for person in frame.persons if person.id == person_id]
    if not seen:
        raise InputError("track_of_person", expected="frames with the person", got=f"none with id {person_id}")
    metres = all(person.keypoints_m is not None for _, person in seen)
    points = [person.keypoints_m if metres else person.keypoints_px for _, person in seen]
    if any(point is None for point in points):
        raise InputError("track_of_person", expected="pixels or metres in every frame", got="frames with neither")
    return PersonTrack(
        skeleton=seen[0][0].skeleton,
        time_s=np.array([frame.time_s for frame, _ in seen]),
        keypoints=np.stack([np.asarray(point, dtype=float) for point in points]),
        scores=np.stack([person.scores for _, person in seen]),
        left_hand=_hand_rows([person.left_hand for _, person in seen], metres=metres),
        right_hand=_hand_rows([person.right_hand for _, person in seen], metres=metres),
    )


def _hand_rows(hands: list[Hand | None], *, metres: bool) -> FloatArray | None:
    points = [None if hand is None else hand.keypoints_m if metres else hand.keypoints_px for hand in hands]
    if all(point is None for point in points):
        return None
    unseen = np.full((len(HAND21), 3 if metres else 2), np.nan)
    return np.stack([unseen if point is None else point for point in points])


def persons_in(frames: Iterable[PoseFrame]) -> dict[int, int]:
    """Number of frames in which each id is in view, most first."""
    counts: dict[int, int] = {}
    for frame in frames:
        for person in frame.persons:
            counts[person.id] = counts.get(person.id, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: -item[1]))
