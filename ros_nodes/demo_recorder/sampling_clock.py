"""At which moments rows are taken: on a grid from the start, or with every action."""

from __future__ import annotations

_SLACK_S = 1e-6


class SamplingClock:
    """Gives the moments that are due, each some time after it has passed, when its messages have arrived.

    Args:
        period_s: from one moment to the next.
        settle_s: how long messages are waited for.
        began_s: the first moment.
    """

    def __init__(self, period_s: float, settle_s: float, began_s: float) -> None:
        self._period_s, self._settle_s, self._began_s = period_s, settle_s, began_s
        self._taken = 0

    def rest(self, now_s: float) -> list[float]:
        """At the end: the moments that are due."""
        return self.due(now_s)

    def due(self, now_s: float) -> list[float]:
        """The moments that are due now and were not before."""
        moments = []
        while (moment := self._began_s + self._taken * self._period_s) + self._settle_s <= now_s + _SLACK_S:
            moments.append(moment)
            self._taken += 1
        return moments


class ActionClock:
    """The moments at which actions were chosen, and one period after the last.

    Args:
        period_s: between actions.
        settle_s: how long messages are waited for.
        tolerance: a pause longer than the period by this share of it is a gap; below 1, no step can be missing.
    """

    def __init__(self, period_s: float, settle_s: float, tolerance: float = 0.9) -> None:
        self._period_s, self._settle_s, self._tolerance = period_s, settle_s, tolerance
        self._waiting: list[float] = []
        self.last_s: float | None = None
        """The newest moment so far."""
        self.gap = ""
        """Why the actions are no regular stream; empty if they are."""

    def hear(self, stamp_s: float) -> None:
        """An action was chosen."""
        last = self.last_s
        if last is not None and stamp_s <= last + _SLACK_S:
            return
        if last is not None and stamp_s - last > (1.0 + self._tolerance) * self._period_s:
            self.gap = f"action: a pause of {stamp_s - last:.2f} s, one comes every {self._period_s:.2f} s"
            return
        self.last_s = stamp_s
        self._waiting.append(stamp_s)

    def due(self, now_s: float) -> list[float]:
        """The moments that are due now and were not before."""
        moments = [stamp for stamp in self._waiting if stamp + self._settle_s <= now_s + _SLACK_S]
        self._waiting = self._waiting[len(moments) :]
        return moments

    def rest(self, now_s: float) -> list[float]:
        """At the end: the moments that are due, and the one after the last action if it is."""
        if self.last_s is not None:
            self._waiting.append(self.last_s + self._period_s)
        moments, self._waiting = self.due(now_s), []
        return moments
