"""The canonical view: every depth image, resampled to the one camera that the network knows.

The virtual camera stands where the real one stands, is level (its image's x axis is horizontal),
looks at the middle of the workspace, and has pixels of 2 mm there. As the eye does not move,
resampling only looks pixels up: nothing is hidden or invented, whatever the camera's intrinsics,
resolution, roll or aim.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geometry import FloatArray, InputError, PinholeCamera, transform

CANVAS = (208, 240)
"""(H, W) of the canonical image for the benchmark's 0.3 m workspace; multiples of 16."""
PIXEL_M = 0.002
"""Width of a canonical pixel at the middle of the workspace."""
TARGET_HEIGHT_M = 0.06
"""Height above the table of the point that the virtual camera looks at."""

_STEEP = 0.985  # |forward . up| above which the view counts as straight down, and the real image's x axis is kept

Float32Array = NDArray[np.float32]


def canonical_camera(
    T_table_camera: ArrayLike, center_xy: ArrayLike, canvas: tuple[int, int] = CANVAS
) -> tuple[PinholeCamera, FloatArray]:
    """The virtual camera for a real one.

    Args:
        T_table_camera: (4, 4) pose of the real camera; z of the table frame is up.
        center_xy: (2,) middle of the workspace on the table, metres.
        canvas: (H, W) of the virtual image.
    Returns:
        Its intrinsics and its pose `T_table_canonical` (4, 4).
    """
    T = np.asarray(T_table_camera, dtype=np.float64)
    eye = T[:3, 3]
    sight = np.array([*np.asarray(center_xy, dtype=np.float64), TARGET_HEIGHT_M]) - eye
    distance_m = float(np.linalg.norm(sight))
    if not distance_m > 0.05:
        raise InputError(
            "canonical_camera", expected="a camera at least 5 cm from the workspace", got=f"{distance_m:.3f} m"
        )
    forward = sight / distance_m
    level = np.cross(forward, (0.0, 0.0, 1.0))
    right = level if abs(forward[2]) < _STEEP else T[:3, 0] - forward * (T[:3, 0] @ forward)
    right = right / np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward], axis=-1)
    height, width = canvas
    focal = distance_m / PIXEL_M
    camera = PinholeCamera(width=width, height=height, fx=focal, fy=focal, cx=0.5 * (width - 1), cy=0.5 * (height - 1))
    return camera, transform(rotation, eye)


def view_rotation(T_table_canonical: ArrayLike) -> FloatArray:
    """(3, 3) `R_table_view`: x as the canonical image's x axis, made level; z up; y level, away from the camera."""
    x = np.array(np.asarray(T_table_canonical, dtype=np.float64)[:3, 0])
    x[2] = 0.0
    x /= np.linalg.norm(x)
    z = np.array([0.0, 0.0, 1.0])
    return np.stack([x, np.cross(z, x), z], axis=-1)


def resample(
    depth_m: ArrayLike,
    camera: PinholeCamera,
    T_table_camera: ArrayLike,
    canonical: PinholeCamera,
    T_table_canonical: ArrayLike,
) -> Float32Array:
    """Look a real depth image up at the canonical camera's pixels.

    Args:
        depth_m: (H, W) metres along the real camera's +z, 0 or not finite where there is no return.
        camera: the real camera's intrinsics.
        T_table_camera: (4, 4) its pose.
        canonical: the virtual camera's intrinsics.
        T_table_canonical: (4, 4) its pose; the eye is the same.
    Returns:
        (h, w) float32 metres along the virtual camera's +z, 0 where there is no return or no pixel.
        The nearest pixel is taken, since a mean across an edge would be a point in mid-air.
    """
    depth = np.asarray(depth_m, dtype=np.float32)
    camera.check_image("resample: depth_m", depth)
    rotation = (np.asarray(T_table_camera)[:3, :3].T @ np.asarray(T_table_canonical)[:3, :3]).astype(np.float32)
    rays = canonical.rays().astype(np.float32).reshape(-1, 3) @ rotation.T
    ahead = rays[:, 2] > 1e-3
    forward = np.where(ahead, rays[:, 2], 1.0)
    u = np.rint(camera.fx * rays[:, 0] / forward + camera.cx)
    v = np.rint(camera.fy * rays[:, 1] / forward + camera.cy)
    inside = ahead & (u >= 0) & (u < camera.width) & (v >= 0) & (v < camera.height)
    pixel = np.where(inside, v * camera.width + u, 0).astype(np.int64)
    seen = depth.reshape(-1)[pixel]
    good = inside & np.isfinite(seen) & (seen > 0.0)
    out = np.where(good, seen / forward, 0.0).astype(np.float32)
    return np.asarray(out.reshape(canonical.height, canonical.width))
