"""Grasps that have failed before go last."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from envs.clutter import Proposals, RankedGrasps
from geometry import FloatArray, rotation_angle

_SAME_PLACE_M = 0.02
_SAME_ANGLE_RAD = np.deg2rad(30.0)
_TWIN = np.diag([-1.0, -1.0, 1.0])


def untried_first(grasps: RankedGrasps, tried: Sequence[FloatArray]) -> RankedGrasps:
    """Grasps like one that has failed before go to the end; the order is kept otherwise.

    Args:
        grasps: best first, in the world.
        tried: (4, 4) each, the grasps that failed. One is like them within 2 cm and 30 degrees, its twin turned by
            180 degrees about the approach included.
    """
    poses = np.asarray(grasps.poses)
    if not tried or len(poses) == 0:
        return grasps
    failed = np.stack(tried)
    near = np.linalg.norm(poses[:, None, :3, 3] - failed[None, :, :3, 3], axis=-1) < _SAME_PLACE_M
    angle = rotation_angle(poses[:, None, :3, :3], failed[None, :, :3, :3])
    twin = rotation_angle(poses[:, None, :3, :3], failed[None, :, :3, :3] @ _TWIN)
    alike = np.any(near & (np.minimum(angle, twin) < _SAME_ANGLE_RAD), axis=1)
    order = np.argsort(alike, kind="stable")
    return Proposals(poses[order], np.asarray(grasps.widths_m)[order], np.asarray(grasps.scores)[order])
