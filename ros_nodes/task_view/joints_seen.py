"""What joint states tell: the arm and the gripper at one moment, and how the arm moves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geometry import FloatArray


class JointsSeen(NamedTuple):
    """The joints at one moment."""

    q: FloatArray
    """(n,) rad."""
    dq: FloatArray
    """(n,) rad/s, NaN where it is not told."""
    opening_m: float
    """Gap between the fingers."""
    time_s: float
    """Stamp of the arm's message."""


class JointSpeeds:
    """Speeds as the driver tells them, or differences of positions where it tells none."""

    def __init__(self) -> None:
        self._last: tuple[float, FloatArray] | None = None

    def of(self, q: FloatArray, dq: FloatArray, time_s: float) -> FloatArray:
        """(n,) rad/s of the next reading; 0 for the first that does not tell them."""
        last, self._last = self._last, (time_s, q.copy())
        if np.isfinite(dq).all():
            return dq
        if last is None or time_s <= last[0]:
            return np.zeros_like(q)
        return (q - last[1]) / (time_s - last[0])

    def forget(self) -> None:
        """Drop the last reading; after the clock has jumped."""
        self._last = None
