"""A recording in memory: frames in order of time, played as often as wanted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from geometry import FloatArray, InputError, PinholeCamera
from perception.pose.person_track import check_times
from perception.pose.pose_frame import Hand, Person, PoseFrame
from perception.pose.skeletons import HAND21, Skeleton


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Recorded frames as a `KeypointSource`."""

    skeleton: Skeleton
    """Rows of every person's keypoints."""
    frames: tuple[PoseFrame, ...]
    """At least one, in order of time, all of that skeleton."""

    def __post_init__(self) -> None:
        if not self.frames:
            raise InputError("Recording", expected="at least one frame", got="none")
        check_times(np.array([frame.time_s for frame in self.frames]), "Recording")
        other = next((frame.skeleton for frame in self.frames if frame.skeleton != self.skeleton), None)
        if other is not None:
            raise InputError(
                "Recording",
                expected=f"frames of one skeleton, {self.skeleton.name} of {len(self.skeleton)} joints",
                got=f"one of {other.name} of {len(other)} joints",
                remedy="convert the frames to one skeleton first",
            )

    @property
    def rate_hz(self) -> float | None:
        """Frames a second, from the median step; None for a single frame."""
        steps_s = np.diff([frame.time_s for frame in self.frames])
        return float(1.0 / np.median(steps_s)) if len(steps_s) else None

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.frames)

    def __iter__(self) -> Iterator[PoseFrame]:
        """The frames from the beginning."""
        return iter(self.frames)

    def close(self) -> None:
        """Nothing is held."""


def recording_of_arrays(
    skeleton: Skeleton,
    time_s: ArrayLike,
    keypoints: ArrayLike,
    *,
    scores: ArrayLike | None = None,
    ids: ArrayLike | None = None,
    left_hand: ArrayLike | None = None,
    right_hand: ArrayLike | None = None,
    reference: str = "world",
    camera: PinholeCamera | None = None,
) -> Recording:
    """A recording of keypoints that lie in arrays. A person is in view where any joint or hand point is seen.

    Args:
        skeleton: what the K rows are.
        time_s: (T,) growing.
        keypoints: (T, K, D) of one person or (T, P, K, D) of several; pixels where D is 2, metres where it is 3;
            NaN = unseen.
        scores: (T, K) or (T, P, K), 0 to 1; none: 1 for all that is seen.
        ids: (P,) numbers of the persons; none: 0, 1, ...
        left_hand: (T, 21, D) or (T, P, 21, D); NaN = unseen.
        right_hand: the same of right hands.
        reference: frame of metres, "world" or "camera".
        camera: the camera that saw the pixels, where known.

    Raises:
        InputError: if shapes do not fit together, a number is infinite, or times do not grow.
    """
    body = _with_persons("keypoints", keypoints, 4)
    frames, persons, joints = body.shape[:3]
    if joints != len(skeleton) or body.shape[3] not in (2, 3):
        raise InputError(
            "recording_of_arrays",
            expected=f"keypoints (T, {len(skeleton)}, 2 or 3) or (T, P, {len(skeleton)}, 2 or 3) of {skeleton.name}",
            got=f"{np.shape(keypoints)}",
        )
    times = np.asarray(time_s, dtype=float)
    numbers = np.arange(persons) if ids is None else np.asarray(ids)
    given = np.ones(body.shape[:3]) if scores is None else _with_persons("scores", scores, 3)
    hands = {
        "left_hand": None if left_hand is None else _with_persons("left_hand", left_hand, 4),
        "right_hand": None if right_hand is None else _with_persons("right_hand", right_hand, 4),
    }
    wanted = {"time_s": (frames,), "ids": (persons,), "scores": body.shape[:3]}
    got: dict[str, tuple[int, ...]] = {"time_s": times.shape, "ids": numbers.shape, "scores": given.shape}
    for side, hand in hands.items():
        if hand is not None:
            wanted[side], got[side] = (frames, persons, len(HAND21), body.shape[3]), hand.shape
    _check_shapes(wanted, got)
    return Recording(
        skeleton=skeleton,
        frames=tuple(
            PoseFrame(
                time_s=float(times[t]),
                skeleton=skeleton,
                persons=tuple(
                    person
                    for p in range(persons)
                    if (person := _person(int(numbers[p]), body[t, p], given[t, p], _at(hands, t, p))) is not None
                ),
                reference=reference,
                camera=camera,
            )
            for t in range(frames)
        ),
    )


def seen_points(where: str, points: ArrayLike, scores: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Points (..., D) and scores (...) with everything unseen as NaN with score 0, whichever of both said so.

    Raises:
        InputError: if a coordinate is infinite, or a score is no number from 0 to 1.
    """
    given, confidence = np.asarray(points, dtype=float), np.asarray(scores, dtype=float)
    if np.isinf(given).any():
        raise InputError(where, expected="finite coordinates, NaN where unseen", got="an infinite one")
    if not ((confidence >= 0.0) & (confidence <= 1.0)).all():
        raise InputError(where, expected="scores from 0 to 1", got="one outside", remedy="NaN counts as outside")
    seen = np.isfinite(given).all(axis=-1) & (confidence > 0.0)
    return np.where(seen[..., None], given, np.nan), np.where(seen, confidence, 0.0)


def _person(number: int, points: FloatArray, scores: FloatArray, hands: dict[str, FloatArray]) -> Person | None:
    body, confidence = seen_points("keypoints", points, scores)
    found: dict[str, Hand] = {}
    for side, hand in hands.items():
        fingers, certain = seen_points(side, hand, np.ones(len(HAND21)))
        if certain.any():
            found[side] = Hand(scores=certain, **{_field(fingers): fingers})
    if not confidence.any() and not found:
        return None
    return Person(
        id=number,
        scores=confidence,
        left_hand=found.get("left_hand"),
        right_hand=found.get("right_hand"),
        **{_field(body): body},
    )


def _field(points: FloatArray) -> str:
    return "keypoints_px" if points.shape[-1] == 2 else "keypoints_m"


def _at(hands: dict[str, FloatArray | None], frame: int, person: int) -> dict[str, FloatArray]:
    return {side: hand[frame, person] for side, hand in hands.items() if hand is not None}


def _with_persons(name: str, values: ArrayLike, dims: int) -> FloatArray:
    """The array with an axis of persons, put in where it is left out."""
    array = np.asarray(values, dtype=float)
    if array.ndim not in (dims - 1, dims):
        raise InputError("recording_of_arrays", expected=f"{name} of {dims - 1} or {dims} axes", got=f"{array.shape}")
    return array if array.ndim == dims else array[:, None]


def _check_shapes(wanted: dict[str, tuple[int, ...]], got: dict[str, tuple[int, ...]]) -> None:
    for name, shape in wanted.items():
        if got[name] != shape:
            raise InputError("recording_of_arrays", expected=f"{name} of shape {shape}", got=f"{got[name]}")
