"""Several object sets to draw from, each with its weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from envs.objects import ObjectModel, ObjectSet
from geometry import InputError


@dataclass(frozen=True)
class WeightedSet:
    """An object set, and how often it is drawn from."""

    objects: ObjectSet
    weight: float = 1.0
    """Relative frequency in all arrangements but "packed"."""
    packed_weight: float = 1.0
    """Relative frequency in the arrangement "packed", whose objects must stand."""


@dataclass(frozen=True)
class ObjectPool:
    """What training scenes are made from."""

    sets: tuple[WeightedSet, ...]

    def __post_init__(self) -> None:
        names = [entry.objects.name for entry in self.sets]
        if not names or len(set(names)) < len(names):
            raise InputError("ObjectPool", expected="at least one object set, each with another name", got=f"{names}")
        if min(sum(e.weight for e in self.sets), sum(e.packed_weight for e in self.sets)) <= 0.0:
            raise InputError("ObjectPool", expected="weights above 0", got=f"{self.weights}")

    @property
    def weights(self) -> dict[str, tuple[float, float]]:
        """Both weights of each set, by its name."""
        return {entry.objects.name: (entry.weight, entry.packed_weight) for entry in self.sets}

    def draw(self, rng: np.random.Generator, count: int, *, packed: bool) -> ObjectSet:
        """Models drawn with replacement: first the set by its weight, then the model uniformly."""
        weights = np.array([entry.packed_weight if packed else entry.weight for entry in self.sets])
        chosen = rng.choice(len(self.sets), size=count, p=weights / weights.sum())
        return ObjectSet("drawn", tuple(self._draw_one(self.sets[i].objects, rng) for i in chosen))

    def source_of(self, model: ObjectModel) -> str:
        """The name of the set that a model came from."""
        return self._sources[model]

    def model(self, source: str, name: str) -> ObjectModel:
        """The model of a name.

        Raises:
            InputError: if there is none.
        """
        try:
            return self._models[source, name]
        except KeyError:
            raise InputError(
                "ObjectPool",
                expected=f"the object {name!r} of {source!r}",
                got=f"the sets {sorted(self.weights)} without it",
                remedy="give --objects that the dataset was made from",
            ) from None

    @cached_property
    def _sources(self) -> dict[ObjectModel, str]:
        return {model: entry.objects.name for entry in reversed(self.sets) for model in entry.objects}

    @cached_property
    def _models(self) -> dict[tuple[str, str], ObjectModel]:
        return {(entry.objects.name, model.name): model for entry in self.sets for model in entry.objects}

    @staticmethod
    def _draw_one(objects: Sequence[ObjectModel] | ObjectSet, rng: np.random.Generator) -> ObjectModel:
        return objects[int(rng.integers(len(objects)))]
