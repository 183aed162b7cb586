"""The hand of the GraspNet-1Billion protocol as boxes, and what points of the scene lie in them.

In the grasp frame (origin midway between the fingertips, +z approach, +y closing) two fingers 1 cm
thick stand outside the opening, from the tips to 2 cm behind the grasp point, and a palm 1 cm thick
closes them off; everything is 2 cm broad. The grasp point lies `depth` behind the tips.
Source: the sizes are those of the protocol's evaluation.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geometry import FloatArray, invert, transform_points

BREADTH_M = 0.02
"""Extent of the hand along x."""
FINGER_M = 0.01
"""Thickness of a finger along y, and of the palm along z."""
BASE_M = 0.02
"""From the grasp point back to the palm's surface."""


class HandCounts(NamedTuple):
    """For N hands, how many points lie where."""

    touching: NDArray[np.int64]
    """(N,) in the fingers or in the palm."""
    inside: NDArray[np.int64]
    """(N,) between the fingers."""


def count_points(poses: FloatArray, widths_m: FloatArray, depths_m: FloatArray, points: cKDTree) -> HandCounts:
    """Count the points in the boxes of hands.

    Args:
        poses: (N, 4, 4) grasp poses in the frame of the points.
        widths_m: (N,) openings.
        depths_m: (N,) from the grasp point to the tips.
        points: tree over (M, 3) points of the scene, metres.
    """
    cloud = np.asarray(points.data)
    touching, inside = np.zeros(len(poses), dtype=np.int64), np.zeros(len(poses), dtype=np.int64)
    for i, (pose, width, depth) in enumerate(zip(poses, widths_m, depths_m, strict=True)):
        length, outer = depth + BASE_M + FINGER_M, 0.5 * width + FINGER_M
        middle = pose[:3, 3] - 0.5 * length * pose[:3, 2]
        near = points.query_ball_point(middle, np.linalg.norm([0.5 * length, outer, 0.5 * BREADTH_M]))
        x, y, z = transform_points(invert(pose), cloud[near]).T
        beam, y = np.abs(x) < 0.5 * BREADTH_M, np.abs(y)
        between_palm_and_tips = beam & (z > -(depth + BASE_M)) & (z < 0.0)
        fingers = between_palm_and_tips & (y > 0.5 * width) & (y < outer)
        palm = beam & (z > -length) & (z < -(depth + BASE_M)) & (y < outer)
        touching[i] = np.count_nonzero(fingers | palm)
        inside[i] = np.count_nonzero(between_palm_and_tips & (y <= 0.5 * width))
    return HandCounts(touching, inside)
