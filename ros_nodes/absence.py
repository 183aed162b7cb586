"""`Absence`: a server that is not seen for a while has gone; one that is missed in a single look has not."""

from __future__ import annotations

import time
from collections.abc import Callable


class Absence:
    """Watches over a server while somebody waits for its answer.

    DDS tells at once of a node that ends, but of a process that was killed only when its lease is over (20 s with Fast
    DDS, 10 s with Cyclone DDS): whoever waits needs a time limit of his own, too.

    Args:
        there: whether the server is seen, for example rclpy's `server_is_ready`.
        after_s: for how long it must have been missed, s.
        look_s: time between two looks, s; each costs a query of ROS's graph.
        now_s: a clock that always goes on.
    """

    def __init__(
        self,
        there: Callable[[], bool],
        *,
        after_s: float,
        look_s: float = 0.0,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._there, self._after_s, self._look_s, self._now_s = there, after_s, look_s, now_s
        self._looked_s = -float("inf")
        self._missed_s: float | None = None

    def gone(self) -> bool:
        """Whether it has been missed for longer than `after_s`; to be asked again and again."""
        now_s = self._now_s()
        if now_s - self._looked_s >= self._look_s:
            self._looked_s = now_s
            if self._there():
                self._missed_s = None
            elif self._missed_s is None:
                self._missed_s = now_s
        return self._missed_s is not None and now_s - self._missed_s > self._after_s
