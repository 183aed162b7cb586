"""The grasps that have failed lately, so that the next look begins with others."""

from __future__ import annotations

from collections.abc import Callable

from geometry import FloatArray


class FailedGrasps:
    """Remembers failed grasps for a while of robot time.

    Args:
        now_s: robot time; where it jumps back, everything is forgotten.
        keep_s: how long, asked at each look.
    """

    def __init__(self, now_s: Callable[[], float], keep_s: Callable[[], float]) -> None:
        self._now_s, self._keep_s = now_s, keep_s
        self._failed: list[tuple[float, FloatArray]] = []

    def add(self, T_world_grasp: FloatArray) -> None:
        """Remember one (4, 4)."""
        self._failed.append((self._now_s(), T_world_grasp))

    def recent(self) -> list[FloatArray]:
        """Those that are not yet forgotten."""
        now_s, keep_s = self._now_s(), self._keep_s()
        self._failed = [(at_s, T) for at_s, T in self._failed if 0.0 <= now_s - at_s <= keep_s]
        return [T for _, T in self._failed]
