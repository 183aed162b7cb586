"""Finding the program's things on another bench: by what they are, by how large they are, then by where they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linear_sum_assignment

from envs.workbench import TABLE, TAKER, Layout, Thing
from geometry import FloatArray
from policies.programs import ProgramObject, Step

PERSON = "person"
"""Category of who takes something."""
_OTHER_CATEGORY = 1e3
_FAR = 1e6
_CLOSE_CALL = 0.05
_OTHER_NAME, _OTHER_PLACE = 0.12, 0.10
_ALIKE = 0.10
_APART_M = 0.03
_UNKNOWN = 0.5


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


def bind(objects: Sequence[ProgramObject], things: Sequence[Thing], layout: Layout | None = None) -> Binding:
    """The assignment with the least difference among all that keep to the categories.

    Differences of size are squared, so that the larger of two things stays the larger one where both have grown or
    shrunk. Among things whose sizes are within about a tenth of each other, one of the same name is preferred, then
    one that stands on the same side of its like: the left one of two trays for the left one.

    Args:
        objects: of the program.
        things: on the bench. Their names need not be those of the program.
        layout: where they stand; None: that tells nothing.
    """
    wanted = [each for each in objects if each.category != PERSON and each.name != TABLE]
    names = {each.name: TAKER if each.category == PERSON else TABLE for each in objects if each not in wanted}
    names[TABLE] = TABLE
    size = np.array([[difference(each, thing) for thing in things] for each in wanted]).reshape(-1, len(things))
    cost = size**2 + _OTHER_PLACE**2 * _displaced(wanted, things, layout or {})
    cost += _OTHER_NAME**2 * np.array([[each.name != thing.name for thing in things] for each in wanted]).reshape(
        size.shape
    )
    rows, columns = linear_sum_assignment(cost)
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        if size[row, column] < _OTHER_CATEGORY:
            names[wanted[row].name] = things[column].name
    missing = tuple(each.name for each in wanted if each.name not in names)
    notes = [f"nothing on the bench stands for {name!r}" for name in missing]
    notes += _doubts(wanted, things, size, names) + _twins(wanted, things, size, names)
    return Binding(names, missing, tuple(notes))


def difference(wanted: ProgramObject, thing: Thing) -> float:
    """How unlike two things are: the largest ratio of their edges (log), far apart for another category."""
    if wanted.category != thing.category:
        return _FAR
    if wanted.size_m is None:
        return 0.0
    return float(np.abs(np.log(_edges(wanted.size_m) / _edges(thing.size_m))).max())


def _displaced(wanted: Sequence[ProgramObject], things: Sequence[Thing], layout: Layout) -> FloatArray:
    """(wanted, things) 0 where a thing stands on the same side of its like as was shown, 1 on the opposite side."""
    shown = _sides({each.name: (each.category, each.stood_m) for each in wanted if each.stood_m is not None})
    now = _sides({each.name: (each.category, layout[each.name][:3, 3]) for each in things if each.name in layout})
    apart = np.full((len(wanted), len(things)), _UNKNOWN)
    for row, each in enumerate(wanted):
        for column, thing in enumerate(things):
            if each.category == thing.category and each.name in shown and thing.name in now:
                apart[row, column] = 0.5 - 0.5 * float(shown[each.name] @ now[thing.name])
    return apart


def _sides(stood: Mapping[str, tuple[str, ArrayLike]]) -> dict[str, FloatArray]:
    """(2,) direction from the middle of all things of a category to each of them; zeros where it is at the middle."""
    sides = {}
    for name, (category, middle_m) in stood.items():
        like = np.array([place for kind, place in stood.values() if kind == category], dtype=np.float64)[:, :2]
        way = np.asarray(middle_m, dtype=np.float64)[:2] - like.mean(axis=0)
        length = float(np.linalg.norm(way))
        sides[name] = way / length if length > _APART_M else np.zeros(2)
    return sides


def _edges(size_m: Sequence[float]) -> FloatArray:
    """(3,) the two edges on the ground in order of length, and the height."""
    return np.array([*sorted(size_m[:2]), size_m[2]])


def _doubts(
    wanted: Sequence[ProgramObject], things: Sequence[Thing], size: FloatArray, names: dict[str, str]
) -> list[str]:
    """A line for each thing that an unused one would have stood for about as well."""
    used, lines = set(names.values()), []
    for row, each in enumerate(wanted):
        if each.name not in names:
            continue
        own = next(size[row, i] for i, thing in enumerate(things) if thing.name == names[each.name])
        rivals = [t.name for i, t in enumerate(things) if t.name not in used and size[row, i] < own + _CLOSE_CALL]
        if rivals:
            lines.append(f"{each.name!r} is taken for {names[each.name]!r}; {', '.join(rivals)} would do as well")
    return lines


def _twins(
    wanted: Sequence[ProgramObject], things: Sequence[Thing], size: FloatArray, names: dict[str, str]
) -> list[str]:
    """A line for each two things that size does not tell apart, and that have other names than those shown."""
    column = {thing.name: number for number, thing in enumerate(things)}
    bound = [(row, column[names[each.name]]) for row, each in enumerate(wanted) if each.name in names]
    lines = []
    for (one, first), (other, second) in combinations(bound, 2):
        named = wanted[one].name == things[first].name and wanted[other].name == things[second].name
        if not named and max(size[one, second], size[other, first]) < _ALIKE:
            pair = f"{wanted[one].name!r} and {wanted[other].name!r}"
            lines.append(f"{pair} are of one size: where they stand decides, {things[first].name!r} is the first")
    return lines
