"""What all sources said as of one moment: the newest of each that is not newer than it, and not too old."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any, NamedTuple

_SLACK_S = 1e-6


class Sample(NamedTuple):
    """The sources as of one moment."""

    time_s: float
    """The moment."""
    values: Mapping[str, Any]
    """What each source said last, by name; without those that are missing."""
    missing: tuple[str, ...]
    """One line for each source that said nothing, or nothing new enough."""


class Synchroniser:
    """Keeps what sources said for a while, ordered by stamps, and samples it.

    A sample depends on stamps alone, and not on when a message arrived or was read: a recorded bag gives the same
    samples as were taken live, as long as messages arrive before they are asked for.

    Args:
        max_age_s: for each source, how old it may be in a sample; 0 takes it however old it is.
        keep_s: how long what was said is kept; the newest of each source is always kept.
    """

    def __init__(self, max_age_s: Mapping[str, float], keep_s: float = 1.0) -> None:
        self._max_age_s, self._keep_s = dict(max_age_s), keep_s
        self._stamps: dict[str, list[float]] = {source: [] for source in max_age_s}
        self._values: dict[str, list[Any]] = {source: [] for source in max_age_s}

    @property
    def sources(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self._max_age_s)

    def push(self, source: str, stamp_s: float, value: Any) -> None:
        """Take what a source said; one that is not asked for is passed over. Of two with one stamp the later counts."""
        if source not in self._stamps:
            return
        stamps, values = self._stamps[source], self._values[source]
        place = bisect_right(stamps, stamp_s)
        stamps.insert(place, stamp_s)
        values.insert(place, value)
        spare = bisect_right(stamps, stamps[-1] - self._keep_s) - 1
        if spare > 0:
            del stamps[:spare], values[:spare]

    def at(self, time_s: float) -> Sample:
        """The sources as of a moment."""
        values, missing = {}, []
        for source, max_age_s in self._max_age_s.items():
            place = bisect_right(self._stamps[source], time_s + _SLACK_S) - 1
            if place < 0:
                missing.append(f"{source}: nothing yet")
                continue
            age_s = time_s - self._stamps[source][place]
            if 0.0 < max_age_s < age_s - _SLACK_S:
                missing.append(f"{source}: {age_s:.2f} s old, at most {max_age_s:g} s")
                continue
            values[source] = self._values[source][place]
        return Sample(time_s, values, tuple(missing))

    def heard(self, time_s: float) -> bool:
        """Whether each source that must be new has told of this moment or a later one: its sample stays as it is."""
        streams = (self._stamps[source] for source, max_age_s in self._max_age_s.items() if max_age_s > 0.0)
        return all(stamps and stamps[-1] >= time_s - _SLACK_S for stamps in streams)

    def forget(self) -> None:
        """Drop everything, as after a jump of the clock."""
        for table in (*self._stamps.values(), *self._values.values()):
            table.clear()
