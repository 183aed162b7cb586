"""From the friction that each grasp needs to average precision, as GraspNet-1Billion counts it.

precision@k at friction mu is the share, among the k most confident grasps, of those that hold at mu;
AP_mu is its mean over k = 1..50, and AP the mean over six coefficients. Grasps that are missing to
50 count as failures, so that a frame without grasps has an AP of 0.
Source: Fang et al., GraspNet-1Billion, CVPR 2020, section 5.2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from geometry import FloatArray, InputError

FRICTIONS = (0.2, 0.4, 0.6, 0.8, 1.0, 1.2)
"""The friction coefficients of the protocol."""
TOP_GRASPS = 50
"""The largest k of precision@k."""
_ROUNDING = 1e-5


def precision_at_k(frictions: ArrayLike) -> FloatArray:
    """Precision of one frame's grasps.

    Args:
        frictions: (N,) smallest friction coefficient at which each grasp holds, most confident grasp
            first; inf for one that fails. Grasps after the fiftieth do not count.
    Returns:
        (50, 6) precision@k at each coefficient of `FRICTIONS`.
    """
    needed = np.full(TOP_GRASPS, np.inf)
    given = np.asarray(frictions, dtype=np.float64)
    if given.ndim != 1 or np.any(np.isnan(given)):
        raise InputError("precision_at_k", expected="frictions (N,) without NaN", got=f"shape {given.shape}")
    needed[: len(given)] = given[:TOP_GRASPS]
    holds = needed[:, None] <= np.array(FRICTIONS) + _ROUNDING
    return np.cumsum(holds, axis=0) / np.arange(1, TOP_GRASPS + 1)[:, None]


def average_precision(precision: ArrayLike, friction: float | None = None) -> float:
    """Mean of (..., 50, 6) precisions over everything, or over the one column of `friction`.

    Raises:
        InputError: if there is no precision to average, or no such column.
    """
    table = np.asarray(precision, dtype=np.float64)
    if table.size == 0 or table.shape[-2:] != (TOP_GRASPS, len(FRICTIONS)):
        raise InputError("average_precision", expected="precision (..., 50, 6), not empty", got=f"{table.shape}")
    if friction is None:
        return float(table.mean())
    if friction not in FRICTIONS:
        raise InputError("average_precision", expected=f"friction in {FRICTIONS}", got=f"{friction}")
    return float(table[..., FRICTIONS.index(friction)].mean())


def highest_precision(object_count: int, grasps_per_object: int = 10) -> FloatArray:
    """(50, 6) what a perfect planner reaches in a frame of so few objects that they cannot fill the top 50."""
    return precision_at_k(np.zeros(grasps_per_object * object_count))
