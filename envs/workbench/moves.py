"""What a person does at the bench: the moves of a script, and the steps that each of them shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Relation = Literal["on", "in", "beside", "at"]
TABLE, TAKER = "table", "person_2"
"""Names of what is no thing: the table, and the second person."""
Words = tuple[str, ...]
"""A step without its numbers: its kind, its thing, what it goes to, and how it stands to that."""


@dataclass(frozen=True, kw_only=True)
class Pick:
    """Reach for a thing, grasp it and lift it."""

    object: str
    """Which."""


@dataclass(frozen=True, kw_only=True)
class Put:
    """Carry what is held somewhere, put it down and let go."""

    object: str
    """Which."""
    to: str
    """The thing that it goes to; "table" for a place on the table."""
    relation: Relation
    """"on" top of it, "in" it, "beside" it; "at" is a place on the table."""
    offset_m: tuple[float, float] = (0.0, 0.0)
    """(x, y) from the middle of `to`, along the world's axes; on the table, the place itself."""


@dataclass(frozen=True, kw_only=True)
class PourOut:
    """Tilt what is held above another thing until it is empty, and straighten it."""

    object: str
    """Which."""
    to: str
    """What its content runs into."""
    angle_rad: float = 2.1
    """Largest tilt."""


@dataclass(frozen=True, kw_only=True)
class PushTo:
    """Shift a thing over the table, straight to where it covers a line."""

    object: str
    """Which."""
    to: str
    """The line."""


@dataclass(frozen=True, kw_only=True)
class HandTo:
    """Bring what is held to the second person's hand, and let go when that has closed on it."""

    object: str
    """Which."""
    to: str = TAKER
    """Who takes it."""


Move = Pick | Put | PourOut | PushTo | HandTo


def signature_of(script: Sequence[Move]) -> tuple[Words, ...]:
    """The steps of the program that a script shows, without numbers: `TaskProgram.signature` of the right program.

    A thing that is pushed is reached for and pushed; a thing that is handed over is let go by that.
    """
    return tuple(words for move in script for words in _words(move))


def _words(move: Move) -> tuple[Words, ...]:
    name = move.object
    if isinstance(move, Pick):
        return ("Reach", name), ("Grasp", name), ("Lift", name)
    if isinstance(move, Put):
        return ("Carry", name, move.to), ("Place", name, move.to, move.relation), ("Release", name)
    if isinstance(move, PourOut):
        return ("Carry", name, move.to), ("Pour", name, move.to)
    if isinstance(move, PushTo):
        return ("Reach", name), ("Push", name, move.to)
    return ("Carry", name, move.to), ("HandOver", name, move.to)
