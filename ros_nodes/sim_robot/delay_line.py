"""Holds things back until their time has come."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable


class DelayLine:
    """Actions for later, in the order of their times; from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def hold(self, due_s: float, action: Callable[[], None]) -> None:
        """Keep an action until `release` is called with `due_s` or later."""
        with self._lock:
            self._count += 1
            heapq.heappush(self._held, (due_s, self._count, action))

    def release(self, now_s: float) -> None:
        """Do what is due."""
        with self._lock:
            due = []
            while self._held and self._held[0][0] <= now_s:
                due.append(heapq.heappop(self._held)[2])
        for action in due:
            action()
