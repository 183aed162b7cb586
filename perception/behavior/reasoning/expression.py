"""The condition of a rule as a tree: predicates joined by logic and by time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class Operator(Enum):
    """What a node of a condition does; the value is how it is written."""

    IS = ""
    NOT = "NOT"
    AND = "AND"
    OR = "OR"
    FOR = "for"
    THEN = "then"
    WHILE = "while"
    UNTIL = "until"

    @property
    def has_memory(self) -> bool:
        """Whether its truth at a moment depends on earlier moments."""
        return self in (Operator.FOR, Operator.THEN, Operator.WHILE, Operator.UNTIL)


@dataclass(frozen=True)
class Expression:
    """One node of a condition. Written out by `str`, read by `parse_condition`; both ways give the same tree."""

    operator: Operator
    """What joins the parts."""
    parts: tuple[Expression, ...] = ()
    """What is joined; empty where a predicate is named."""
    name: str = ""
    """The predicate, where the operator is IS."""
    seconds: float = 0.0
    """Shortest duration of FOR, longest pause of THEN."""

    def __str__(self) -> str:
        if self.operator is Operator.IS:
            return self.name
        inner = [f"({part})" if _needs_brackets(self, part) else str(part) for part in self.parts]
        if self.operator is Operator.NOT:
            return f"NOT {inner[0]}"
        if self.operator is Operator.FOR:
            return f"{inner[0]} for {_written(self.seconds)} s"
        if self.operator is Operator.THEN:
            return f"{inner[0]} then {inner[1]} within {_written(self.seconds)} s"
        return f" {self.operator.value} ".join(inner)

    @property
    def has_memory(self) -> bool:
        """Whether its truth at a moment depends on earlier moments."""
        return self.operator.has_memory or any(part.has_memory for part in self.parts)

    def literals(self, negated: bool = False) -> Iterator[tuple[str, bool]]:
        """The predicates in it, from left to right, each with whether it must be false rather than true."""
        if self.operator is Operator.IS:
            yield self.name, negated
            return
        for number, part in enumerate(self.parts):
            ends_it = self.operator is Operator.UNTIL and number == 1
            yield from part.literals(negated != (self.operator is Operator.NOT or ends_it))

    def normal_form(self) -> Expression:
        """The same with NOT drawn inward through AND, OR and NOT, as far as predicates and operators over time.

        With the product and the noisy-OR De Morgan's laws hold exactly; what changes is only that a predicate
        that nobody could see stays unproven under NOT as well.
        """
        parts = tuple(part.normal_form() for part in self.parts)
        if self.operator is not Operator.NOT:
            return Expression(self.operator, parts, self.name, self.seconds)
        inner = parts[0]
        if inner.operator is Operator.NOT:
            return inner.parts[0]
        if inner.operator in (Operator.AND, Operator.OR):
            other = Operator.OR if inner.operator is Operator.AND else Operator.AND
            return Expression(other, tuple(Expression(Operator.NOT, (part,)).normal_form() for part in inner.parts))
        return Expression(Operator.NOT, parts)


_BINDING = {
    Operator.THEN: 1,
    Operator.WHILE: 2,
    Operator.UNTIL: 2,
    Operator.OR: 3,
    Operator.AND: 4,
    Operator.FOR: 5,
    Operator.NOT: 6,
    Operator.IS: 7,
}
"""How tightly an operator holds its parts together; the tighter needs no brackets inside the looser."""


def _needs_brackets(outer: Expression, inner: Expression) -> bool:
    loose, tight = _BINDING[inner.operator], _BINDING[outer.operator]
    first_of_then = outer.operator is Operator.THEN is inner.operator and inner is outer.parts[0]
    nested_not = outer.operator is Operator.NOT is inner.operator
    return loose <= tight and not first_of_then and not nested_not


def _written(seconds: float) -> str:
    return f"{seconds:.6f}".rstrip("0").rstrip(".")
