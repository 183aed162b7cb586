"""How much a fitted pose hangs on single samples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from geometry import FloatArray

_LEAST_SAMPLES = 5


def leave_one_out_spread(
    fit: Callable[[NDArray[np.bool_]], FloatArray], T: FloatArray, count: int
) -> tuple[FloatArray, FloatArray]:
    """Jackknife standard errors of a pose, from as many fits as there are samples.

    Args:
        fit: the pose (4, 4) from the samples that are marked.
        T: (4, 4) the pose from all samples.
        count: number of samples.
    Returns:
        (3,) mm along and (3,) degrees about the axes of the pose's parent; NaN with fewer than five samples.
    """
    if count < _LEAST_SAMPLES:
        return np.full(3, np.nan), np.full(3, np.nan)
    changes = np.empty((count, 6))
    for left_out in range(count):
        T_rest = fit(np.arange(count) != left_out)
        changes[left_out, :3] = 1e3 * (T_rest[:3, 3] - T[:3, 3])
        changes[left_out, 3:] = Rotation.from_matrix(T_rest[:3, :3] @ T[:3, :3].T).as_rotvec(degrees=True)
    error = np.sqrt((count - 1) / count * np.sum((changes - changes.mean(axis=0)) ** 2, axis=0))
    return error[:3], error[3:]
