"""One clock for every age and timeout of the guard: it never runs back, whatever its sources do."""

from __future__ import annotations

_FASTEST = 100.0
_ALLOWED_S = 1.0


class GuardClock:
    """Adds up the forward steps of a clock that may be replaced or jump.

    With simulated time the source is ROS time, so that a paused simulation makes nothing stale;
    otherwise the machine's steady clock, which no correction of the system's time touches.
    """

    def __init__(self) -> None:
        self._total_s = 0.0
        self._last: tuple[str, float, float] | None = None
        self.jump: tuple[float, float] | None = None
        """How far the source jumped last, and when by the steady clock."""

    def read(self, seconds: float, source: str, wall_s: float) -> float:
        """The guard's time at a reading of a source.

        A jump and a change of source count nothing. A step ahead that no pace of a simulation explains is a jump.

        Args:
            seconds: what the source says.
            source: its name.
            wall_s: a steady clock, by which a jump is known.
        """
        if self._last is not None and self._last[0] == source:
            step_s = seconds - self._last[1]
            if step_s < -_ALLOWED_S or step_s > _FASTEST * (wall_s - self._last[2]) + _ALLOWED_S:
                self.jump = step_s, wall_s
            else:
                self._total_s += max(step_s, 0.0)
        self._last = (source, seconds, wall_s)
        return self._total_s
