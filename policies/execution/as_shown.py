"""A goal for a bench whose task is known by its program alone: things are where the program leaves them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from envs.workbench import Outcome, Thing
from geometry import FloatArray
from policies.programs import Fact, HandOver, Lift, Place, Pour, Push, Step, TaskProgram, effects, observed_state
from policies.programs.conditions import promised_facts, start_state
from policies.programs.steps import TABLE

PLACE_M = 0.05
"""So far from its place on the table a thing may stand."""
POURED = 0.75
"""Share of the balls that must be in what was poured into."""
_LASTING = frozenset({"on", "in", "beside", "at", "taken", "lifted", "poured"})


@dataclass(frozen=True, kw_only=True)
class AsShown:
    """What a program promises and nothing later undoes is true of the true state."""

    facts: tuple[Fact, ...]
    """What must be true, in the program's names, which are the bench's."""
    places_m: Mapping[str, tuple[float, float]]
    """(x, y) of what was put at a place of the table."""
    balls: Mapping[str, int]
    """By name, how many balls lay in each thing at first."""

    def holds(self, things: Mapping[str, Thing], outcome: Outcome) -> bool:
        """Whether it is true; the bench's things have the program's names."""
        return not self.unmet(things, outcome)

    def unmet(self, things: Mapping[str, Thing], outcome: Outcome) -> tuple[str, ...]:
        """What is not true, in words."""
        givers = {fact.object: fact.to for fact in self.facts if fact.kind == "taken"}
        wanted = {fact.object: fact.to for fact in self.facts if fact.kind == "poured"}
        poured = {
            name: to for name, to in wanted.items() if outcome.balls_in.get(to, 0) >= POURED * self.balls.get(name, 0)
        }
        state = observed_state(
            list(things.values()),
            outcome.layout,
            taken={name: givers.get(name, "") for name in outcome.taken},
            content=poured,
        )
        false = [str(fact) for fact in self.facts if state.holds(fact) is False]
        far = [
            f"{name} is at its place"
            for name, place_m in self.places_m.items()
            if float(np.linalg.norm(outcome.layout[name][:2, 3] - np.array(place_m))) > PLACE_M
        ]
        return (*false, *far)


def as_shown(program: TaskProgram, layout: Mapping[str, FloatArray], balls: Mapping[str, int]) -> AsShown | None:
    """The goal of a program at a bench; None for one that leaves nothing changed.

    Args:
        program: in the names of the bench.
        layout: the bench at first.
        balls: by name, how many balls lie in each thing at first.
    """
    end = start_state(program)
    last: dict[str, Step] = {}
    facts: list[Fact] = []
    for step in program.steps:
        end = effects(step, end)
        if isinstance(step, Lift | Place | Push | HandOver):
            last[step.object] = step
        elif isinstance(step, Pour) and balls.get(step.object):
            facts += promised_facts(step)
    facts += [fact for step in last.values() for fact in promised_facts(step)]
    places = {name: place for name, step in last.items() if (place := _place(step, layout[name])) is not None}
    kept = tuple(fact for fact in dict.fromkeys(facts) if fact.kind in _LASTING and end.holds(fact))
    return AsShown(facts=kept, places_m=places, balls=balls) if kept or places else None


def _place(step: Step, T_first: FloatArray) -> tuple[float, float] | None:
    """(x, y) on the table where a step leaves its thing; None where it is not put at a place of the table."""
    if isinstance(step, Place) and step.to == TABLE:
        return step.offset_m[0], step.offset_m[1]
    if isinstance(step, Push) and step.to == TABLE:
        return float(T_first[0, 3]) + step.offset_m[0], float(T_first[1, 3]) + step.offset_m[1]
    return None
