"""A tracker's score on detections of which it is known whose they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from geometry import InputError
from perception.pose.pose_frame import PoseFrame
from perception.pose.tracking.tracking_metrics import TrackingScore, tracking_score


class PersonTracker(Protocol):
    """What `Tracker` and `IouTracker` are."""

    def track(self, frames: Iterable[PoseFrame]) -> Iterator[PoseFrame]:
        """Frames with numbered persons."""
        ...


def score_tracker(
    tracker: PersonTracker,
    frames: Sequence[PoseFrame],
    true_ids: Sequence[ArrayLike],
    in_view: Sequence[ArrayLike] | None = None,
) -> TrackingScore:
    """Let a tracker number the detections and compare with whose they are.

    Args:
        tracker: new; it has seen no frame yet.
        frames: detections, in order of time.
        true_ids: for each frame (N,) whose each detection is; -1 for nobody's.
        in_view: for each frame the ids truly in view, also of those not detected; default: those detected.

    Returns:
        The score, in which a given person is right only if the detection behind it is theirs.
    """
    return score_frames(list(tracker.track(frames)), frames, true_ids, in_view)


def score_frames(
    given: Sequence[PoseFrame],
    detected: Sequence[PoseFrame],
    true_ids: Sequence[ArrayLike],
    in_view: Sequence[ArrayLike] | None = None,
) -> TrackingScore:
    """The score of frames already numbered; every given person is one of the detected ones, with the same arrays.

    Raises:
        InputError: if lengths disagree or a given person is not among those detected.
    """
    views = true_ids if in_view is None else in_view
    if not len(given) == len(detected) == len(true_ids) == len(views):
        raise InputError(
            "score_frames",
            expected="as many frames of everything",
            got=f"{len(given)} given, {len(detected)} detected, {len(true_ids)} true_ids, {len(views)} in_view",
        )
    truths, numbers, likeness = [], [], []
    for result, frame, true, view in zip(given, detected, true_ids, views, strict=True):
        owners = _owners(result, frame, np.ravel(true))
        people = sorted({int(i) for i in (*np.ravel(true), *np.ravel(view)) if i >= 0})
        truths.append(people)
        numbers.append([person.id for person in result.persons])
        likeness.append(np.equal.outer(people, owners).astype(float))
    return tracking_score(truths, numbers, likeness)


def _owners(result: PoseFrame, frame: PoseFrame, true: np.ndarray) -> list[int]:
    """Whose detection each given person is."""
    owner = {id(person.scores): int(number) for person, number in zip(frame.persons, true, strict=True)}
    try:
        return [owner[id(person.scores)] for person in result.persons]
    except KeyError:
        raise InputError(
            f"score_frames at {frame.time_s} s", expected="persons that were detected in this frame", got="another"
        ) from None
