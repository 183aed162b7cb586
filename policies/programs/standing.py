"""How things stand to each other: on, in, beside; from their poses and sizes, with room for errors of measurement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from geometry import FloatArray
from policies.programs.steps import TABLE, Vec3

REST_M = 0.015
"""A thing stands on a surface where its lowest point is this near to it: five times the error of a pose."""
DEEP_M = 0.02
"""A thing is in another where its lowest point is this far below the rim; above that it lies on it."""
BESIDE_M = 0.07
"""Widest gap, from outline to outline, between things that stand beside each other."""
ASSUMED_SIZE_M: Vec3 = (0.05, 0.05, 0.05)
"""Edges of a thing whose size nobody told."""
MARK_M = 0.005
"""What is flatter is a mark on the table, such as a line."""
OPEN = frozenset({"cup", "bowl", "box", "mug", "glass", "pot", "pan", "bin", "basket", "bucket", "jar", "vase"})
"""Categories that things can be put into and poured into."""
SOLID = frozenset({"cube", "block", "can", "brick", "ball", "bottle", "book"})
"""Categories that nothing can be in."""
ROUND = frozenset({"can", "cup", "bowl", "plate", "mug", "glass", "pot", "pan", "bucket", "jar", "vase", "bottle"})
"""Categories whose outline is a circle seen from above."""
_MARGIN_M = 0.005
_ANGLES = np.linspace(0.0, 2.0 * np.pi, 120, endpoint=False)
_DIRECTIONS = np.column_stack([np.cos(_ANGLES), np.sin(_ANGLES), np.zeros(len(_ANGLES))])
_UP = np.array([0.0, 0.0, 1.0])


class Sized(Protocol):
    """A thing with a size; things of the workbench and objects of programs are such."""

    @property
    def name(self) -> str:
        """What tells it from the others."""

    @property
    def category(self) -> str:
        """What it is."""

    @property
    def size_m(self) -> Vec3 | None:
        """Edges of its bounding box, where known."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What a thing stands on or lies in."""

    to: str
    """A thing's name or "table"."""
    relation: Literal["on", "in"]
    """How."""


def standing_of(
    thing: Sized, things: Iterable[Sized], layout: Mapping[str, FloatArray], *, table_z_m: float = 0.0
) -> Standing | None:
    """What carries a thing: the highest surface that its lowest point is near, under its middle.

    Args:
        thing: which.
        things: all of them.
        layout: `T_world_thing` (4, 4) by name; who has none is not looked at.
        table_z_m: height of the table's top.

    Returns:
        None where it is in the air.
    """
    T = layout[thing.name]
    low = bottom_m(thing, T)
    found = Standing(to=TABLE, relation="on") if low - table_z_m <= REST_M else None
    highest = -np.inf
    for other in things:
        if other.name == thing.name or other.name not in layout or not is_over(T[:3, 3], other, layout[other.name]):
            continue
        relation = _carried(thing, low, other, layout[other.name])
        top = top_m(other, layout[other.name])
        if relation is not None and top > highest:
            found, highest = Standing(to=other.name, relation=relation), top
    return found


def gap_m(one: Sized, T_one: FloatArray, other: Sized, T_other: FloatArray) -> float:
    """Distance between two outlines seen from above; below 0 where they overlap.

    The distance of two convex sets is the widest of their separations over all directions.
    """
    apart = _DIRECTIONS @ (T_other - T_one)[:3, 3]
    reach = _reach_m(one, T_one, _DIRECTIONS) + _reach_m(other, T_other, -_DIRECTIONS)
    return float((apart - reach).max())


def covers(thing: Sized, T_thing: FloatArray, mark: Sized, T_mark: FloatArray, *, margin_m: float = 0.0) -> bool:
    """Whether a thing covers the middle of a mark's breadth, give or take a margin."""
    breadth = min((mark.size_m or ASSUMED_SIZE_M)[:2])
    return gap_m(thing, T_thing, mark, T_mark) <= margin_m - 0.5 * breadth


def is_over(point_m: FloatArray, other: Sized, T_other: FloatArray, *, margin_m: float = _MARGIN_M) -> bool:
    """Whether a point is above a thing's outline."""
    apart = _DIRECTIONS @ (point_m - T_other[:3, 3])
    return bool((apart - _reach_m(other, T_other, _DIRECTIONS)).max() <= margin_m)


def bottom_m(thing: Sized, T: FloatArray) -> float:
    """Height of a thing's lowest point."""
    return float(T[2, 3] - _reach_m(thing, T, _UP[None])[0])


def top_m(thing: Sized, T: FloatArray) -> float:
    """Height of a thing's highest point."""
    return float(T[2, 3] + _reach_m(thing, T, _UP[None])[0])


def is_open(thing: Sized) -> bool:
    """Whether something can be put or poured into it; what nobody knows may be open."""
    if thing.category in OPEN:
        return True
    flat = thing.size_m is not None and thing.size_m[2] <= DEEP_M
    return thing.category not in SOLID | {"plate", "tray", "line", "person"} and not flat


def is_mark(thing: Sized) -> bool:
    """Whether it is paint on the table rather than a body."""
    return thing.category in ("line", "mark") or (thing.size_m is not None and thing.size_m[2] <= MARK_M)


def tilt_rad(T: FloatArray) -> float:
    """Angle between a thing's own z axis and the vertical."""
    return float(np.arccos(np.clip(T[2, 2], -1.0, 1.0)))


def _carried(thing: Sized, low_m: float, other: Sized, T_other: FloatArray) -> Literal["on", "in"] | None:
    """How what has its lowest point over another thing stands to it; None where it does not touch it."""
    top, floor = top_m(other, T_other), bottom_m(other, T_other)
    depth, above_floor = top - low_m, low_m >= floor - REST_M
    if other.category in OPEN and not _bridges(thing, other):
        return "in" if depth > min(DEEP_M, 0.5 * (top - floor)) and above_floor else None
    if -REST_M <= depth <= DEEP_M:
        return "on"
    return "in" if depth > DEEP_M and above_floor and is_open(other) else None


def _bridges(thing: Sized, vessel: Sized) -> bool:
    """Whether a thing is broad enough to lie on the rim of an open one."""
    return max((thing.size_m or ASSUMED_SIZE_M)[:2]) > 0.8 * min((vessel.size_m or ASSUMED_SIZE_M)[:2])


def _reach_m(thing: Sized, T: FloatArray, directions: FloatArray) -> FloatArray:
    """(N,) how far a thing reaches from its middle along unit vectors (N, 3): box, or upright cylinder if round."""
    half = 0.5 * np.array(thing.size_m or ASSUMED_SIZE_M)
    along = np.abs(directions @ T[:3, :3])
    if thing.category in ROUND:
        disc: FloatArray = np.hypot(along[:, 0], along[:, 1]) * max(half[0], half[1]) + along[:, 2] * half[2]
        return disc
    box: FloatArray = along @ half
    return box
