"""Conditions worth a rule, found by counting: conjunctions of up to three literals with support, confidence and lift.

    support     examples with the condition and the behaviour
    confidence  support / examples with the condition
    lift        confidence / share of all examples that have the behaviour

Mining comes before any weight is learned: soft logic trained from random rules was measured far worse and slower.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.behavior.reasoning.expression import Expression, Operator
from perception.behavior.reasoning.temporal import HALF

Condition = tuple[tuple[int, bool], ...]
"""Literals joined by AND: column of the predicate, and whether it must be false."""


@dataclass(frozen=True, kw_only=True)
class MiningSettings:
    """What counts as a condition."""

    longest: int = 3
    """Literals in a condition."""
    least_support: int = 5
    """Examples in which a condition must be true (and, for a negated literal, in which it would be without it)."""
    negations: bool = True
    """Whether one literal of a condition may be negated."""

    def __post_init__(self) -> None:
        if not 1 <= self.longest <= 4 or self.least_support < 1:
            got = f"{self.longest} and {self.least_support}"
            raise InputError("MiningSettings", expected="longest of 1 to 4 and least_support of 1 or more", got=got)


@dataclass(frozen=True, kw_only=True)
class CountedExamples:
    """Examples with equal predicates drawn together: U distinct rows."""

    truths: FloatArray
    """(U, P) truths of the predicates; unknown ones 0."""
    counts: FloatArray
    """(U,) examples of each row."""
    positives: FloatArray
    """(U, C) those of them with each behaviour."""


def count_examples(truths: FloatArray, labels: NDArray[np.bool_]) -> CountedExamples:
    """Draw equal examples together.

    Args:
        truths: (N, P) 0 to 1; NaN unknown.
        labels: (N, C).
    """
    if truths.ndim != 2 or labels.ndim != 2 or len(truths) != len(labels) or not len(truths):
        got = f"{truths.shape} and {labels.shape}"
        raise InputError("count_examples", expected="truths (N, P) and labels (N, C) of at least one example", got=got)
    rows, which = np.unique(np.nan_to_num(truths, nan=0.0), axis=0, return_inverse=True)
    positives = np.zeros((len(rows), labels.shape[1]))
    np.add.at(positives, which.ravel(), labels.astype(float))
    return CountedExamples(truths=rows, counts=np.bincount(which.ravel()).astype(float), positives=positives)


def mine_conditions(
    examples: CountedExamples, settings: MiningSettings, may_negate: NDArray[np.bool_] | None = None
) -> tuple[Condition, ...]:
    """All conditions that are true often enough; of those true in the same examples, the shortest.

    Args:
        examples: what is counted; a predicate is there from a truth of one half on.
        settings: how long and how often.
        may_negate: (P,) predicates that may stand under NOT; None: all.
    """
    on = examples.truths >= HALF
    found: dict[bytes, Condition] = {}
    plain = list(_plain(on, examples.counts, settings))
    for condition, cover in plain:
        found.setdefault(cover.tobytes(), condition)
    if settings.negations and settings.longest > 1:
        columns = np.flatnonzero(np.ones(on.shape[1], dtype=bool) if may_negate is None else may_negate)
        kept = [(condition, cover) for condition, cover in plain if found[cover.tobytes()] is condition]
        for condition, cover in kept:
            if len(condition) < settings.longest:
                for extended, smaller in _negated(condition, cover, on, columns, examples.counts, settings):
                    found.setdefault(smaller.tobytes(), extended)
    return tuple(found.values())


def condition_truths(truths: FloatArray, conditions: tuple[Condition, ...]) -> NDArray[np.float32]:
    """(N, R) truth of each condition by the product, in single precision, from (N, P) truths of the predicates."""
    known = np.nan_to_num(truths, nan=0.0).astype(np.float32)
    unproven = np.where(np.isnan(truths), 0.0, 1.0 - truths).astype(np.float32)
    result = np.ones((len(truths), len(conditions)), dtype=np.float32)
    for number, condition in enumerate(conditions):
        for column, negated in condition:
            result[:, number] *= unproven[:, column] if negated else known[:, column]
    return result


def condition_expression(condition: Condition, names: tuple[str, ...]) -> Expression:
    """The condition as a rule has it."""
    literals = tuple(
        Expression(Operator.NOT, (Expression(Operator.IS, name=names[column]),))
        if negated
        else Expression(Operator.IS, name=names[column])
        for column, negated in condition
    )
    return literals[0] if len(literals) == 1 else Expression(Operator.AND, literals)


def _plain(
    on: NDArray[np.bool_], counts: FloatArray, settings: MiningSettings
) -> Iterator[tuple[Condition, NDArray[np.bool_]]]:
    """Conditions without negation that occur, the shorter first, with the rows that they cover."""
    present = [np.flatnonzero(row).tolist() for row in on]
    for length in range(1, settings.longest + 1):
        support: dict[tuple[int, ...], float] = {}
        for columns, count in zip(present, counts.tolist(), strict=True):
            for chosen in combinations(columns, length):
                support[chosen] = support.get(chosen, 0.0) + count
        for chosen in sorted(chosen for chosen, count in support.items() if count >= settings.least_support):
            yield tuple((column, False) for column in chosen), np.asarray(on[:, list(chosen)].all(axis=1))


def _negated(
    condition: Condition,
    cover: NDArray[np.bool_],
    on: NDArray[np.bool_],
    columns: NDArray[np.intp],
    counts: FloatArray,
    settings: MiningSettings,
) -> Iterator[tuple[Condition, NDArray[np.bool_]]]:
    """The condition with one more literal, negated, where that parts its examples into two groups large enough."""
    without = cover[:, None] & ~on[:, columns]
    left, whole = counts @ without, counts @ cover
    used = [column for column, _ in condition]
    for number in np.flatnonzero((left >= settings.least_support) & (whole - left >= settings.least_support)):
        if columns[number] not in used:
            yield (*condition, (int(columns[number]), True)), without[:, number]
