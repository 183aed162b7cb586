"""A task program: the things of a task and the steps that were shown, with what must hold before and after each."""

from __future__ import annotations

from dataclasses import dataclass, field

from geometry import InputError
from policies.programs.steps import TABLE, Step, Vec3


@dataclass(frozen=True, kw_only=True)
class ProgramObject:
    """A thing that a program speaks of; elsewhere it is found again by its category, its size, and its side."""

    name: str
    """The program's name of it: that of the demonstration."""
    category: str
    """What it is, such as "cube"; "person" for who takes something."""
    size_m: Vec3 | None = None
    """Edges of its bounding box, where known."""
    stood_m: Vec3 | None = None
    """Where its middle was at first, in the world, where known: it tells the left one of two equal things."""


@dataclass(frozen=True, kw_only=True)
class TaskProgram:
    """Steps in order.

    Raises:
        InputError: where a step speaks of a thing that is not among the objects.
    """

    steps: tuple[Step, ...]
    """At least one."""
    objects: tuple[ProgramObject, ...]
    """Every thing that a step speaks of."""
    text: str = ""
    """What it does, in words."""
    notes: tuple[str, ...] = field(default=())
    """Doubts of whoever made it."""

    def __post_init__(self) -> None:
        known = {each.name for each in self.objects} | {TABLE}
        if not self.steps:
            raise InputError("TaskProgram", expected="at least one step", got="none")
        for step in self.steps:
            for name in (step.object, getattr(step, "to", TABLE)):
                if name not in known:
                    got = f"{type(step).__name__} of {name!r}"
                    raise InputError("TaskProgram", expected=f"things out of {', '.join(sorted(known))}", got=got)

    def signature(self) -> tuple[tuple[str, ...], ...]:
        """What two programs of the same task share: kinds of steps, things and relations, without numbers."""
        return tuple(
            tuple(
                str(word)
                for word in (
                    type(step).__name__,
                    step.object,
                    getattr(step, "to", None),
                    getattr(step, "relation", None),
                )
                if word is not None
            )
            for step in self.steps
        )
