"""The things of the ten tasks. All that is grasped fits between a Panda's fingers with room to spare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from envs.workbench.thing import Category, Thing

SIZE_SPREAD = 0.1
"""Largest relative change of a thing's size from scene to scene."""
_SHARED = 0.07
RED, BLUE, GREEN = (0.80, 0.22, 0.18, 1.0), (0.20, 0.38, 0.75, 1.0), (0.25, 0.60, 0.30, 1.0)
_WOOD, _WHITE, _STEEL = (0.72, 0.55, 0.36, 1.0), (0.92, 0.92, 0.90, 1.0), (0.55, 0.58, 0.62, 1.0)


def cube(name: str, edge_m: float, rgba: tuple[float, float, float, float]) -> Thing:
    """A cube."""
    return Thing(name=name, category="cube", size_m=(edge_m,) * 3, rgba=rgba, mass_kg=600.0 * edge_m**3)


BLOCK = Thing(name="block", category="block", size_m=(0.05, 0.085, 0.05), rgba=_WOOD, mass_kg=0.15)
CAN = Thing(name="can", category="can", size_m=(0.058, 0.058, 0.10), rgba=_STEEL, mass_kg=0.15)
CUP = Thing(name="cup", category="cup", size_m=(0.062, 0.062, 0.085), rgba=(0.85, 0.55, 0.20, 1.0), mass_kg=0.1)
BOWL = Thing(name="bowl", category="bowl", size_m=(0.17, 0.17, 0.055), rgba=_WHITE, mass_kg=0.6)
BOX = Thing(name="box", category="box", size_m=(0.13, 0.13, 0.055), rgba=_WOOD, mass_kg=0.6)
PLATE = Thing(name="plate", category="plate", size_m=(0.17, 0.17, 0.014), rgba=_WHITE, mass_kg=0.5)
LINE = Thing(name="line", category="line", size_m=(0.02, 0.24, 0.001), rgba=(0.10, 0.10, 0.10, 1.0))


def tray(name: str) -> Thing:
    """A flat tray."""
    category: Category = "tray"
    return Thing(name=name, category=category, size_m=(0.15, 0.15, 0.014), rgba=_STEEL, mass_kg=0.5)


def resized(things: Sequence[Thing], rng: np.random.Generator) -> tuple[Thing, ...]:
    """The same things a little larger or smaller: mostly all alike, so that the larger of two stays the larger.

    Round things stay round and cubes stay cubes.
    """
    shared = rng.uniform(-_SHARED, _SHARED)
    own = rng.uniform(_SHARED - SIZE_SPREAD, SIZE_SPREAD - _SHARED, len(things))
    return tuple(
        thing if thing.fixed else replace(thing, size_m=_scaled(thing, 1.0 + shared + change))
        for thing, change in zip(things, own, strict=True)
    )


def _scaled(thing: Thing, factor: float) -> tuple[float, float, float]:
    x, y, z = thing.size_m
    return x * factor, y * factor, z * factor
