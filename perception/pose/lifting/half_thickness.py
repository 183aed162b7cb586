"""How deep joints lie under the skin that a camera sees.

A camera sees the near side of a limb; the joint's centre is half a limb deeper. Seen from all around, half the width
of a convex outline is girth / (2 pi) in the mean (Cauchy's formula), so girths tell how deep. They come from 507
active adults, 171.1 cm tall in the mean: Heinz, Peterson, Johnson and Kerk, "Exploring Relationships in Body
Dimensions", Journal of Statistics Education 11(2), 2003. Means in cm: wrist 16.1, ankle 22.2, knee 36.2, forearm 25.9
(for the elbow), upper arm 31.2 (for the shoulder), thigh 56.9 (for the hip), hips 96.7 (for the pelvis), waist 77.0
(for the spine), chest 93.3; for the neck, which lies between the shoulders, half of the chest's depth of 19.2. What was
not measured there (head, feet) is left on the skin, where eyes, ears and nose are anyway.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray
from perception.pose.skeletons import Skeleton

STATURE_M = 1.711
"""Mean of the people measured; stands in where no limb of a person is seen."""
_STATURES_M = (0.9, 2.2)

_GIRTHS_M = {
    "pelvis": 0.967, "spine": 0.770, "chest": 0.933, "hip": 0.569, "knee": 0.362, "ankle": 0.222,
    "shoulder": 0.312, "elbow": 0.259, "wrist": 0.161,
}  # fmt: skip
_CHEST_DEPTH_M = 0.192
HALF_THICKNESS = {joint: girth / (2.0 * np.pi * STATURE_M) for joint, girth in _GIRTHS_M.items()} | {
    "neck": 0.5 * _CHEST_DEPTH_M / STATURE_M
}
"""Share of the stature by joint, of either side."""

_LIMBS = (
    ("{}_shoulder", "{}_elbow", 0.186),
    ("{}_elbow", "{}_wrist", 0.146),
    ("{}_hip", "{}_knee", 0.245),
    ("{}_knee", "{}_ankle", 0.246),
)
"""Lengths in statures: Drillis and Contini 1966, as in Winter 2009, figure 4.1."""


@lru_cache(maxsize=64)
def half_thickness(skeleton: Skeleton) -> FloatArray:
    """(K,) how deep each joint lies, in statures; 0 for joints that are not known."""
    names = (joint.removeprefix("left_").removeprefix("right_") for joint in skeleton.joints)
    return np.array([HALF_THICKNESS.get(name, 0.0) for name in names])


def stature_m(points_m: FloatArray, skeleton: Skeleton) -> float:
    """Metres, by the median of the limbs that are seen.

    Args:
        points_m: (K, 3); NaN where unseen.
        skeleton: which joints these are.
    """
    limbs, shares = _limbs(skeleton)
    lengths = np.sqrt(((points_m[limbs[:, 0]] - points_m[limbs[:, 1]]) ** 2).sum(axis=-1))
    seen = np.isfinite(lengths)
    found = float(np.median(lengths[seen] / shares[seen])) if seen.any() else STATURE_M
    return float(np.clip(found, *_STATURES_M))


@lru_cache(maxsize=64)
def _limbs(skeleton: Skeleton) -> tuple[NDArray[np.intp], FloatArray]:
    """(N, 2) rows of the ends of the limbs that the skeleton has, and (N,) their lengths in statures."""
    found = [
        (skeleton.index(start.format(side)), skeleton.index(end.format(side)), share)
        for start, end, share in _LIMBS
        for side in ("left", "right")
        if skeleton.has(start.format(side), end.format(side))
    ]
    return np.array([limb[:2] for limb in found], dtype=np.intp).reshape(-1, 2), np.array([limb[2] for limb in found])


def deeper(points_m: FloatArray, depth_m: FloatArray) -> FloatArray:
    """Points (..., 3) of the camera's frame moved away from it by `depth_m` (...) along their lines of sight."""
    away = np.sqrt((points_m**2).sum(axis=-1))
    return np.asarray(points_m * (1.0 + depth_m / away)[..., None])
