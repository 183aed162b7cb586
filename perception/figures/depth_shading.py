"""A depth image as a picture: lit like a plaster cast, for frames without colour."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from geometry import PinholeCamera

_LIGHT = np.array([-0.35, -0.6, -0.72])
_NEAR_RGB, _FAR_RGB = np.array([246.0, 240.0, 229.0]), np.array([150.0, 170.0, 196.0])
NO_RETURN_RGB = (44, 48, 54)
"""Colour of pixels without depth."""


def shade_depth(depth_m: NDArray[np.float32], camera: PinholeCamera) -> NDArray[np.uint8]:
    """Light a depth image from above, warm where near and bluish where far.

    Args:
        depth_m: (H, W) metres, 0 where there is no return (drawn dark).
        camera: intrinsics of the image.
    Returns:
        (H, W, 3) uint8.
    """
    seen = depth_m > 0.0
    weight = uniform_filter(seen.astype(np.float64), 5)
    smooth = np.where(seen, uniform_filter(np.where(seen, depth_m, 0.0), 5) / np.maximum(weight, 1e-6), 0.0)
    points = camera.rays() * smooth[..., None]
    normals = np.cross(np.gradient(points, axis=0), np.gradient(points, axis=1))
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-12)
    light = 0.35 + 0.65 * np.abs(normals @ (_LIGHT / np.linalg.norm(_LIGHT)))
    near, far = np.percentile(depth_m[seen], [2, 98]) if seen.any() else (0.0, 1.0)
    fraction = np.clip((depth_m - near) / max(far - near, 1e-6), 0.0, 1.0)[..., None]
    picture = (_NEAR_RGB * (1.0 - fraction) + _FAR_RGB * fraction) * light[..., None]
    return np.where(seen[..., None], picture, NO_RETURN_RGB).astype(np.uint8)
