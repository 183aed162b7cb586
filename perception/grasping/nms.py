"""Non-maximum suppression of grasps by the distance between their poses."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from geometry import InputError
from perception.grasping.grasps import Grasps


def suppress_duplicates(grasps: Grasps, *, distance_m: float = 0.03, angle_rad: float = float(np.pi / 6)) -> Grasps:
    """Keep, best first, each grasp that no better kept one lies close to.

    Two grasps are close when their positions differ by less than `distance_m` and their rotations
    by less than `angle_rad`. A grasp turned by 180 degrees about its approach axis swaps the
    fingers and is the same grasp, so that the smaller of the two angles counts.

    Args:
        grasps: any order.
        distance_m: above 0, metres.
        angle_rad: above 0; GraspNet uses 30 degrees and 0.03 m.
    """
    if not (distance_m > 0.0 and angle_rad > 0.0):
        raise InputError(
            "suppress_duplicates", expected="distance_m and angle_rad above 0", got=f"{distance_m} and {angle_rad}"
        )
    ranked = grasps.sorted()
    if len(ranked) < 2:
        return ranked
    alive = np.ones(len(ranked), dtype=bool)
    neighbours = cKDTree(ranked.positions).query_ball_point(ranked.positions, distance_m)
    for i, near in enumerate(neighbours):
        if not alive[i]:
            continue
        later = np.array([j for j in near if j > i and alive[j]], dtype=np.int64)
        apart = np.linalg.norm(ranked.positions[later] - ranked.positions[i], axis=-1)
        alive[later[(apart < distance_m) & (_angle_to(ranked, i, later) < angle_rad)]] = False
    return ranked[alive]


def _angle_to(grasps: Grasps, i: int, others: np.ndarray) -> np.ndarray:
    """(K,) smallest rotation from grasp `i` to `others` or to their 180-degree twins, radians."""
    axes = np.einsum("ab,kab->kb", grasps.poses[i, :3, :3], grasps.poses[others, :3, :3])
    x, y, z = axes.T
    cosine = 0.5 * (np.maximum(x + y + z, z - x - y) - 1.0)
    return np.arccos(np.clip(cosine, -1.0, 1.0))
