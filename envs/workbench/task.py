"""A task of the workbench: what a person shows, and how a bench that somebody has worked at is judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from envs.workbench.goals import Goal, Outcome
from envs.workbench.moves import Move, Words, signature_of
from envs.workbench.thing import Layout, Thing
from geometry import InputError


@dataclass(frozen=True, kw_only=True)
class BenchScene:
    """A bench before a task is done, and the task in the names of its things.

    The robot's base stands at the origin on the table's top z = 0; the person sits opposite, x ~ 1.1, and looks
    towards -x.
    """

    things: tuple[Thing, ...]
    """What is on it."""
    layout: Layout
    """Where it stands."""
    script: tuple[Move, ...]
    """What a person does to show the task here."""
    goals: tuple[Goal, ...]
    """What must be true at the end."""
    balls: Mapping[str, int] = field(default_factory=dict)
    """By the name of an open thing, how many small balls lie in it."""
    taker_m: tuple[float, float, float] | None = None
    """Where a second person's hand waits: the middle of what it can hold, in the world. None: nobody does."""

    def __post_init__(self) -> None:
        names = [thing.name for thing in self.things]
        if len(set(names)) < len(names) or set(names) != set(self.layout):
            raise InputError("BenchScene", expected=f"a pose for each of {names}", got=f"{sorted(self.layout)}")

    def thing(self, name: str) -> Thing:
        """The thing of a name."""
        return next(thing for thing in self.things if thing.name == name)

    @property
    def signature(self) -> tuple[Words, ...]:
        """Steps of the right program without numbers, in the names of this scene."""
        return signature_of(self.script)

    def succeeded(self, outcome: Outcome) -> bool:
        """Whether everything is true that must be true at the end."""
        by_name = {thing.name: thing for thing in self.things}
        return all(goal.holds(by_name, outcome) for goal in self.goals)


@dataclass(frozen=True, kw_only=True)
class WorkbenchTask:
    """One task. Every scene of it has other places and headings, and sizes within a tenth."""

    name: str
    """Such as "place_on"."""
    text: str
    """What is to be done, in words."""
    draw: Callable[[np.random.Generator], BenchScene]
    """A new scene; things are apart and within reach."""
