"""Keeps simulated time in step with the wall clock."""

from __future__ import annotations

import time
from collections.abc import Callable

_SLACK_S = 0.001
_BEHIND_S = 0.1
_WINDOW_S = 1.0


class Pacer:
    """Waits after each step of a simulation until it is due.

    Args:
        clock: seconds of the wall clock.
        sleep: waits so many seconds.
    """

    def __init__(
        self, clock: Callable[[], float] = time.perf_counter, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._wall_s = self._sim_s = 0.0
        self._factor: float | None = None
        self._seen: tuple[float, float] | None = None
        self.measured_factor = float("nan")
        """Simulated over wall seconds in about the last second."""

    def wait(self, sim_s: float, factor: float) -> None:
        """Return when simulated time `sim_s` is due.

        A simulation that is more than a tenth of a second late does not try to catch up.

        Args:
            sim_s: simulated time.
            factor: simulated seconds in a second; 0 does not wait.
        """
        now = self._clock()
        self._measure(now, sim_s)
        if factor == 0.0 or factor != self._factor or sim_s < self._sim_s:
            self._restart(now, sim_s, factor)
            return
        due = self._wall_s + (sim_s - self._sim_s) / factor
        if due - now > _SLACK_S:
            self._sleep(due - now)
        elif now - due > _BEHIND_S:
            self._restart(now, sim_s, factor)

    def _restart(self, now: float, sim_s: float, factor: float) -> None:
        self._wall_s, self._sim_s, self._factor = now, sim_s, factor

    def _measure(self, now: float, sim_s: float) -> None:
        if self._seen is None or sim_s < self._seen[1]:
            self._seen = now, sim_s
        elif now - self._seen[0] >= _WINDOW_S:
            self.measured_factor = (sim_s - self._seen[1]) / (now - self._seen[0])
            self._seen = now, sim_s
