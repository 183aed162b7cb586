"""What stands on a workbench: named things of simple shapes, and where they stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from geometry import FloatArray, InputError

Category = Literal["cube", "block", "can", "cup", "bowl", "box", "tray", "plate", "line"]
ROUND = ("can", "cup", "bowl", "plate")
"""Categories whose outline is a circle seen from above."""
_OPEN = ("cup", "bowl", "box")
_RIMMED = (*_OPEN, "tray", "plate")
_FIXED = ("line",)
_FLOOR_M = 0.004

Layout = dict[str, FloatArray]
"""`T_world_thing` (4, 4) by name; the table's top is z = 0."""


@dataclass(frozen=True, kw_only=True)
class Thing:
    """One thing. Its frame stands in the middle of its bounding box, z up.

    Cubes and blocks are boxes; cans are upright cylinders; cups, bowls and boxes are open at the top with walls
    and a floor (cups and bowls round, boxes square); trays and plates are flat, with a rim; a line is paint on the
    table, long in y.
    """

    name: str
    """What tells it from the others on the bench."""
    category: Category
    """What it is."""
    size_m: tuple[float, float, float]
    """Edges of its bounding box."""
    rgba: tuple[float, float, float, float] = (0.7, 0.3, 0.2, 1.0)
    """Colour."""
    mass_kg: float = 0.1
    """Mass; what is not to be moved by a touch is heavy."""

    def __post_init__(self) -> None:
        if not self.name or min(self.size_m) <= 0.0 or not np.isfinite(self.size_m).all() or self.mass_kg <= 0.0:
            raise InputError("Thing", expected="a name, edges and a mass above 0", got=f"{self}")

    @property
    def holds(self) -> bool:
        """Whether things can be put into it."""
        return self.category in _OPEN

    @property
    def fixed(self) -> bool:
        """Whether it never moves."""
        return self.category in _FIXED

    @property
    def bottom_m(self) -> float:
        """Height of its middle above what it stands on, metres."""
        return 0.0 if self.fixed else 0.5 * self.size_m[2]

    @property
    def carries_at_m(self) -> float:
        """Height above its middle of the surface that carries what is put on it or in it, metres."""
        half = 0.5 * self.size_m[2]
        if self.fixed:
            return 0.0
        return min(_FLOOR_M, half) - half if self.category in _RIMMED else half

    @property
    def radius_m(self) -> float:
        """Radius of the circle about its outline seen from above, metres."""
        x, y, _ = self.size_m
        return 0.5 * (max(x, y) if self.category in ROUND else float(np.hypot(x, y)))
