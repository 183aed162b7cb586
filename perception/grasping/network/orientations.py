"""The orientations and depths that the network chooses from.

GraspNet's grid (Fang et al., CVPR 2020) has 300 approach views over the whole sphere and 12
angles. Nobody grasps a thing on a table from below, so ours has 36 directions, spread evenly over
the downward half, and 8 angles over half a turn (the hand's other half is the same grasp): steps
of about 24 degrees, which centring and the evaluator's search around a grasp refine.
"""

from __future__ import annotations

import numpy as np

from geometry import FloatArray

APPROACHES = 36
"""Approach directions."""
ANGLES = 8
"""Turns about the approach, over half a turn."""
DEPTHS_M = np.array([-0.005, 0.005, 0.015, 0.028])
"""(4,) how far the fingertips reach beyond the seen surface, metres."""

_HIGHEST = 0.05  # z of the flattest approach direction
_GOLDEN = np.pi * (3.0 - np.sqrt(5.0))


def _approaches() -> FloatArray:
    """(36, 3) unit vectors of equal area on the cap from straight down to level: a Fibonacci lattice."""
    number = np.arange(APPROACHES)
    z = -1.0 + (1.0 + _HIGHEST) * (number + 0.5) / APPROACHES
    radius, turn = np.sqrt(1.0 - z**2), _GOLDEN * number
    return np.stack([radius * np.cos(turn), radius * np.sin(turn), z], axis=-1)


def _orientations() -> FloatArray:
    """(288, 3, 3) with the closing direction level at angle 0."""
    z = _approaches()[:, None]
    level = np.cross(z, (0.0, 0.0, 1.0))
    level /= np.linalg.norm(level, axis=-1, keepdims=True)
    other = np.cross(z, level)
    turn = (np.arange(ANGLES) * np.pi / ANGLES)[None, :, None]
    y = np.cos(turn) * level + np.sin(turn) * other
    z = np.broadcast_to(z, y.shape)
    return np.stack([np.cross(y, z), y, z], axis=-1).reshape(-1, 3, 3)


ORIENTATIONS = _orientations()
"""(288, 3, 3) `R_view_grasp`, indexed approach * 8 + angle; the view frame is that of `view_rotation`."""
ORIENTATIONS.flags.writeable = False
DEPTHS_M.flags.writeable = False
