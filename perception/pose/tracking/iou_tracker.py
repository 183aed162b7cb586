"""The simplest tracker that people use, for comparison: boxes that overlap from one frame to the next are one person.

Source: Bochinski, Eiselein, Sikora, "High-speed tracking-by-detection without using image information", AVSS 2017,
with the assignment of Bewley et al., "Simple online and realtime tracking", ICIP 2016, and without its prediction.
The defaults are those with which it switched identities least on simulated crowds, so that it is beaten fairly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.pose.pose_frame import PoseFrame
from perception.pose.tracking.assignment import assign
from perception.pose.tracking.detections import detections_of, space_of
from perception.pose.tracking.similarity import box_overlap


class IouTracker:
    """Overlap of the boxes around the seen joints, and nothing else. The interface of `Tracker`."""

    def __init__(self, *, least_overlap: float = 0.1, high_score: float = 0.5, max_age_s: float = 1.0) -> None:
        """Begin with nobody known.

        Args:
            least_overlap: intersection over union below which boxes are not one person.
            high_score: detections of a lower mean score are left out.
            max_age_s: how long the last box of an unseen person is kept.
        """
        if not (0.0 < least_overlap <= 1.0 and 0.0 <= high_score <= 1.0 and max_age_s >= 0.0):
            raise InputError(
                "IouTracker",
                expected="least_overlap and high_score from 0 to 1, max_age_s not below 0",
                got=f"{least_overlap}, {high_score}, {max_age_s}",
            )
        self._least, self._high_score, self._max_age_s = least_overlap, high_score, max_age_s
        self._time_s = -np.inf
        self._corners: FloatArray = np.empty((0, 2, 0))
        self._sizes: FloatArray = np.empty(0)
        self._seen_s: FloatArray = np.empty(0)
        self._ids = np.empty(0, dtype=np.int64)
        self._next_id = 0

    def track(self, frames: Iterable[PoseFrame]) -> Iterator[PoseFrame]:
        """The frames of a source with numbered persons, one by one."""
        for frame in frames:
            yield self.update(frame)

    def update(self, frame: PoseFrame) -> PoseFrame:
        """The same frame with numbered persons; doubtful ones are left out.

        Raises:
            InputError: if time does not grow.
        """
        if not frame.time_s > self._time_s:
            raise InputError("IouTracker", expected=f"a frame after {self._time_s} s", got=f"{frame.time_s} s")
        self._time_s = frame.time_s
        space = space_of(frame)
        if space is None:
            return frame.with_persons(())
        self._keep(frame.time_s - self._seen_s <= self._max_age_s)
        seen = detections_of(frame, space, 0.05)
        corners = np.stack([np.fmin.reduce(seen.points, axis=1), np.fmax.reduce(seen.points, axis=1)], axis=1)
        confident = np.flatnonzero(seen.scores >= self._high_score)
        overlap = np.zeros((0, len(seen)))
        if len(self._ids):
            overlap = box_overlap(self._corners, corners, self._sizes)
        rows, picks = assign(overlap, np.arange(len(self._ids)), confident, self._least)
        new = np.setdiff1d(confident, picks)
        numbers = np.full(len(seen), -1, dtype=np.int64)
        numbers[picks] = self._ids[rows]
        numbers[new] = self._next_id + np.arange(len(new))
        self._next_id += len(new)
        waiting = np.ones(len(self._ids), dtype=bool)
        waiting[rows] = False
        self._keep(waiting)
        given = np.flatnonzero(numbers >= 0)
        old = self._corners if len(self._ids) else corners[:0]
        self._corners = np.concatenate([old, corners[given]])
        self._sizes = np.concatenate([self._sizes, seen.sizes[given]])
        self._seen_s = np.concatenate([self._seen_s, np.full(len(given), frame.time_s)])
        self._ids = np.concatenate([self._ids, numbers[given]])
        persons = zip(frame.persons, numbers, strict=True)
        return frame.with_persons(tuple(replace(person, id=int(number)) for person, number in persons if number >= 0))

    def _keep(self, rows: NDArray[np.bool_]) -> None:
        self._corners, self._sizes = self._corners[rows], self._sizes[rows]
        self._seen_s, self._ids = self._seen_s[rows], self._ids[rows]
