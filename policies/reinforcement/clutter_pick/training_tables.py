"""The tables that ClutterPick is trained on: which objects, how large, how heavy, by which rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import gymnasium
import numpy as np
from gymnasium.utils import EzPickle
from numpy.typing import NDArray

from envs.clutter import DIALECT_A, DIALECT_B, Dialect
from envs.clutter_pick import ClutterPickEnv, Proposer
from envs.objects import ObjectSet
from geometry import InputError

Part = Literal["train", "validation", "test"]
_PARTS: tuple[Part, ...] = ("train", "train", "train", "validation", "test")


def part_of(objects: ObjectSet, part: Part) -> ObjectSet:
    """Three fifths of a set for training, one for validation, one for test: every fifth of the sorted names."""
    if part not in _PARTS:
        raise InputError("part_of", expected=f"one of {sorted(set(_PARTS))}", got=repr(part))
    models = tuple(model for i, model in enumerate(objects) if _PARTS[i % len(_PARTS)] == part)
    return ObjectSet(f"{objects.name}-{part}", models)


@dataclass(frozen=True, kw_only=True)
class Table:
    """One kind of table."""

    objects: ObjectSet
    """What lies on it."""
    scene: Literal["pile", "packed"] = "pile"
    """How."""
    rules: Dialect = DIALECT_A
    """By which rules."""
    rounds: int = 1
    """How many rounds of it for one of the others."""

    def environment(self, propose: Proposer, top_k: int = 32) -> ClutterPickEnv:
        """The environment of this table."""
        return ClutterPickEnv(propose, self.objects, scene=self.scene, dialect=self.rules, top_k=top_k)


def hard_tables(known: Sequence[ObjectSet], unknown: Sequence[ObjectSet]) -> tuple[Table, ...]:
    """Tables with failures to learn from.

    A detector hardly errs on the objects that it was trained on; those are made larger and heavier, so that
    it meets what it does not know. Objects unknown to it come in two sizes.

    Args:
        known: sets that the detector was trained on.
        unknown: sets that it was not.
    """
    smaller = replace(DIALECT_A, pile_scale=(0.5, 0.9), packed_scale=(0.5, 0.8))
    larger = replace(DIALECT_A, pile_scale=(0.9, 1.4))
    heavier = replace(DIALECT_A, pile_scale=(0.8, 1.2), object_mass_kg=1.0, object_friction=0.7)
    tables = []
    for objects in unknown:
        tables += [Table(objects=objects, rounds=2), Table(objects=objects, rules=smaller, rounds=2)]
        tables += [Table(objects=objects, scene="packed", rules=smaller), Table(objects=objects, rules=DIALECT_B)]
    for objects in known:
        tables += [Table(objects=objects, rules=rules) for rules in (larger, heavier)]
    return tuple(tables)


class MixedTables(gymnasium.Env[dict[str, NDArray[Any]], Any], EzPickle):
    """One environment that plays rounds at several kinds of table, each as often as it says.

    Args:
        tables: what is played.
        propose: the detector.
        top_k: most proposals.
    """

    def __init__(self, tables: Sequence[Table], propose: Proposer, top_k: int = 32) -> None:
        EzPickle.__init__(self, tables, propose, top_k)
        if not tables:
            raise InputError("MixedTables", expected="at least one table", got="none")
        self._environments = [table.environment(propose, top_k) for table in tables]
        rounds = np.array([table.rounds for table in tables], dtype=np.float64)
        self._share = rounds / rounds.sum()
        self._now = self._environments[0]
        self.observation_space: gymnasium.Space[Any] = self._now.observation_space
        self.action_space: gymnasium.Space[Any] = self._now.action_space

    @property
    def feature_names(self) -> tuple[str, ...]:
        """See `ClutterPickEnv`."""
        return self._now.feature_names

    def action_masks(self) -> NDArray[np.bool_]:
        """See `ClutterPickEnv`."""
        return self._now.action_masks()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Draw a table, and a round at it."""
        super().reset(seed=seed)
        self._now.close()
        self._now = self._environments[int(self.np_random.choice(len(self._environments), p=self._share))]
        return self._now.reset(seed=int(self.np_random.integers(2**31)))

    def step(self, action: Any) -> tuple[dict[str, NDArray[Any]], float, bool, bool, dict[str, Any]]:
        """Try one grasp."""
        return self._now.step(action)

    def close(self) -> None:
        """Free the world."""
        self._now.close()
