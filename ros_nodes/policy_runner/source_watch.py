"""Whether what a policy looks at is there, new enough, and comes often enough."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

_SMOOTHING = 0.1
_LONG_S = 10.0
"""A pause that is no interval between two messages of a stream."""


class SourceLimits(NamedTuple):
    """What is asked of one source."""

    max_age_s: float
    """0 takes it however old it is."""
    least_rate_hz: float = 0.0
    """0 asks for none."""


class SourceWatch:
    """Remembers when each source was heard, by the stamps of its messages.

    Args:
        limits: of every source that is needed, by name.
    """

    def __init__(self, limits: Mapping[str, SourceLimits]) -> None:
        self._limits = dict(limits)
        self._stamp_s: dict[str, float] = {}
        self._interval_s: dict[str, float] = {}

    def hear(self, source: str, stamp_s: float) -> None:
        """Take note of a message; what is not needed is passed over."""
        if source not in self._limits:
            return
        last = self._stamp_s.get(source)
        self._stamp_s[source] = stamp_s
        if last is None or not 0.0 < stamp_s - last < _LONG_S:
            return
        known = self._interval_s.get(source, stamp_s - last)
        self._interval_s[source] = known + _SMOOTHING * (stamp_s - last - known)

    def rate_hz(self, source: str) -> float:
        """How often it comes; 0 before two messages."""
        interval = self._interval_s.get(source)
        return 0.0 if interval is None else 1.0 / interval

    def problems(self, now_s: float) -> list[str]:
        """One line for each source that is missing, stale or from the future."""
        found = []
        for source, limits in self._limits.items():
            stamp = self._stamp_s.get(source)
            if stamp is None:
                found.append(f"{source}: never heard")
            elif limits.max_age_s > 0.0 and abs(now_s - stamp) > limits.max_age_s:
                when = f"{now_s - stamp:.2f} s old" if now_s > stamp else f"{stamp - now_s:.2f} s in the future"
                found.append(f"{source}: {when}, at most {limits.max_age_s:g} s")
        return found

    def slow(self) -> list[str]:
        """One line for each source that comes too seldom."""
        return [
            f"{source}: {self.rate_hz(source):.1f} Hz, at least {limits.least_rate_hz:.1f} Hz"
            for source, limits in self._limits.items()
            if 0.0 < self.rate_hz(source) < limits.least_rate_hz
        ]

    def forget(self) -> None:
        """Begin anew, as after a jump of the clock."""
        self._stamp_s.clear()
        self._interval_s.clear()
