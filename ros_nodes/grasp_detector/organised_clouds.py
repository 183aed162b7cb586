"""The depth image that a camera made an organised cloud of, found again from the points alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, PinholeCamera

_LEAST_POINTS = 100
_LEAST_SLOPE = 1e-3
_WITHIN_PX = 0.25


class ImageOfCloud(NamedTuple):
    """A depth image and its intrinsics."""

    depth_m: NDArray[np.float32]
    """(H, W) metres along +z, 0 where there is no point."""
    camera: PinholeCamera
    """The pinhole that all points agree with."""


def image_of_cloud(grid: FloatArray) -> ImageOfCloud | None:
    """The depth image behind an organised cloud; None where the points are not in the rows and columns of a pinhole.

    A pinhole's pixel in column u sees x / z = (u - cx) / fx, and likewise for rows: straight lines, which are fitted.
    Each point must then lie within a quarter of a pixel of its own place; so clouds in another frame than the optical
    one, of a turning laser or of a lens with distortion give None.

    Args:
        grid: (H, W, 3) metres; NaN, infinite or at z = 0 where there is no return.
    """
    height, width = grid.shape[:2]
    x, y, z = grid[..., 0], grid[..., 1], grid[..., 2]
    seen = np.isfinite(x) & np.isfinite(y) & np.isfinite(z) & (z != 0.0)
    depth = z[seen]
    if min(height, width) < 2 or len(depth) < _LEAST_POINTS or depth.min() < 0.0:
        return None
    columns = np.broadcast_to(np.arange(float(width)), seen.shape)[seen]
    rows = np.broadcast_to(np.arange(float(height))[:, None], seen.shape)[seen]
    across, down = _line(x[seen] / depth, columns), _line(y[seen] / depth, rows)
    if across is None or down is None:
        return None
    image = np.zeros((height, width), dtype=np.float32)
    image[seen] = depth
    (fx, cx), (fy, cy) = across, down
    return ImageOfCloud(image, PinholeCamera(width=width, height=height, fx=fx, fy=fy, cx=cx, cy=cy))


def _line(slopes: FloatArray, pixels: FloatArray) -> tuple[float, float] | None:
    """Focal length and centre that put every slope into its pixel; None where there are none such."""
    middle, place = slopes.mean(), pixels.mean()
    away = slopes - middle
    spread = float(np.dot(away, away)) / len(away)
    if spread < _LEAST_SLOPE**2:
        return None
    focal = float(np.dot(away, pixels)) / (len(away) * spread)
    centre = float(place - focal * middle)
    if focal <= 0.0 or np.abs(focal * slopes + (centre - pixels)).max() > _WITHIN_PX:
        return None
    return focal, centre
