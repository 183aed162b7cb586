"""Objects told apart in one depth image: pieces of surface between depth jumps and concave creases.

Where two bodies touch, the seen surface has a concave crease (Stein et al., "Object Partitioning
using Local Convexity", CVPR 2014). A concave object may come out in two pieces; that harms little
here, as what is imagined of each is cut into convex parts anyway.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, distance_transform_edt, label, uniform_filter

from geometry import FloatArray
from perception.grasping import TableScene

_LAG_PX = 3
_CREASE_RAD = 0.6
_JUMP_M = 0.010
_LEAST_PIXELS = 25
_NORMAL_WINDOW = 5


def split_objects(scene: TableScene) -> NDArray[np.int64]:
    """(H, W) number of the object that each pixel shows, from 0 by falling size; -1 for none."""
    mask = scene.is_object
    points = np.where(mask[..., None], np.nan_to_num(scene.points), 0.0)
    core = mask & ~_borders(points, mask, scene.T_table_camera[:3, 3])
    pieces, count = label(core)
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    sizes[0] = 0
    order = np.argsort(-sizes, kind="stable")
    kept = order[sizes[order] >= _LEAST_PIXELS]
    number = np.full(count + 1, -1)
    number[kept] = np.arange(len(kept))
    return _grown(number[pieces], mask, points)


def _borders(points: FloatArray, mask: NDArray[np.bool_], eye: FloatArray) -> NDArray[np.bool_]:
    """(H, W) pixels at a depth jump or in a concave crease."""
    normals = _normals(points, mask, eye)
    jump, crease = np.zeros_like(mask), np.zeros_like(mask)
    for axis in (0, 1):
        here, there = _pair(points, 1, axis)
        both = np.logical_and(*_pair(mask, 1, axis))
        apart = both & (np.linalg.norm(there - here, axis=-1) > _JUMP_M)
        _mark(jump, apart, 1, axis)
        before, after = _pair(points, 2 * _LAG_PX, axis)
        n_before, n_after = _pair(normals, 2 * _LAG_PX, axis)
        both = np.logical_and(*_pair(mask, 2 * _LAG_PX, axis))
        along = after - before
        length = np.linalg.norm(along, axis=-1)
        bend = np.einsum("ijk,ijk->ij", n_after - n_before, along) / np.maximum(length, 1e-9)
        turn = np.linalg.norm(n_after - n_before, axis=-1)
        concave = both & (length < 2.0 * _LAG_PX * _JUMP_M) & (turn > _CREASE_RAD) & (bend < -0.5 * turn)
        middle = [slice(None)] * 2
        middle[axis] = slice(_LAG_PX, -_LAG_PX)
        crease[tuple(middle)] |= concave
    return jump | binary_dilation(crease)


def _normals(points: FloatArray, mask: NDArray[np.bool_], eye: FloatArray) -> FloatArray:
    """(H, W, 3) unit normals towards the eye, from differences of points averaged over a small window."""
    weight = uniform_filter(mask.astype(np.float64), _NORMAL_WINDOW)
    mean = np.stack([uniform_filter(points[..., k], _NORMAL_WINDOW) for k in range(3)], axis=-1)
    mean = mean / np.maximum(weight, 1e-6)[..., None]
    dv, du = np.zeros_like(mean), np.zeros_like(mean)
    dv[2:-2], du[:, 2:-2] = mean[4:] - mean[:-4], mean[:, 4:] - mean[:, :-4]
    normal = np.cross(du, dv)
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-12)
    away = np.einsum("ijk,ijk->ij", normal, eye - points) < 0.0
    return np.where(away[..., None], -normal, normal)


def _pair(image: NDArray[Any], lag: int, axis: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Views of an image and of itself `lag` pixels on along an axis, cut to what both have."""
    if axis == 0:
        return image[:-lag], image[lag:]
    return image[:, :-lag], image[:, lag:]


def _mark(image: NDArray[np.bool_], pairs: NDArray[np.bool_], lag: int, axis: int) -> None:
    """Mark both pixels of each pair."""
    for part in _pair(image, lag, axis):
        part |= pairs


def _grown(labels: NDArray[np.int64], mask: NDArray[np.bool_], points: FloatArray) -> NDArray[np.int64]:
    """The labels spread to the rest of the mask, each pixel to the nearest in the image, if it is near in space."""
    if not (labels >= 0).any():
        return np.where(mask, 0, -1)
    nearest = distance_transform_edt(labels < 0, return_distances=False, return_indices=True)
    source = tuple(nearest)
    near = np.linalg.norm(points - points[source], axis=-1) < 2.0 * _JUMP_M
    return np.asarray(np.where(mask & near, labels[source], -1))
