"""A `Watcher` for a stream that never ends and may misbehave: jumps of the clock, repeated frames, an empty room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from geometry import InputError
from perception.behavior.reasoning import Reasoner
from perception.behavior.watching import Doing, TimelineSegment, Watcher, WatchSettings
from perception.pose import PoseFrame

_BACK_S = 0.1
_EMPTY_S = 20.0
_MOST_SETTLED = 20_000


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What is known after a frame; times are the stream's own."""

    frame: PoseFrame
    """The frame with numbered, smoothed persons."""
    doing: Mapping[int, tuple[Doing, ...]]
    """By person in view; layers in which nothing is done are left out."""
    settled: tuple[TimelineSegment, ...]
    """Segments that became final."""
    restarted: str = ""
    """Why everything before was forgotten with this frame; empty where it was not."""


class LiveWatch:
    """Watches without end.

    When the clock goes back or the skeleton changes, what is open is settled and watching begins anew. It also does
    when nobody was in view for a while, and after many thousand segments, so that memory does not grow with the days;
    people without numbers of their own are then numbered anew.

    Args:
        rules: a rule book or a rule model; None for the book that comes with graspmimic.
        settings: of the decisions.
        rate_hz: frames a second, about.
        lag_s: how long after its end a segment is settled.
    """

    def __init__(
        self,
        *,
        rules: Reasoner | None = None,
        settings: WatchSettings | None = None,
        rate_hz: float = 30.0,
        lag_s: float = 0.5,
    ) -> None:
        self._rules, self._settings = rules, settings
        self._rate_hz, self._lag_s = rate_hz, lag_s
        self._watcher: Watcher | None = None
        self._start_s = self._last_s = self._peopled_s = 0.0
        self._skeleton = ""
        self._sent: list[TimelineSegment] = []
        self._owed: list[TimelineSegment] = []
        self.repeated = 0
        """Frames that were no later than the one before, and left out."""
        self.restarts = 0
        """How often watching began anew."""

    def update(self, frame: PoseFrame) -> Watched | None:
        """Take the next frame; None where it brings nothing new.

        Raises:
            InputError: for a frame that cannot be watched; the next may be.
        """
        reason = self._reason_to_restart(frame)
        if reason:
            self._owed += self.finish()
            self.restarts += 1
        elif self._watcher is not None and frame.time_s <= self._last_s:
            self.repeated += 1
            return None
        if self._watcher is None:
            self._begin(frame)
        assert self._watcher is not None
        try:
            step = self._watcher.update(replace(frame, time_s=frame.time_s - self._start_s))
        finally:
            self._last_s = frame.time_s
        if frame.persons:
            self._peopled_s = frame.time_s
        self._sent += step.settled
        settled, self._owed = self._owed, []
        return Watched(
            frame=replace(step.frame, time_s=frame.time_s),
            doing=step.doing,
            settled=(*settled, *(self._absolute(segment) for segment in step.settled)),
            restarted=reason,
        )

    def finish(self) -> tuple[TimelineSegment, ...]:
        """End of the stream: what was open, settled. Watching may go on with `update`, anew."""
        watcher, self._watcher = self._watcher, None
        if watcher is None:
            return ()
        try:
            segments = watcher.finish().segments
        except InputError:  # not a single frame was good
            return ()
        sent = {id(segment) for segment in self._sent}
        return tuple(self._absolute(segment) for segment in segments if id(segment) not in sent)

    def _begin(self, frame: PoseFrame) -> None:
        self._watcher = Watcher(rules=self._rules, settings=self._settings, rate_hz=self._rate_hz, lag_s=self._lag_s)
        self._start_s = self._peopled_s = frame.time_s
        self._skeleton, self._sent = frame.skeleton.name, []

    def _reason_to_restart(self, frame: PoseFrame) -> str:
        if self._watcher is None:
            return ""
        if frame.time_s < self._last_s - _BACK_S:
            return f"the clock went back by {self._last_s - frame.time_s:.2f} s"
        if frame.skeleton.name != self._skeleton:
            return f"the skeleton changed from {self._skeleton} to {frame.skeleton.name}"
        if frame.time_s - self._peopled_s > _EMPTY_S:
            return f"nobody was in view for {frame.time_s - self._peopled_s:.0f} s"
        if len(self._sent) >= _MOST_SETTLED:
            return f"{len(self._sent)} segments were settled"
        return ""

    def _absolute(self, segment: TimelineSegment) -> TimelineSegment:
        """The same segment, its times and those of its reasons in the stream's own."""
        begin = self._start_s
        reasons = tuple(
            replace(
                reason,
                since_s=None if reason.since_s is None else reason.since_s + begin,
                evidence=tuple(
                    replace(each, intervals_s=tuple((a + begin, b + begin) for a, b in each.intervals_s))
                    for each in reason.evidence
                ),
            )
            for reason in segment.reasons
        )
        return replace(segment, start_s=segment.start_s + begin, end_s=segment.end_s + begin, reasons=reasons)
