"""Where a box meets the rays of a pinhole camera, without a search tree.

A table top fills most of an image. Its depth has a closed form, so the ray casting camera
spends its rays only where something else may stand.
Source: the slab method, Kay and Kajiya, "Ray tracing complex scenes", SIGGRAPH 1986.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, PinholeCamera, invert

Image = NDArray[np.float32]


class BoxHits(NamedTuple):
    """What each pixel sees of one box."""

    depth_m: Image
    """(H, W) metres along +z; inf where the ray misses."""
    normals_camera: Image | None
    """(H, W, 3) unit normals of the faces, towards the camera; zeros where the ray misses."""


def box_hits(
    camera: PinholeCamera,
    T_camera_box: FloatArray,
    half_extents_m: tuple[float, float, float],
    near_m: float,
    *,
    normals: bool = True,
) -> BoxHits:
    """Meet a box with one ray per pixel, which starts where z = near_m and sees faces from both sides."""
    lower, upper = _slab_depths(camera, T_camera_box, half_extents_m)
    first = [np.fmin(a, b) for a, b in zip(lower, upper, strict=True)]
    last = [np.fmax(a, b) for a, b in zip(lower, upper, strict=True)]
    enter = np.fmax(np.fmax(first[0], first[1]), first[2])
    leave = np.fmin(np.fmin(last[0], last[1]), last[2])
    depth = np.where(enter < near_m, leave, enter)
    depth[(leave < enter) | (leave < near_m)] = np.inf
    return BoxHits(depth, _normals(depth, enter, lower, upper, T_camera_box[:3, :3]) if normals else None)


def _slab_depths(
    camera: PinholeCamera, T_camera_box: FloatArray, half_extents_m: tuple[float, float, float]
) -> tuple[list[Image], list[Image]]:
    """Depth (H, W) of the three planes at the lower and the three at the upper ends of the box's axes."""
    T_box_camera = invert(T_camera_box)
    u = (np.arange(camera.width) - camera.cx) / camera.fx
    v = (np.arange(camera.height) - camera.cy) / camera.fy
    lower, upper = [], []
    with np.errstate(divide="ignore", invalid="ignore"):
        for (rx, ry, rz, origin), half in zip(T_box_camera[:3], half_extents_m, strict=True):
            along = (u * rx).astype(np.float32) + (v * ry + rz).astype(np.float32)[:, None]
            inverse = np.reciprocal(along, out=along)
            lower.append(np.float32(-half - origin) * inverse)
            upper.append(np.float32(half - origin) * inverse)
    return lower, upper


def _normals(depth: Image, enter: Image, lower: list[Image], upper: list[Image], R_camera_box: FloatArray) -> Image:
    """Normals (H, W, 3) of the faces that stand at `depth`."""
    face = np.full(depth.shape, 6, np.intp)
    for axis in (2, 1, 0):
        face[depth == lower[axis]] = axis
        face[depth == upper[axis]] = axis + 3
    face[np.isinf(depth)] = 6
    outward = np.concatenate([-R_camera_box.T, R_camera_box.T, np.zeros((1, 3))]).astype(np.float32)
    table = np.concatenate([outward, -outward])  # seen from within, faces turn their inner side
    inside = depth > enter
    inside &= face < 6
    if inside.any():
        face[inside] += 7
    return table[face]
