"""From what the search found to what a robot is told: widths, limits of the hand, ranking, one of each kind."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from geometry import PANDA_HAND, FloatArray, GripperSpec, InputError
from perception.grasping.grasps import Grasps
from perception.grasping.network.hand_room import Tolerance, points_in_hand
from perception.grasping.network.search import Found

_OPENING_MARGIN_M = 0.01
_COM_M = 0.05
_LEAST_HIT = 2


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """How grasps are ranked and thinned out."""

    stability_weight: float = 0.0
    """Share of its probability that a grasp loses in the ranking when it holds a thing 5 cm beside the centre
    of mass, 0 to 1; the scores themselves stay probabilities."""
    width_margin_m: float = 0.004
    """How much wider than the object the hand must be able to open."""
    check_collisions: bool = True
    """Whether grasps at which the open hand would touch what was seen are left out, while there are others."""
    tolerance: Tolerance = field(default_factory=Tolerance)
    """How deep in the hand a seen point may be and still count as noise."""
    checked: int = 100
    """How many of the best grasps are checked, and at most returned, where collisions are checked."""
    spacing_m: float = 0.015
    """Of grasps closer than this ..."""
    spacing_rad: float = 0.4
    """... and turned less than this against each other, the best one stays."""

    def __post_init__(self) -> None:
        if not (0.0 <= self.stability_weight <= 1.0 and self.width_margin_m >= 0.0):
            raise InputError("Ranking", expected="stability_weight from 0 to 1, margins of at least 0", got=f"{self}")
        if not (self.spacing_m > 0.0 and self.spacing_rad > 0.0):
            raise InputError("Ranking", expected="spacings above 0", got=f"{self}")


def ranked(found: Found, ranking: Ranking, gripper: GripperSpec = PANDA_HAND) -> Grasps:
    """Grasps of the table frame, best first, those too wide for the hand left out."""
    probability = found.probability.double().cpu().numpy()
    width, com = found.width_m.double().cpu().numpy(), found.com_m.double().cpu().numpy()
    merit = probability * (1.0 - ranking.stability_weight * np.minimum(np.abs(com) / _COM_M, 1.0))
    order = np.argsort(-merit, kind="stable")
    order = order[width[order] <= gripper.max_width_m - ranking.width_margin_m]
    return Grasps(
        poses=orthonormal(found.poses.double().cpu().numpy()[order]),
        widths_m=np.clip(width[order] + _OPENING_MARGIN_M, 0.0, gripper.max_width_m),
        scores=probability[order],
        frame="table",
    )


def free_of(grasps: Grasps, points: NDArray[np.float32], ranking: Ranking, gripper: GripperSpec) -> Grasps:
    """Those of the best grasps at which the open hand touches none of the points (P, 3), seen in the same frame."""
    best = grasps[: ranking.checked]
    if not (ranking.check_collisions and len(best) and len(points)):
        return grasps
    return best[points_in_hand(best.poses, points, gripper, ranking.tolerance) < _LEAST_HIT]


def one_of_each(grasps: Grasps, ranking: Ranking, count: int) -> Grasps:
    """The first `count` grasps that no earlier one lies close to; the order stays."""
    R, position = grasps.poses[:, :3, :3], grasps.positions
    kept: list[int] = []
    alive = np.ones(len(grasps), dtype=bool)
    least = np.cos(ranking.spacing_rad)
    for i in range(len(grasps)):
        if not alive[i]:
            continue
        kept.append(i)
        if len(kept) == count:
            break
        x, y, z = np.einsum("ab,kab->bk", R[i], R[i + 1 :])
        turned = 0.5 * (np.maximum(x + y + z, z - x - y) - 1.0) > least
        near = np.square(position[i + 1 :] - position[i]).sum(axis=1) < ranking.spacing_m**2
        alive[i + 1 :] &= ~(turned & near)
    return grasps[kept]


def orthonormal(poses: FloatArray) -> FloatArray:
    """Poses (N, 4, 4) whose rotations, made in single precision, are put right to double precision."""
    z = poses[:, :3, 2] / np.linalg.norm(poses[:, :3, 2], axis=1, keepdims=True)
    y = poses[:, :3, 1] - z * np.einsum("nk,nk->n", z, poses[:, :3, 1])[:, None]
    y /= np.linalg.norm(y, axis=1, keepdims=True)
    out = poses.copy()
    out[:, :3, :3] = np.stack([np.cross(y, z), y, z], axis=-1)
    return out
