"""Named numbers of observations and actions: what each one is, its range and unit.

The spaces, the fixed normalisation of networks and the tables in the docs are all read from these.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from gymnasium import spaces


class Entry(NamedTuple):
    """One number of a vector."""

    name: str
    low: float
    high: float
    unit: str


def vector(name: str, low: Sequence[float] | float, high: Sequence[float] | float, unit: str) -> tuple[Entry, ...]:
    """Entries `name x`, `name y`, `name z` with one range for all, or one for each axis."""
    lows = np.broadcast_to(low, 3).tolist()
    highs = np.broadcast_to(high, 3).tolist()
    return tuple(Entry(f"{name} {axis}", a, b, unit) for axis, a, b in zip("xyz", lows, highs, strict=True))


def rotation(name: str) -> tuple[Entry, ...]:
    """The first two columns of a rotation matrix: a continuous description of an orientation.

    Source: Zhou et al., "On the continuity of rotation representations in neural networks", CVPR 2019.
    """
    return tuple(Entry(f"{name} R{row}{column}", -1.0, 1.0, "-") for column in (0, 1) for row in range(3))


def box(entries: Iterable[Entry]) -> spaces.Box:
    """The space of such vectors, float32."""
    entries = tuple(entries)
    low = np.array([entry.low for entry in entries], dtype=np.float32)
    high = np.array([entry.high for entry in entries], dtype=np.float32)
    return spaces.Box(low, high, dtype=np.float32)
