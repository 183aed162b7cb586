"""How true a condition is: over a whole track at once, or moment by moment.

With truths x_i of the parts, all in [0, 1]:

    AND   prod x_i                (product t-norm)
    OR    1 - prod (1 - x_i)      (noisy-OR)
    NOT   1 - x
    a predicate that nobody could see (NaN) is 0, and so is its negation: no rule is true on what was not seen
    (but NOT before an operator over time takes what was not seen for what did not happen)

and the operators over time as in `temporal`. Both ways run the same cells and give the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from geometry import FloatArray, InputError
from perception.behavior.reasoning.expression import Expression, Operator
from perception.behavior.reasoning.predicate_track import PredicateTrack, truth_now
from perception.behavior.reasoning.temporal import Truth, make_cell


class TruthTrack(NamedTuple):
    """How true a condition is in each row, and since when."""

    values: FloatArray
    """(T,) 0 to 1, of what is complete at that time: uses nothing later."""
    since_s: FloatArray
    """(T,) when what is complete at that time began."""

    def over_its_span(self, time_s: FloatArray) -> FloatArray:
        """(T,) the offline form: each moment gets the best of what it turns out to be a part of.

        O_t = max over u >= t with since_u <= t of V_u: a behaviour counts from its beginning and not only
        from when the last of its parts proves it.
        """
        spread = self.values.copy()
        first = np.searchsorted(time_s, self.since_s - 1e-9)
        for row in range(len(spread)):
            span = spread[first[row] : row + 1]
            np.maximum(span, self.values[row], out=span)
        return spread


def evaluate_condition(condition: Expression, track: PredicateTrack) -> TruthTrack:
    """Truth of a condition in every row of a track.

    Raises:
        InputError: if the condition speaks of time and the track's rows are single images.
    """
    if condition.has_memory and track.time_s is None:
        raise InputError(
            "evaluate_condition",
            expected="time_s for a condition with then, while, until or for",
            got=f"single images for {str(condition)!r}",
        )
    rows = np.zeros(len(track)) if track.time_s is None else track.time_s
    return _whole(condition.normal_form(), track, rows)


class ConditionMonitor:
    """Truth of a condition as it happens; memory is bounded by the condition's own durations."""

    def __init__(self, condition: Expression) -> None:
        node = condition.normal_form()
        self._operator = node.operator
        self._name = _name_of(node)
        self._cell = make_cell(node) if node.operator.has_memory else None
        self._parts = [] if self._name else [ConditionMonitor(part) for part in node.parts]
        self._plain = self._cell is None and all(part._name for part in self._parts)
        """Whether it is a literal, or joins literals alone: then it began now."""

    def update(self, time_s: float, truths: Mapping[str, float]) -> Truth:
        """Take the predicates' truths at the next moment; a name that is missing is unknown."""
        if self._plain:
            return Truth(self._value(truths), time_s)
        parts = tuple([part.update(time_s, truths) for part in self._parts])
        if self._cell is not None:
            return self._cell.update(time_s, parts)
        if self._operator is Operator.NOT:
            return Truth(1.0 - parts[0].value, time_s)
        if self._operator is Operator.AND:
            return Truth(math.prod([part.value for part in parts]), min([part.since_s for part in parts]))
        truest = max(parts, key=itemgetter(0))
        return Truth(1.0 - math.prod([1.0 - part.value for part in parts]), truest.since_s)

    def _value(self, truths: Mapping[str, float]) -> float:
        """Of a literal, or of literals joined."""
        if self._name:
            told = truth_now(self._name, truths)
            return 0.0 if math.isnan(told) else 1.0 - told if self._operator is Operator.NOT else told
        values = [part._value(truths) for part in self._parts]
        if self._operator is Operator.AND:
            return math.prod(values)
        return 1.0 - math.prod([1.0 - value for value in values])


def _whole(node: Expression, track: PredicateTrack, rows_s: FloatArray) -> TruthTrack:
    if name := _name_of(node):
        return TruthTrack(_literal(track.column(name), node.operator is Operator.NOT), rows_s)
    parts = [_whole(part, track, rows_s) for part in node.parts]
    if not node.operator.has_memory:
        values, since_s = _joined(node.operator, [part.values for part in parts], [part.since_s for part in parts])
        return TruthTrack(values, rows_s if node.operator is Operator.NOT else since_s)
    cell, out = make_cell(node), np.zeros((len(rows_s), 2))
    columns = [list(zip(part.values.tolist(), part.since_s.tolist(), strict=True)) for part in parts]
    for row, time_s in enumerate(rows_s.tolist()):
        out[row] = cell.update(time_s, tuple(Truth(*column[row]) for column in columns))
    return TruthTrack(out[:, 0], out[:, 1])


def _name_of(node: Expression) -> str:
    """The predicate of a literal, negated or not; empty for what is no literal."""
    return node.parts[0].name if node.operator is Operator.NOT else node.name


def _literal(truth: FloatArray, negated: bool) -> FloatArray:
    return np.where(np.isnan(truth), 0.0, 1.0 - truth if negated else truth)


def _joined(operator: Operator, values: list[FloatArray], since_s: list[FloatArray]) -> tuple[FloatArray, FloatArray]:
    """A node without memory: its value, and the beginning of all parts (AND) or of the truest one (OR)."""
    if operator is Operator.NOT:
        return 1.0 - values[0], since_s[0]
    stacked, begins = np.stack(values), np.stack(since_s)
    if operator is Operator.AND:
        return np.prod(stacked, axis=0), begins.min(axis=0)
    truest = np.argmax(stacked, axis=0)
    return 1.0 - np.prod(1.0 - stacked, axis=0), np.take_along_axis(begins, truest[None], axis=0)[0]
