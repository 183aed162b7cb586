"""Watching as it happens: what everybody does now, and segments that are settled a moment after they end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from geometry import InputError
from perception.behavior.part_states import PartStates
from perception.behavior.reasoning import Reasoner, RuleBook
from perception.behavior.watching.hands_alone import with_bodies_of_hands
from perception.behavior.watching.hands_in_company import hands_near_people
from perception.behavior.watching.numbering import Numbering
from perception.behavior.watching.object_smoothing import ObjectSmoother
from perception.behavior.watching.recorded import WatchSettings
from perception.behavior.watching.timeline import Timeline, TimelineSegment, in_order
from perception.behavior.watching.watched_person import Doing, WatchedPerson
from perception.pose import PoseFrame, SeenObject
from perception.pose.smoothing import PoseSmoother, body_size

STAGES = ("track", "smooth", "features", "part_states", "rules", "decode")
"""What happens to a frame, in this order."""


@dataclass(frozen=True, kw_only=True)
class WatchStep:
    """What is known after a frame."""

    frame: PoseFrame
    """The frame with numbered, smoothed persons."""
    doing: Mapping[int, tuple[Doing, ...]]
    """By person; layers in which nothing is done are left out."""
    settled: tuple[TimelineSegment, ...]
    """Segments that became final with this frame."""


class Watcher:
    """Takes the frames of one source, one by one; persons who have numbers in all frames keep them.

    Somebody who left is forgotten after a few seconds, so that a frame costs what those in view cost.

    Args:
        rules: a rule book or a rule model; None for the book that comes with graspmimic.
        settings: None for the defaults.
        rate_hz: frames a second.
        lag_s: how long after its end a segment is settled.
        done: told the name in `STAGES` whenever a piece of one is done, to take the time.
    """

    def __init__(
        self,
        *,
        rules: Reasoner | None = None,
        settings: WatchSettings | None = None,
        rate_hz: float = 30.0,
        lag_s: float = 0.5,
        done: Callable[[str], None] | None = None,
    ) -> None:
        self._rules, self._settings = rules or RuleBook.built_in(), settings or WatchSettings()
        self._rate_hz, self._lag_s = rate_hz, lag_s
        self._numbers, self._smoother, self._states = Numbering(), PoseSmoother(), PartStates.from_pretrained()
        self._objects: ObjectSmoother | None = None
        self._people: dict[int, WatchedPerson] = {}
        self._ever: set[int] = set()
        self._settled: list[TimelineSegment] = []
        self._span_s: tuple[float, float] | None = None
        self._frames = 0
        self._done = done or (lambda stage: None)

    def update(self, frame: PoseFrame) -> WatchStep:
        """Take the next frame."""
        seen = self._numbers.update(with_bodies_of_hands(frame))
        self._done("track")
        seen = self._smoother.update(seen)
        objects = self._smooth_objects(seen)
        self._done("smooth")
        self._span_s = (self._span_s[0] if self._span_s else frame.time_s, frame.time_s)
        self._frames += 1
        settled = self._settle_who_left(frame.time_s)
        for person in seen.persons:
            if person.id not in self._people:
                self._ever.add(person.id)
                self._people[person.id] = WatchedPerson(
                    person, seen, self._rules, self._states, self._settings, self._rate_hz, self._lag_s, self._done
                )
        here = {person.id: person for person in seen.persons}
        near = hands_near_people(seen)
        doing = {}
        for number, watched in self._people.items():
            now, done = watched.update(seen.time_s, here.get(number), objects, near.get(number, {}))
            settled += done
            if number in here:
                doing[number] = now
        self._settled += settled
        return WatchStep(frame=seen, doing=doing, settled=tuple(settled))

    def _settle_who_left(self, time_s: float) -> list[TimelineSegment]:
        """Segments of those who have been away for so long that nobody waits for them any more."""
        left = [number for number, watched in self._people.items() if watched.seen_s < time_s - self._numbers.wait_s]
        return [segment for number in left for segment in self._people.pop(number).finish()]

    def _smooth_objects(self, frame: PoseFrame) -> tuple[SeenObject, ...]:
        if self._objects is None and frame.persons:
            first = frame.persons[0]
            points = first.keypoints_px if first.keypoints_m is None else first.keypoints_m
            if points is not None and np.isfinite(points).all(-1).sum() > 1:
                self._objects = ObjectSmoother(body_size(points), metres=first.keypoints_m is not None)
        return frame.objects if self._objects is None else self._objects.update(frame)

    def finish(self) -> Timeline:
        """End of the stream: everything settled."""
        if self._span_s is None:
            raise InputError("Watcher.finish", expected="at least one frame", got="none")
        for watched in self._people.values():
            self._settled += watched.finish()
        return Timeline(
            segments=in_order(self._settled),
            start_s=self._span_s[0],
            end_s=self._span_s[1] + 1.0 / self._rate_hz,
            frames=self._frames,
            persons=tuple(sorted(self._ever)),
        )
