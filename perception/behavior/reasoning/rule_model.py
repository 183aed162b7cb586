"""Rules with learned weights: P(behaviour) = sigmoid(b + sum_r w_r t_r), kept as one readable JSON file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit

from geometry import FloatArray, InputError
from perception.behavior.reasoning.condition_text import parse_condition
from perception.behavior.reasoning.explanation import Explanation
from perception.behavior.reasoning.predicate_track import PredicateTrack
from perception.behavior.reasoning.reasoner import RuleTruths, evaluate_rules, explain_rules
from perception.behavior.reasoning.rule import Rule
from perception.behavior.reasoning.rule_book import RuleBook

HAKE_VERBS = Path(__file__).with_name("weights") / "hake_verbs.json"
"""117 verbs of HICO from part states and the object."""
FORMAT = "graspmimic-rules-1"
BASE_ODDS = float(np.log(0.01 / 0.99))
"""Log-odds of a behaviour that only a written rule tells of, where no rule of it is true."""


@dataclass(frozen=True)
class RuleModel:
    """Weighted rules by behaviour."""

    rules: tuple[Rule, ...]
    """Their weights are log-odds; a negative one speaks against."""
    biases: Mapping[str, float]
    """Log-odds of each behaviour where no rule of it is true."""
    record: Mapping[str, Any] = field(default_factory=dict)
    """What made it: command, data, settings, figures."""

    def __post_init__(self) -> None:
        unknown = sorted({rule.behavior for rule in self.rules} - set(self.biases))
        if unknown:
            raise InputError("RuleModel", expected="a bias for each behaviour", got=f"none for {', '.join(unknown)}")
        if not np.isfinite(list(self.biases.values())).all():
            raise InputError("RuleModel", expected="finite biases", got=f"{dict(self.biases)}"[:80])

    @property
    def behaviors(self) -> tuple[str, ...]:
        """What it tells of."""
        return tuple(self.biases)

    @classmethod
    def hake_verbs(cls) -> RuleModel:
        """The model that comes with the house: HICO's verbs from part states and the object."""
        return cls.load(HAKE_VERBS)

    def evaluate(self, track: PredicateTrack) -> RuleTruths:
        """Truth of every rule and behaviour in every row."""
        return evaluate_rules(self, track)

    def explain(self, track: PredicateTrack, behavior: str, row: int | None = None, top: int = 3) -> Explanation:
        """Why a behaviour is (or is not) told at a row; None: where it is most probable."""
        return explain_rules(self, track, behavior, row, top)

    def with_book(self, book: RuleBook) -> RuleModel:
        """With a person's rules for behaviours that were never learned.

        Where a rule of weight w is true its behaviour has probability w (at most 0.99), where none is, 0.01.
        """
        known = sorted(set(book.behaviors) & set(self.behaviors))
        if known:
            raise InputError("with_book", expected="behaviours that the model does not tell", got=", ".join(known))
        weights = np.clip([rule.weight for rule in book.rules], 0.011, 0.99)
        odds = np.log(weights / (1.0 - weights)) - BASE_ODDS
        added = [replace(rule, weight=float(weight)) for rule, weight in zip(book.rules, odds, strict=True)]
        biases = {**self.biases, **dict.fromkeys(book.behaviors, BASE_ODDS)}
        return RuleModel((*self.rules, *added), biases, self.record)

    def joined(self, truths: FloatArray) -> FloatArray:
        """(T, C) probabilities from (T, R) truths."""
        odds = truths @ self._weights + np.array(list(self.biases.values()))
        return np.asarray(expit(odds))

    @cached_property
    def _weights(self) -> FloatArray:
        """(R, C) each rule's weight in its behaviour's column."""
        place = {behavior: column for column, behavior in enumerate(self.behaviors)}
        weights = np.zeros((len(self.rules), len(place)))
        for number, rule in enumerate(self.rules):
            weights[number, place[rule.behavior]] = rule.weight
        return weights

    def contributions(self, truths: FloatArray) -> FloatArray:
        """(R,) log-odds that each rule adds: w t."""
        return np.array([rule.weight for rule in self.rules]) * truths

    def save(self, path: str | Path) -> None:
        """Write one JSON file."""
        from perception.figures import output_file  # matplotlib comes with it

        table = {
            "format": FORMAT,
            "record": dict(self.record),
            "behaviors": {
                behavior: {
                    "bias": round(bias, 6),
                    "rules": [_row(rule) for rule in self.rules if rule.behavior == behavior],
                }
                for behavior, bias in self.biases.items()
            },
        }
        with output_file(path) as draft:
            draft.write_text(json.dumps(table, indent=1, allow_nan=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> RuleModel:
        """Read what `save` wrote.

        Raises:
            InputError: if it is missing, damaged or something else.
        """
        try:
            table = json.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(str(path), expected="a readable file", got=error.strerror or str(error)) from None
        except (ValueError, RecursionError):
            raise InputError(str(path), expected="the JSON of a rule model", got="something else") from None
        if not isinstance(table, dict) or table.get("format") != FORMAT:
            raise InputError(str(path), expected=f"a file of the format {FORMAT}", got="another")
        try:
            biases = {str(name): float(entry["bias"]) for name, entry in table["behaviors"].items()}
            rules = [
                _rule(str(name), row, f"{path}: rule of {name}")
                for name, entry in table["behaviors"].items()
                for row in entry["rules"]
            ]
            return cls(tuple(rules), biases, dict(table["record"]))
        except InputError:
            raise
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise InputError(str(path), expected="a whole rule model", got=f"{error!r}"[:80]) from None


def _row(rule: Rule) -> dict[str, Any]:
    row: dict[str, Any] = {"when": str(rule.when), "weight": round(rule.weight, 4)}
    if rule.support or np.isfinite(rule.confidence):
        row |= {"support": rule.support, "confidence": round(rule.confidence, 4), "lift": round(rule.lift, 3)}
    return row


def _rule(behavior: str, row: Mapping[str, Any], where: str) -> Rule:
    mined = {key: row[key] for key in ("support", "confidence", "lift") if key in row}
    when = parse_condition(str(row["when"]), where=where)
    return Rule(behavior=behavior, when=when, weight=float(row["weight"]), **mined)
