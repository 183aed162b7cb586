"""Who is who, frame by frame: the source's own numbers where it has them, else a tracker's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from geometry import InputError
from perception.pose import PoseFrame, Skeleton
from perception.pose.tracking import Tracker, TrackerSettings
from perception.pose.tracking.detections import check_joints


class Numbering:
    """Numbers the persons of one source.

    As long as everybody comes with a number, numbers stay as they are. From the first person without one on, all are
    tracked, with numbers above those that came.
    """

    wait_s: float
    """How long somebody out of view is expected back."""

    def __init__(self, settings: TrackerSettings | None = None) -> None:
        """Begin with nobody known."""
        self._settings = settings or TrackerSettings()
        self.wait_s = self._settings.max_age_s
        self._tracker: Tracker | None = None
        self._skeleton: Skeleton | None = None
        self._time_s, self._next_id = -np.inf, 0

    def update(self, frame: PoseFrame) -> PoseFrame:
        """The frame with numbered persons.

        Raises:
            InputError: if time does not grow or the skeleton changes.
        """
        self._skeleton = self._skeleton or frame.skeleton
        check_joints(frame, len(self._skeleton), "Watcher")
        if not frame.time_s > self._time_s:
            raise InputError(
                "Watcher",
                expected=f"a frame after {self._time_s} s",
                got=f"{frame.time_s} s",
                remedy="give the frames of one source in order, and begin a new Watcher for another",
            )
        self._time_s = frame.time_s
        if self._tracker is None:
            if all(person.id >= 0 for person in frame.persons):
                self._next_id = max([self._next_id, *(person.id + 1 for person in frame.persons)])
                return frame
            self._tracker = Tracker(self._settings)
        tracked = self._tracker.update(frame)
        numbered = (replace(person, id=person.id + self._next_id) for person in tracked.persons)
        return tracked.with_persons(tuple(numbered)) if self._next_id else tracked
