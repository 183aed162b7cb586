"""Samples that do not belong with the others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from geometry import FloatArray

_CHANCE = 1e-3
"""Chance that a set of good samples loses one."""
_MUCH_MM = 15.0


def robust_sigma(lengths: FloatArray, used: NDArray[np.bool_]) -> float:
    """Noise along one axis, from the median length of 3-vectors; at least a millionth, for perfect data."""
    return max(float(np.median(lengths[used])) / float(np.sqrt(chi2.median(3))), 1e-6)


def find_outliers(*lengths: FloatArray) -> NDArray[np.bool_]:
    """(n,) which samples lie beyond what normal noise explains.

    Args:
        lengths: (n,) of 3-vectors each (displacements, turns), in any unit.
    """
    everyone = np.ones(len(lengths[0]), dtype=bool)
    squares = sum((each / robust_sigma(each, everyone)) ** 2 for each in lengths)
    return np.asarray(squares > chi2.isf(_CHANCE / len(everyone), 3 * len(lengths)))


def doubts(mm: FloatArray, is_outlier: NDArray[np.bool_]) -> tuple[str, ...]:
    """A line where the samples that were used do not fit together at all; residuals (n,) in mm."""
    rms = float(np.sqrt(np.mean(mm[~is_outlier] ** 2)))
    if rms < _MUCH_MM:
        return ()
    return (
        f"residuals of {rms:.0f} mm are far more than a robot's and a camera's errors: check the setup (eye-in-hand "
        "or eye-to-hand), the units, and that poses, images and points belong together",
    )
