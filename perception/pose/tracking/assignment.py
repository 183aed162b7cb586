"""Who is whom: the pairs of largest total likeness."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from geometry import FloatArray

Rows = NDArray[np.intp]


def assign(likeness: FloatArray, rows: Rows, columns: Rows, least: float) -> tuple[Rows, Rows]:
    """Pair rows with columns, one to one, so that the sum of their likeness is largest.

    Args:
        likeness: (P, N).
        rows: which of the P may be paired.
        columns: which of the N may be paired.
        least: pairs less alike are not made.

    Returns:
        rows and columns of the pairs, of equal length.
    """
    if not len(rows) or not len(columns):
        return rows[:0], columns[:0]
    part = likeness[np.ix_(rows, columns)]
    allowed = part >= least
    first, second = linear_sum_assignment(np.where(allowed, part, 0.0), maximize=True)
    good = allowed[first, second]
    return rows[first[good]], columns[second[good]]
