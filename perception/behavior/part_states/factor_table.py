"""Many part states of one moment at once: all their factors as one table, for streams."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from geometry import FloatArray
from perception.behavior.part_states.predicate import Predicate


class FactorTable:
    """The factors of many states, a row each.

    Args:
        states: the states.
        features: names of the columns of what will be read; every state finds its own among them.
    """

    def __init__(self, states: Sequence[Predicate], features: Sequence[str]) -> None:
        factors = [factor for state in states for factor in state.factors]
        width = max(len(factor.features) for factor in factors)
        shape = (len(factors), width)
        self.names = tuple(state.name for state in states)
        self._columns = np.zeros(shape, dtype=np.intp)
        self._centers, self._slopes, self._weights = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        for row, factor in enumerate(factors):
            filled = slice(0, len(factor.features))
            self._columns[row, filled] = [features.index(name) for name in factor.features]
            self._centers[row, filled] = factor.centers
            self._slopes[row, filled] = np.array(factor.weights) / np.array(factor.scales)
            self._weights[row, filled] = np.abs(factor.weights)
        self._biases = np.array([factor.bias for factor in factors])
        self._totals = self._weights.sum(-1)
        self._starts = np.cumsum([0, *(len(state.factors) for state in states[:-1])])

    def truths(self, values: FloatArray) -> FloatArray:
        """(P,) truth of each state, from (F,) features; as `Factor.truth` has it."""
        steps = (values[self._columns] - self._centers) * self._slopes
        known = np.isfinite(steps)
        said = expit(self._biases + np.where(known, steps, 0.0).sum(-1))
        enough = (known * self._weights).sum(-1) > 0.5 * self._totals
        return np.multiply.reduceat(np.where(enough, said, np.nan), self._starts)
