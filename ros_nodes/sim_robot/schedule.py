"""When the next of something that happens at a rate is due, in simulated time."""

from __future__ import annotations


class Schedule:
    """Things at a rate; each is due at the first moment asked about that is not too early."""

    def __init__(self) -> None:
        self._next_s = 0.0

    def due(self, now_s: float, period_s: float) -> bool:
        """Whether the next one is due; if so, the one after it is due a period later.

        The mean rate is kept where steps are coarser than the period's parts; what was missed is not made up for.

        Args:
            now_s: the time.
            period_s: between two.
        """
        if now_s < self._next_s - 1e-9 and self._next_s - now_s <= period_s:
            return False
        on_time = abs(now_s - self._next_s) < period_s
        self._next_s = (self._next_s if on_time else now_s) + period_s
        return True
