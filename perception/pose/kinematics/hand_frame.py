"""How a hand is turned, from its points."""

from __future__ import annotations

import numpy as np

from geometry import FloatArray
from perception.pose.kinematics.swing_twist import cross, unit
from perception.pose.skeletons import HAND21

_WRIST, _INDEX, _MIDDLE, _PINKY = (HAND21.index(joint) for joint in ("wrist", "index_mcp", "middle_mcp", "pinky_mcp"))


def hand_rotations(hand_m: FloatArray) -> FloatArray:
    """(T, 3, 3) rotations of a hand, either one, from its rest pose; NaN where wrist or knuckles are unseen.

    At rest the hand hangs, its thumb to the front: the middle knuckle is below the wrist (-z), and the line from
    the little finger's knuckle to the index finger's points forward (x). Both lines span the palm.

    Args:
        hand_m: (T, 21, 3) points of `HAND21`, metres.
    """
    z = unit(hand_m[:, _WRIST] - hand_m[:, _MIDDLE])
    across = hand_m[:, _INDEX] - hand_m[:, _PINKY]
    x = unit(across - (across * z).sum(axis=-1, keepdims=True) * z)
    rotations = np.stack([x, cross(z, x), z], axis=-1)
    return np.where(np.isfinite(rotations).all(axis=(-1, -2), keepdims=True), rotations, np.nan)
