"""The grid of grasps that GraspNet-1Billion tries at every point: 300 views x 12 angles x 4 depths.

Its frame is GraspNet's: x approach, y closing direction, z across. A view points from the object to
where the hand comes from, so that the approach is its opposite; the closing direction at angle 0
is level, and the hand then turns about its approach. The grasp point is the surface point itself,
and the fingertips lie `depth` beyond it along the approach.
"""

from __future__ import annotations

import numpy as np

from geometry import FloatArray

VIEWS, ANGLES = 300, 12
DEPTHS_M = (0.01, 0.02, 0.03, 0.04)
"""How far the tips reach beyond the point."""
ANGLES_RAD = np.arange(ANGLES) * (np.pi / ANGLES)
"""(12,) in-plane angles."""


def views() -> FloatArray:
    """(300, 3) unit vectors spread over the sphere by the golden ratio, from -z to +z."""
    turns = np.arange(VIEWS) * (np.sqrt(5.0) - 1.0) / 2.0
    z = (2.0 * np.arange(VIEWS) + 1.0) / VIEWS - 1.0
    radius = np.sqrt(1.0 - z**2)
    return np.stack([radius * np.cos(2.0 * np.pi * turns), radius * np.sin(2.0 * np.pi * turns), z], axis=-1)


def rotations() -> FloatArray:
    """(300, 12, 3, 3) `R_object_grasp` of every view and angle; the columns are approach, closing, across."""
    x = -views()
    y = np.stack([-x[:, 1], x[:, 0], np.zeros(VIEWS)], axis=-1)
    y /= np.linalg.norm(y, axis=-1, keepdims=True)  # no view of the 300 is vertical
    z = np.cross(x, y)
    cos, sin = np.cos(ANGLES_RAD)[:, None], np.sin(ANGLES_RAD)[:, None]
    turned_y = y[:, None] * cos + z[:, None] * sin
    turned_z = z[:, None] * cos - y[:, None] * sin
    return np.stack([np.broadcast_to(x[:, None], turned_y.shape), turned_y, turned_z], axis=-1)
