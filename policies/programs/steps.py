"""The steps of a task program. Poses are relative to things, so that a program holds wherever the things lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Vec3 = tuple[float, float, float]
Relation = Literal["on", "in", "beside", "at"]
TABLE = "table"
"""What is always there to be placed on."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """What all steps share."""

    object: str
    """The program's name of the thing that it is done with."""
    start_s: float = 0.0
    """When the person began it."""
    end_s: float = 0.0
    """When the person was done."""


@dataclass(frozen=True, kw_only=True)
class Reach(Step):
    """Bring the hand to the thing."""


@dataclass(frozen=True, kw_only=True)
class Grasp(Step):
    """Close the hand about the thing."""

    at_m: Vec3
    """Middle between the fingertips, in the thing's frame."""
    approach: Vec3
    """Direction in which the hand came, a unit vector in the thing's frame."""
    closing: Vec3
    """Direction from one fingertip to the other, a unit vector in the thing's frame."""
    width_m: float
    """Gap between the fingertips."""


@dataclass(frozen=True, kw_only=True)
class Lift(Step):
    """Raise what is held."""

    height_m: float
    """How far."""


@dataclass(frozen=True, kw_only=True)
class Carry(Step):
    """Bring what is held to above where it shall go."""

    to: str
    """The thing that it goes to, or "table"."""


@dataclass(frozen=True, kw_only=True)
class Place(Step):
    """Put down what is held."""

    to: str
    """The thing that it is put to, or "table"."""
    relation: Relation
    """"on" top of it, "in" it, "beside" it on what it stands on; "at" is a place on the table."""
    offset_m: Vec3
    """From the middle of `to` to the middle of what is put down, along the axes of the world; for the table, the
    place itself."""


@dataclass(frozen=True, kw_only=True)
class Release(Step):
    """Open the hand and draw it back."""


@dataclass(frozen=True, kw_only=True)
class Pour(Step):
    """Tilt what is held so that its content runs into something."""

    to: str
    """The thing that it runs into."""
    angle_rad: float
    """Largest tilt."""
    duration_s: float
    """How long it was tilted."""
    offset_m: Vec3
    """From the middle of `to` to the middle of what is tilted, along the axes of the world, at the largest tilt."""


@dataclass(frozen=True, kw_only=True)
class Push(Step):
    """Shift the thing over the table without grasping it."""

    to: str
    """The thing that it was shifted to, such as a line, or "table"."""
    offset_m: Vec3
    """From the middle of `to` to the middle of the thing at the end, along the axes of the world; for the table,
    the way that it was shifted."""


@dataclass(frozen=True, kw_only=True)
class HandOver(Step):
    """Give what is held to a person who takes it."""

    to: str
    """Who takes it, such as "person_2"."""
    offset_m: Vec3
    """From the middle of the taker's hand, as it waits, to the middle of the thing when it is taken, in the world."""
