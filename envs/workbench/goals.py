"""What must be true at the end of a task. Every goal is judged by where the things are, and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from envs.workbench.thing import ROUND, Layout, Thing
from geometry import FloatArray

REST_M = 0.015
"""A thing rests on a surface where its lowest point is this near to it."""
UPRIGHT_RAD = float(np.radians(25.0))
"""Largest tilt of what still stands."""
BESIDE_M = 0.07
"""Widest gap between two things that stand beside each other."""
POURED = 0.75
"""Share of the balls that must be in what was poured into."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a bench was left."""

    layout: Layout
    """Where the things are."""
    balls_in: Mapping[str, int] = field(default_factory=dict)
    """How many balls lie in each open thing."""
    taken: Collection[str] = ()
    """What the second person holds."""


class Goal(Protocol):
    """One condition."""

    def holds(self, things: Mapping[str, Thing], outcome: Outcome) -> bool:
        """Whether it is true of things of these sizes."""
        ...


@dataclass(frozen=True, kw_only=True)
class On:
    """A thing rests on another, its middle above it."""

    object: str
    """What rests."""
    to: str
    """What it rests on."""

    def holds(self, things: Mapping[str, Thing], outcome: Outcome) -> bool:
        """Whether it is true of things of these sizes."""
        over, carrier = things[self.object], things[self.to]
        T_carrier = outcome.layout[self.to]
        surface = T_carrier[2, 3] + carrier.carries_at_m
        rests = abs(lowest_m(over, outcome.layout[self.object]) - surface) < REST_M
        return rests and standing(T_carrier) and _above(outcome.layout[self.object], carrier, T_carrier)


@dataclass(frozen=True, kw_only=True)
class In:
    """A thing lies in an open one: its middle within the walls, its lowest point well below the rim."""

    object: str
    """What lies in it."""
    to: str
    """The open thing."""

    def holds(self, things: Mapping[str, Thing], outcome: Outcome) -> bool:
        """Whether it is true of things of these sizes."""
        outer, T_outer = things[self.to], outcome.layout[self.to]
        low = lowest_m(things[self.object], outcome.layout[self.object])
        middle = T_outer[2, 3]
        deep = middle - 0.5 * outer.size_m[2] - REST_M < low < middle
        return deep and standing(T_outer) and _above(outcome.layout[self.object], outer, T_outer)


@dataclass(frozen=True, kw_only=True)
class Beside:
    """A thing stands on the table next to another, on one side of it."""

    object: str
    """What was put down."""
    to: str
    """What it stands beside."""
    side: tuple[float, float]
    """Unit vector (x, y) from `to` to the thing; 45 degrees to either way are that side."""

    def holds(self, things: Mapping[str, Thing], outcome: Outcome) -> bool:
        """Whether it is true of things of these sizes."""
        one, other = things[self.object], things[self.to]
        T_one, T_other = outcome.layout[self.object], outcome.layout[self.to]
        way = (T_one - T_other)[:2, 3]
        apart = float(np.linalg.norm(way))
        near = apart - _inner_radius_m(one) - _inner_radius_m(other) < BESIDE_M
        right_side = float(way @ np.array(self.side)) > np.sqrt(0.5) * apart
        return near and right_side and abs(lowest_m(one, T_one)) < REST_M and standing(T_other)


@dataclass(frozen=True, kw_only=True)
class OnLine:
    """A thing stands on the table and covers a line's middle."""

    object: str
    """What was pushed."""
    to: str
    """The line."""

    def holds(self, things: Mapping[str, Thing], outcome: Outcome) -> bool:
        """Whether it is true of things of these sizes."""
        thing, T_line = things[self.object], outcome.layout[self.to]
        way = outcome.layout[self.object][:3, 3] - T_line[:3, 3]
        across, along = abs(float(way @ T_line[:3, 0])), abs(float(way @ T_line[:3, 1]))
        covers = across <= 0.5 * min(thing.size_m[:2]) and along <= 0.5 * things[self.to].size_m[1]
        return covers and abs(lowest_m(thing, outcome.layout[self.object])) < REST_M


@dataclass(frozen=True, kw_only=True)
class Poured:
    """Most of the balls are in a thing, and what they came from stands on the table again."""

    object: str
    """What was emptied."""
    to: str
    """What they ran into."""
    balls: int
    """How many there were."""

    def holds(self, things: Mapping[str, Thing], outcome: Outcome) -> bool:
        """Whether it is true of things of these sizes."""
        T = outcome.layout[self.object]
        enough = outcome.balls_in.get(self.to, 0) >= POURED * self.balls
        return enough and standing(T) and abs(lowest_m(things[self.object], T)) < REST_M


@dataclass(frozen=True, kw_only=True)
class Taken:
    """The second person holds a thing."""

    object: str
    """Which."""

    def holds(self, things: Mapping[str, Thing], outcome: Outcome) -> bool:
        """Whether it is true of things of these sizes."""
        return self.object in outcome.taken


def lowest_m(thing: Thing, T_world_thing: FloatArray) -> float:
    """Height of a thing's lowest point; for what is round, that of the box about it (exact where it stands)."""
    return float(T_world_thing[2, 3] - 0.5 * np.abs(T_world_thing[2, :3]) @ np.array(thing.size_m))


def standing(T_world_thing: FloatArray) -> bool:
    """Whether a thing's own z axis points up."""
    return bool(T_world_thing[2, 2] > np.cos(UPRIGHT_RAD))


def _above(T_one: FloatArray, other: Thing, T_other: FloatArray) -> bool:
    """Whether the middle of one thing is above the outline of another."""
    x, y = (T_other[:3, :3].T @ (T_one - T_other)[:3, 3])[:2]
    if other.category in ROUND:
        return bool(np.hypot(x, y) < 0.5 * other.size_m[0])
    return bool(abs(x) < 0.5 * other.size_m[0] and abs(y) < 0.5 * other.size_m[1])


def _inner_radius_m(thing: Thing) -> float:
    """Radius of the largest circle in a thing's outline."""
    return 0.5 * min(thing.size_m[:2])
