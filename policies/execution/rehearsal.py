"""A bench for a program whose task nobody has described: its things at random places, to be worked on in simulation."""

from __future__ import annotations

from dataclasses import replace
from typing import cast, get_args

import numpy as np

from envs.workbench import TABLE, BenchScene, Category, Room, Thing, scatter
from geometry import InputError
from policies.execution.as_shown import as_shown
from policies.programs import HandOver, Place, Pour, ProgramObject, TaskProgram

ASSUMED_SIZE_M = (0.04, 0.04, 0.04)
"""Of what was seen without its size."""
LARGEST_M = 0.30
_TAKER_M = (0.62, 0.12, 0.24)
_BALLS = 8
_PERSON = "person"
_ALIKE: dict[str, Category] = {
    "mug": "cup", "glass": "cup", "pot": "cup", "bucket": "cup", "jar": "cup", "vase": "cup", "pan": "bowl",
    "bin": "box", "basket": "box", "bottle": "can",
}  # fmt: skip
_TRIES = 50
_COLORS = ((0.80, 0.30, 0.25, 1.0), (0.25, 0.45, 0.75, 1.0), (0.35, 0.65, 0.35, 1.0), (0.85, 0.65, 0.25, 1.0),
           (0.55, 0.40, 0.65, 1.0), (0.40, 0.65, 0.70, 1.0))  # fmt: skip


def benchable(program: TaskProgram) -> TaskProgram:
    """The same program about things of the categories that the bench knows, each with a size.

    A mug is a cup there, a bottle a can, and so on; what is like nothing that the bench knows is a block.
    """
    return replace(program, objects=tuple(_told(each) for each in program.objects))


def rehearsal_scene(program: TaskProgram, rng: np.random.Generator) -> BenchScene:
    """The things of a program, elsewhere than where they were shown; a person's hand where something is handed over.

    Places of the table on which something is to be put are left free. The goal is what the program promises.

    Args:
        program: what is to be done (see `benchable`).
        rng: draws places and headings.

    Raises:
        InputError: if a thing is too large for the bench, or there is no room for all.
    """
    told = [each for each in program.objects if each.category != _PERSON and each.name != TABLE]
    things = {each.name: _thing(each, number) for number, each in enumerate(told)}
    if not things:
        raise InputError("rehearsal_scene", expected="a program about at least one thing", got="none")
    puts = [step for step in program.steps if isinstance(step, Place) and step.to == TABLE]
    free = [Room((step.offset_m[0], step.offset_m[1]), things[step.object].radius_m) for step in puts]
    for _ in range(_TRIES):
        layout = scatter(list(things.values()), rng, taken=free)
        if layout is not None:
            break
    else:
        raise InputError("rehearsal_scene", expected="things that find room on the bench", got=f"{len(things)} things")
    poured = {step.object for step in program.steps if isinstance(step, Pour)}
    balls = {name: _BALLS for name, thing in things.items() if name in poured and thing.holds}
    goal = as_shown(program, layout, balls)
    return BenchScene(
        things=tuple(things.values()),
        layout=layout,
        script=(),
        goals=() if goal is None else (goal,),
        balls=balls,
        taker_m=_TAKER_M if any(isinstance(step, HandOver) for step in program.steps) else None,
    )


def _told(each: ProgramObject) -> ProgramObject:
    if each.category == _PERSON:
        return each
    known = each.category in get_args(Category)
    category = each.category if known else _ALIKE.get(each.category, "block")
    return replace(each, category=category, size_m=each.size_m or ASSUMED_SIZE_M)


def _thing(told: ProgramObject, number: int) -> Thing:
    known = _told(told)
    size = known.size_m or ASSUMED_SIZE_M
    if max(size) > LARGEST_M:
        raise InputError(
            told.name, expected=f"edges of at most {LARGEST_M:g} m", got=f"{size}", remedy="the bench is 0.6 m wide"
        )
    return Thing(
        name=told.name,
        category=cast(Category, known.category),
        size_m=size,
        rgba=_COLORS[number % len(_COLORS)],
    )
