"""How a hand speeds up and slows down: minimum-jerk moves.

Source: Flash and Hogan, "The coordination of arm movements", J. Neuroscience 1985, equation 4: of all moves that begin
and end at rest, the one with the least jerk covers the share 10 t^3 - 15 t^4 + 6 t^5 of its way.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation

from geometry import FloatArray, transform

PEAK_SPEED = 1.875
"""Largest speed of a minimum-jerk move in units of its mean speed, reached halfway."""


def minimum_jerk(progress: ArrayLike) -> FloatArray:
    """Share of the way that is behind, from 0 to 1, for the share of the time; before and after, at rest."""
    t = np.clip(np.asarray(progress, dtype=np.float64), 0.0, 1.0)
    share: FloatArray = t**3 * (10.0 - 15.0 * t + 6.0 * t * t)
    return share


def between(T_start: FloatArray, T_end: FloatArray, share: FloatArray) -> FloatArray:
    """(T, 4, 4) poses on the straight way between two, turned about one axis.

    Args:
        T_start: (4, 4).
        T_end: (4, 4).
        share: (T,) of the way, 0 to 1.
    """
    turn = Rotation.from_matrix(T_start[:3, :3].T @ T_end[:3, :3]).as_rotvec()
    rotations = T_start[:3, :3] @ Rotation.from_rotvec(share[:, None] * turn).as_matrix()
    return transform(rotations, T_start[:3, 3] + share[:, None] * (T_end - T_start)[:3, 3])
