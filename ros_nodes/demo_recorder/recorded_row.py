"""One moment of a demonstration: what is written of it, and what actions are made from afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from numpy.typing import NDArray

from geometry import FloatArray


class RecordedRow(NamedTuple):
    """What was known at one moment."""

    time_s: float
    """ROS time."""
    observation: Mapping[str, NDArray[Any]]
    """By key, as the set holds it."""
    hand_m: FloatArray
    """(3,) the grasp point, in the frame of the actions."""
    opening_m: float
    """Gap between the fingers."""
    q: FloatArray
    """(n,) joint positions, rad."""
    done: bool | None
    """Whether the goal is reached; None where nobody can tell."""
