"""A bench for a program whose task nobody has described: its things at random places, to be worked on in simulation."""

from __future__ import annotations

from typing import get_args

import numpy as np

from envs.workbench import BenchScene, Category, Thing, scatter
from geometry import InputError
from policies.programs import HandOver, Pour, ProgramObject, TaskProgram

ASSUMED_SIZE_M = (0.04, 0.04, 0.04)
"""Of what was seen without its size."""
LARGEST_M = 0.30
_TAKER_M = (0.62, 0.12, 0.24)
_BALLS = 8
_PERSON = "person"
_TRIES = 50
_COLORS = ((0.80, 0.30, 0.25, 1.0), (0.25, 0.45, 0.75, 1.0), (0.35, 0.65, 0.35, 1.0), (0.85, 0.65, 0.25, 1.0),
           (0.55, 0.40, 0.65, 1.0), (0.40, 0.65, 0.70, 1.0))  # fmt: skip


def rehearsal_scene(program: TaskProgram, rng: np.random.Generator) -> BenchScene:
    """The things of a program, elsewhere than where they were shown; a person's hand where something is handed over.

    What is of no category that the bench knows is a block of its size.

    Args:
        program: what is to be done.
        rng: draws places and headings.

    Raises:
        InputError: if a thing is too large for the bench, or there is no room for all.
    """
    things = tuple(_thing(each, number) for number, each in enumerate(program.objects) if each.category != _PERSON)
    for _ in range(_TRIES):
        layout = scatter(things, rng)
        if layout is not None:
            break
    else:
        raise InputError("rehearsal_scene", expected="things that find room on the bench", got=f"{len(things)} things")
    poured = {step.object for step in program.steps if isinstance(step, Pour)}
    handed = any(isinstance(step, HandOver) for step in program.steps)
    return BenchScene(
        things=things,
        layout=layout,
        script=(),
        goals=(),
        balls={thing.name: _BALLS for thing in things if thing.name in poured and thing.holds},
        taker_m=_TAKER_M if handed else None,
    )


def _thing(told: ProgramObject, number: int) -> Thing:
    size = told.size_m or ASSUMED_SIZE_M
    if max(size) > LARGEST_M:
        raise InputError(
            told.name, expected=f"edges of at most {LARGEST_M:g} m", got=f"{size}", remedy="the bench is 0.6 m wide"
        )
    known = told.category in get_args(Category)
    return Thing(
        name=told.name,
        category=told.category if known else "block",  # type: ignore[arg-type]
        size_m=size,
        rgba=_COLORS[number % len(_COLORS)],
    )
