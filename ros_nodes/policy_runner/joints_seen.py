"""What joint states tell: the arm and the gripper at one moment."""

from __future__ import annotations

from typing import NamedTuple

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
