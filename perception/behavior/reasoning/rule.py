"""One rule: a behaviour, the condition that speaks for it, and how much that counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geometry import InputError
from perception.behavior.reasoning.expression import Expression


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`behavior <- when`, with a weight."""

    behavior: str
    """What it tells of, such as "drink_with"."""
    when: Expression
    """Its condition."""
    weight: float = 1.0
    """In a rule book: probability of the behaviour where the condition is true. In a model: log-odds it adds."""
    name: str = ""
    """What the rule is called in explanations; empty: its behaviour's name."""
    support: int = 0
    """Examples it was mined from: with the condition and the behaviour; 0 where a person wrote it."""
    confidence: float = float("nan")
    """Share of the examples with the condition that have the behaviour; NaN where a person wrote it."""
    lift: float = float("nan")
    """Confidence over the share of all examples that have the behaviour; NaN where a person wrote it."""

    def __post_init__(self) -> None:
        if not self.behavior:
            raise InputError("Rule", expected="a behaviour's name", got="none")
        if not np.isfinite(self.weight):
            raise InputError(f"rule {self.title}", expected="a finite weight", got=f"{self.weight}")

    @property
    def title(self) -> str:
        """Its name, or its behaviour's."""
        return self.name or self.behavior

    def __str__(self) -> str:
        return f"{self.behavior} <- {self.when}"
