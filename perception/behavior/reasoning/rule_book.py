"""Rules that a person writes, in YAML, and what they say of a recording.

    objects: [cube, tray]                    # classes beside HICO's 80 that `object:` may name
    behaviors:
      drink_with: head:drink-with AND object:cup
      hand_over:
        - right_hand:hold then hand:release within 2 s
        - when: hand:hold for 0.3 s AND hand:near-person
          weight: 0.8                        # probability where the condition is true; 1 unless written

Several rules of a behaviour are joined by the noisy-OR: p = 1 - prod_r (1 - w_r t_r).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.behavior.reasoning.condition_text import parse_condition
from perception.behavior.reasoning.explanation import Explanation
from perception.behavior.reasoning.predicate_track import PredicateTrack
from perception.behavior.reasoning.reasoner import RuleTruths, evaluate_rules, explain_rules
from perception.behavior.reasoning.rule import Rule
from perception.behavior.reasoning.vocabulary import HICO_OBJECTS, predicate_names

BUILT_IN = Path(__file__).with_name("weights") / "behaviors.yaml"
"""Manipulation and motion of the body, as rules over the house's part states."""


@dataclass(frozen=True)
class RuleBook:
    """Rules by behaviour."""

    rules: tuple[Rule, ...]
    """In the order in which they are written."""

    def __post_init__(self) -> None:
        for rule in self.rules:
            if not 0.0 < rule.weight <= 1.0:
                raise InputError(f"rule {rule.title}", expected="a weight above 0, at most 1", got=f"{rule.weight:g}")

    @cached_property
    def behaviors(self) -> tuple[str, ...]:
        """Names, each once, in the order in which they are written."""
        return tuple(dict.fromkeys(rule.behavior for rule in self.rules))

    @classmethod
    def built_in(cls) -> RuleBook:
        """The book that comes with the house."""
        return cls.from_yaml(BUILT_IN)

    @classmethod
    def from_yaml(cls, source: str | Path, predicates: Collection[str] | None = None) -> RuleBook:
        """Read a book.

        Args:
            source: a path (or a string that ends in .yaml or .yml), or the YAML itself.
            predicates: names that rules may use; None: the house's vocabulary and the book's own objects.
        Raises:
            InputError: one line with the rule's name, what is wrong, and what is valid.
        """
        is_path = isinstance(source, Path) or (source.strip().endswith((".yaml", ".yml")) and "\n" not in source)
        where = str(source) if is_path else "rules"
        table = _read_yaml(_text_of(Path(source)) if is_path else str(source), where)
        objects = _objects(table, where)
        known = dict.fromkeys(predicate_names((*HICO_OBJECTS, *objects)) if predicates is None else predicates)
        return cls(tuple(_rules(table["behaviors"], known.keys(), where)))

    def to_yaml(self) -> str:
        """The book as YAML; `from_yaml` reads it back."""
        behaviors: dict[str, list[dict[str, Any]]] = {}
        for rule in self.rules:
            name = {} if rule.title == rule.behavior else {"name": rule.name}
            entry = {"when": str(rule.when), "weight": float(f"{rule.weight:.4g}"), **name}
            behaviors.setdefault(rule.behavior, []).append(entry)
        told = {name.split(":")[1] for rule in self.rules for name, _ in rule.when.literals() if name[:7] == "object:"}
        objects = sorted(told - set(HICO_OBJECTS))
        table = {**({"objects": objects} if objects else {}), "behaviors": behaviors}
        return str(yaml.safe_dump(table, sort_keys=False, width=110))

    def evaluate(self, track: PredicateTrack) -> RuleTruths:
        """Truth of every rule and behaviour in every row."""
        return evaluate_rules(self, track)

    def explain(self, track: PredicateTrack, behavior: str, row: int | None = None, top: int = 3) -> Explanation:
        """Why a behaviour is (or is not) told at a row; None: where it is most probable."""
        return explain_rules(self, track, behavior, row, top)

    def joined(self, truths: FloatArray) -> FloatArray:
        """(T, C) the noisy-OR of each behaviour's rules, from (T, R) truths."""
        if not self.rules:
            return np.zeros((len(truths), 0))
        order, starts = self._by_behavior
        missed = 1.0 - self._weights[order] * truths[:, order]
        return 1.0 - np.multiply.reduceat(missed, starts, axis=1)

    @cached_property
    def _weights(self) -> FloatArray:
        """(R,) of the rules."""
        return np.array([rule.weight for rule in self.rules])

    @cached_property
    def _by_behavior(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """(R,) rules in the order of their behaviours, and (C,) where in it each behaviour's begin."""
        places = np.array([self.behaviors.index(rule.behavior) for rule in self.rules])
        order = np.argsort(places, kind="stable")
        return order, np.searchsorted(places[order], np.arange(len(self.behaviors)))

    def contributions(self, truths: FloatArray) -> FloatArray:
        """(R,) -ln(1 - w t): these add up to -ln(1 - p), the way the noisy-OR joins rules."""
        return -np.log(np.maximum(1.0 - self._weights * truths, 1e-6))


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        got = error.strerror if isinstance(error, OSError) else "bytes that are no UTF-8"
        raise InputError(str(path), expected="a readable YAML file", got=str(got)) from None


def _read_yaml(text: str, where: str) -> dict[str, Any]:
    try:
        table = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" in line {mark.line + 1}" if mark else ""
        raise InputError(
            where,
            expected="YAML",
            got=f"{getattr(error, 'problem', None) or 'something else'}{place}",
            remedy="put a condition that YAML misreads in quotes",
        ) from None
    if not isinstance(table, Mapping) or not isinstance(table.get("behaviors"), Mapping) or not table["behaviors"]:
        raise InputError(where, expected='"behaviors:" with a rule below each name', got=f"{str(table)[:60]!r}")
    other = [str(key) for key in table if key not in ("behaviors", "objects")]
    if other:
        raise InputError(where, expected="the keys behaviors and objects", got=", ".join(other))
    return dict(table)


def _objects(table: Mapping[str, Any], where: str) -> list[str]:
    objects = table.get("objects") or []
    if not isinstance(objects, list) or not all(isinstance(name, str) for name in objects):
        raise InputError(where, expected="objects: a list of names", got=f"{str(objects)[:60]!r}")
    return objects


def _rules(behaviors: Mapping[Any, Any], predicates: Collection[str], where: str) -> list[Rule]:
    rules = []
    for behavior, written in behaviors.items():
        entries = written if isinstance(written, list) else [written]
        for number, entry in enumerate(entries, start=1):
            name = f"{behavior}" if len(entries) == 1 else f"{behavior} ({number})"
            rules.append(_rule(str(behavior), name, entry, predicates, f"{where}: rule {name}"))
    return rules


def _rule(behavior: str, name: str, entry: Any, predicates: Collection[str], where: str) -> Rule:
    fields = {"when": entry} if isinstance(entry, str) else entry
    if not isinstance(fields, Mapping) or not isinstance(fields.get("when"), str):
        raise InputError(where, expected="a condition as text, or when: and weight:", got=f"{str(entry)[:60]!r}")
    other = [str(key) for key in fields if key not in ("when", "weight", "name")]
    if other:
        raise InputError(where, expected="the keys when, weight and name", got=", ".join(other))
    weight = fields.get("weight", 1.0)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0.0 < weight <= 1.0:
        raise InputError(where, expected="a weight above 0, at most 1", got=f"{weight!r}")
    when = parse_condition(fields["when"], predicates, where)
    return Rule(behavior=behavior, when=when, weight=float(weight), name=str(fields.get("name", name)))
