"""Point clouds as pictures, without a graphics card: a z-buffer of square splats with shaded edges.

Shading follows eye-dome lighting: a pixel darkens with how much nearer its neighbours are, which
draws outlines and creases without normals (Boucheny 2009).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geometry import FloatArray, PinholeCamera, invert, transform_points

_MAX_SPLAT_PX = 12


def render_points(
    points_world: FloatArray,
    colors: NDArray[np.uint8],
    sizes_m: ArrayLike,
    camera: PinholeCamera,
    T_world_camera: FloatArray,
    *,
    background: tuple[int, int, int] = (255, 255, 255),
    shading: float = 25.0,
) -> NDArray[np.uint8]:
    """Draw points as squares that face the camera.

    Args:
        points_world: (N, 3) metres.
        colors: (N, 3) uint8.
        sizes_m: (N,) or one edge length, metres.
        camera: intrinsics of the picture.
        T_world_camera: (4, 4) where the picture is taken from.
        background: colour where no point falls.
        shading: strength of the eye-dome lighting; 0 leaves colours as they are.
    Returns:
        (height, width, 3) uint8.
    """
    points = transform_points(invert(T_world_camera), points_world)
    sizes = np.broadcast_to(np.asarray(sizes_m, dtype=np.float64), len(points))
    front = points[:, 2] > 0.01
    points, colors, sizes = points[front], colors[front], sizes[front]
    z = points[:, 2]
    pixels = camera.project(points)
    radius = np.clip(np.rint(0.5 * camera.fx * sizes / z), 0, _MAX_SPLAT_PX).astype(np.int64)
    depth = np.full(camera.height * camera.width, np.inf)
    image = np.empty((camera.height * camera.width, 3), dtype=np.uint8)
    image[:] = background
    reach = int(radius.max(initial=0))
    for write in (False, True):  # first the nearest depth of each pixel, then the colours that have it
        for du in range(-reach, reach + 1):
            for dv in range(-reach, reach + 1):
                wide = np.flatnonzero(radius >= max(abs(du), abs(dv)))
                column, row = np.rint(pixels[wide] + (du, dv)).astype(np.int64).T
                inside = (column >= 0) & (column < camera.width) & (row >= 0) & (row < camera.height)
                wide, flat = wide[inside], (row * camera.width + column)[inside]
                if write:
                    nearest = z[wide] <= depth[flat]
                    image[flat[nearest]] = colors[wide[nearest]]
                else:
                    np.minimum.at(depth, flat, z[wide])
    shade = _eye_dome(depth.reshape(camera.height, camera.width), shading)
    return np.asarray(image.reshape(camera.height, camera.width, 3) * shade[..., None], dtype=np.uint8)


def _eye_dome(depth: FloatArray, strength: float, reach_px: int = 2) -> FloatArray:
    """(H, W) factors in (0, 1]: 1 on flat ground, less beside something nearer."""
    seen = np.isfinite(depth)
    log_depth = np.log(np.where(seen, depth, depth[seen].max() if seen.any() else 1.0))
    padded = np.pad(log_depth, reach_px, mode="edge")
    height, width = depth.shape
    drop = np.zeros_like(depth)
    for du, dv in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1), (1, -1), (-1, 1)):
        top, left = reach_px * (1 + dv), reach_px * (1 + du)
        drop += np.clip(log_depth - padded[top : top + height, left : left + width], 0.0, 0.05)
    return np.where(seen, np.exp(-strength * drop / 8.0), 1.0)
