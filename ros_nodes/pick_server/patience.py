"""How long something has taken, in robot time, whatever the clock does meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable

_LARGEST_STEP_S = 1.0
_STANDSTILL_S = 5.0
_POLL_S = 0.005


class Patience:
    """Adds up robot time between looks at the clock.

    A clock that jumps back or far ahead counts for nothing, so that nothing ends too early or never. Simulated time may
    run slower than life; where it stands still, `stands_still` says so.

    Args:
        now_s: robot time, for example the node's clock.
        wall_s: a clock that always goes on.
    """

    def __init__(self, now_s: Callable[[], float], wall_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s, self._wall_s = now_s, wall_s
        self._last_s = now_s()
        self._advanced_wall_s = wall_s()
        self._spent_s = 0.0

    def spent_s(self) -> float:
        """Robot time since the beginning; to be asked at least every second."""
        now_s = self._now_s()
        step_s = now_s - self._last_s
        if step_s != 0.0:
            self._advanced_wall_s = self._wall_s()
        if 0.0 < step_s <= _LARGEST_STEP_S:
            self._spent_s += step_s
        self._last_s = now_s
        return self._spent_s

    def stands_still(self) -> bool:
        """Whether robot time has not moved for five seconds of the wall clock; after `spent_s`."""
        return self._wall_s() - self._advanced_wall_s > _STANDSTILL_S


def wait(duration_s: float, now_s: Callable[[], float], watch: Callable[[], None]) -> None:
    """Let robot time pass; a clock that stands still ends it.

    Args:
        duration_s: how much.
        now_s: robot time.
        watch: asked meanwhile; what it raises ends the wait.
    """
    patience = Patience(now_s)
    while patience.spent_s() < duration_s and not patience.stands_still():
        watch()
        time.sleep(_POLL_S)
