"""One clock for every age and timeout of the guard: it never runs back, whatever its sources do."""

from __future__ import annotations


class GuardClock:
    """Adds up the forward steps of a clock that may be replaced or jump back.

    With simulated time the source is ROS time, so that a paused simulation makes nothing stale;
    otherwise the machine's steady clock, which no correction of the system's time touches.
    """

    def __init__(self) -> None:
        self._total_s = 0.0
        self._last: tuple[str, float] | None = None

    def read(self, seconds: float, source: str) -> float:
        """The guard's time at a reading of a source; a backward step and a change of source count nothing."""
        if self._last is not None and self._last[0] == source:
            self._total_s += max(seconds - self._last[1], 0.0)
        self._last = (source, seconds)
        return self._total_s
