"""Finding the program's things on another bench: by what they are, then by how large they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from envs.workbench import TABLE, TAKER, Thing
from geometry import FloatArray
from policies.programs import ProgramObject, Step

PERSON = "person"
"""Category of who takes something."""
_OTHER_CATEGORY = 1e3
_FAR = 1e6
_CLOSE_CALL = 0.05
_OTHER_NAME = 0.1


class Binding(NamedTuple):
    """Which thing of the bench stands for which of the program's."""

    names: dict[str, str]
    """Name on the bench by the program's name; a person is the one whose hand waits there."""
    missing: tuple[str, ...]
    """Names of the program's things for which the bench has none."""
    notes: tuple[str, ...]
    """What is in doubt: things that another thing could have stood for as well."""

    def step(self, step: Step) -> Step:
        """A step of the program in the bench's names."""
        told: Any = {key: self.names[getattr(step, key)] for key in ("object", "to") if hasattr(step, key)}
        return replace(step, **told)


def bind(objects: Sequence[ProgramObject], things: Sequence[Thing]) -> Binding:
    """The assignment with the least difference in size among all that keep to the categories.

    Args:
        objects: of the program.
        things: on the bench. Their names need not be those of the program; where sizes are within a tenth of each
            other, a thing of the same name is preferred.
    """
    wanted = [each for each in objects if each.category != PERSON and each.name != TABLE]
    names = {each.name: TAKER if each.category == PERSON else TABLE for each in objects if each not in wanted}
    names[TABLE] = TABLE
    cost = np.array([[difference(each, thing) for thing in things] for each in wanted]).reshape(-1, len(things))
    rows, columns = linear_sum_assignment(cost)
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        if cost[row, column] < _OTHER_CATEGORY:
            names[wanted[row].name] = things[column].name
    missing = tuple(each.name for each in wanted if each.name not in names)
    notes = [f"nothing on the bench stands for {name!r}" for name in missing]
    notes += _doubts(wanted, things, cost, names)
    return Binding(names, missing, tuple(notes))


def difference(wanted: ProgramObject, thing: Thing) -> float:
    """How unlike two things are: the largest ratio of their edges (log), far apart for another category.

    Another name counts as much as a tenth of size.
    """
    if wanted.category != thing.category:
        return _FAR
    size = 0.0
    if wanted.size_m is not None:
        size = float(np.abs(np.log(_edges(wanted.size_m) / _edges(thing.size_m))).max())
    return size + (0.0 if wanted.name == thing.name else _OTHER_NAME)


def _edges(size_m: Sequence[float]) -> FloatArray:
    """(3,) the two edges on the ground in order of length, and the height."""
    return np.array([*sorted(size_m[:2]), size_m[2]])


def _doubts(
    wanted: Sequence[ProgramObject], things: Sequence[Thing], cost: FloatArray, names: dict[str, str]
) -> list[str]:
    """A line for each thing that an unused one would have stood for about as well."""
    used, lines = set(names.values()), []
    for row, each in enumerate(wanted):
        if each.name not in names:
            continue
        own = next(cost[row, i] for i, thing in enumerate(things) if thing.name == names[each.name])
        rivals = [t.name for i, t in enumerate(things) if t.name not in used and cost[row, i] < own + _CLOSE_CALL]
        if rivals:
            lines.append(f"{each.name!r} is taken for {names[each.name]!r}; {', '.join(rivals)} would do as well")
    return lines
