"""Observations as the environment builds them, from what sensors tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.manipulation.entries import box
from geometry import InputError
from ros_nodes.task_view.named_facts import GOAL, Snapshot, facts_of, units_told
from ros_nodes.task_view.task_contract import ACHIEVED, DESIRED, TaskContract

SOURCES = ("joint_states", "objects", "goal", "goals")
"""What a robot may tell: its joints, the poses of things, one thing's goal, or the goals of all things."""


class ObservationBuilder:
    """Builds the observations of one environment.

    Numbers are cut off at the ranges of their entries as the environment does it; a desired goal is taken as it is.

    Args:
        contract: of the environment.
        sources: some of `SOURCES`.
        constants: names of numbers that an operator vouches for.

    Raises:
        InputError: lists every number that no source tells, or tells in another unit.
    """

    def __init__(self, contract: TaskContract, sources: Sequence[str], constants: Sequence[str] = ()) -> None:
        if unknown := [source for source in sources if source not in SOURCES]:
            raise InputError("sources", expected=f"some of {', '.join(SOURCES)}", got=", ".join(unknown))
        self._contract = contract
        self._names = {
            key: tuple(GOAL + entry.name if key == DESIRED else entry.name for entry in entries)
            for key, entries in contract.vectors.items()
        }
        told = units_told(
            joints="joint_states" in sources,
            objects=contract.objects if "objects" in sources else (),
            goals=_goals_told(contract, sources),
            constants=constants,
        )
        self._check(told, sources)
        self._bounds = {key: (box(e).low, box(e).high) for key, e in contract.vectors.items() if key != DESIRED}

    def build(self, seen: Snapshot) -> dict[str, NDArray[Any]]:
        """The observation by key; a bare vector has the key "observation".

        Raises:
            InputError: if a number is not told or not finite.
        """
        facts = facts_of(seen)
        observation: dict[str, NDArray[Any]] = {}
        for key, names in self._names.items():
            missing = [name for name in names if not np.isfinite(facts.get(name, np.nan))]
            if missing:
                raise InputError("observation", expected=f"finite numbers in {key}", got=f"none for {_listed(missing)}")
            numbers = np.array([facts[name] for name in names], dtype=np.float32)
            if key in self._bounds:
                low, high = self._bounds[key]
                numbers = np.minimum(np.maximum(numbers, low), high)
            observation[key] = numbers
        return observation

    def done(self, observation: Mapping[str, NDArray[Any]]) -> bool | None:
        """Whether the goal is reached; None for a task without one."""
        reached = self._contract.reached
        return None if reached is None else bool(reached(observation[ACHIEVED], observation[DESIRED]))

    def _check(self, told: Mapping[str, str], sources: Sequence[str]) -> None:
        missing = [
            f"{name} ({entry.unit})" + (f", told in {told[name]}" if name in told else "")
            for key, entries in self._contract.vectors.items()
            for name, entry in zip(self._names[key], entries, strict=True)
            if told.get(name) != entry.unit
        ]
        if missing:
            raise InputError(
                "sources",
                expected=f"all that {self._contract.env} gives",
                got=f"{', '.join(sources) or 'none'}, which lack {_listed(missing)}",
                remedy="add the source (joint_states, objects, goal or goals), or vouch for a number in `constants`",
            )


def needed_sources(contract: TaskContract, sources: Sequence[str]) -> tuple[str, ...]:
    """Those of the sources that a task's observations need; of `goal` and `goals` one is enough."""
    goal = "goals" if "goals" in sources else "goal"
    needed = {
        "joint_states": True,
        "objects": bool(contract.objects),
        goal: bool(contract.goals),
    }
    return tuple(source for source in sources if needed.get(source, False))


def _goals_told(contract: TaskContract, sources: Sequence[str]) -> tuple[str, ...]:
    """One `goal` is enough where one thing has a goal."""
    if "goals" in sources or ("goal" in sources and len(contract.goals) == 1):
        return contract.goals
    return ()


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
