"""The depths that each joint may have: the layers in a small patch of the depth image around its pixel.

A patch on a limb's edge holds the limb, what is behind it, and false depths in between where the camera mixed the
two. Those are dropped first: a sample whose two neighbours, left and right or above and below, are both far from
it, one nearer and one further. The rest is sorted by depth and cut where a gap is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, PinholeCamera
from perception.pose.lifting.lift_config import LiftConfig

LAYERS = 3
_HALF = 5
_OFFSETS = np.stack(np.meshgrid(*2 * [np.arange(-_HALF, _HALF + 1)]), axis=-1).reshape(-1, 2)
"""(S, 2) columns and rows of a patch's samples, in steps from its middle."""
_MOST_CLUSTERS = 8
_FEWEST_SAMPLES = 3
_SEARCH_STEP_PX = 2.0
_RADIUS_PX = (2.0, 40.0)
_NEAREST_RANK = 5
_NEARNESS = 0.3
_GAP_GROWTH = 0.01
"""Of the gap between layers, with the square of the depth: about five times the noise of depth cameras."""


class DepthLayers(NamedTuple):
    """Candidates of each joint, near to far."""

    points_m: FloatArray
    """(K, LAYERS, 3) metres in the camera's frame, on the joint's line of sight; NaN where there are fewer."""
    off_center: FloatArray
    """(K, LAYERS) distance of the layer's nearest sample from the joint's pixel, in half patches."""


def find_depth_layers(
    pixels: FloatArray, inside: NDArray[np.bool_], depth_m: FloatArray, camera: PinholeCamera, config: LiftConfig
) -> DepthLayers:
    """Layers of every joint.

    Args:
        pixels: (K, 2) column and row; anything finite where not inside.
        inside: (K,) which joints are in the image.
        depth_m: (H, W) metres; 0 or NaN without return.
        camera: its intrinsics.
        config: patch size and gaps.
    """
    radius = _patch_radius(pixels, depth_m, camera, config)
    columns, rows = _samples(pixels, radius / _HALF)
    depth = _at(depth_m, rows, columns)
    gap = config.layer_gap_m + _GAP_GROWTH * np.nan_to_num(depth) ** 2
    depth = np.where(_is_mixed(depth, depth_m, rows, columns, gap), np.nan, depth)
    depth[~inside] = np.nan
    away = np.linalg.norm(np.stack([columns, rows], axis=-1) - pixels[:, None], axis=-1) / radius[:, None]
    chosen, off_center = _cut(depth, away, gap, config)
    rays = np.stack(
        [(pixels[:, 0] - camera.cx) / camera.fx, (pixels[:, 1] - camera.cy) / camera.fy, np.ones(len(pixels))], axis=-1
    )
    return DepthLayers(chosen[..., None] * rays[:, None], off_center)


def _patch_radius(pixels: FloatArray, depth_m: FloatArray, camera: PinholeCamera, config: LiftConfig) -> FloatArray:
    """(K,) half size of each patch in pixels, from about the nearest depth around."""
    columns, rows = _samples(pixels, np.full(len(pixels), _SEARCH_STEP_PX))
    depth = _at(depth_m, rows, columns)
    near = np.partition(np.where(np.isfinite(depth), depth, np.inf), _NEAREST_RANK, axis=1)[:, _NEAREST_RANK]
    return np.asarray(np.clip(camera.fx * config.radius_m / near, *_RADIUS_PX))


def _samples(pixels: FloatArray, step_px: FloatArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(K, S) columns and rows of a square grid about each pixel."""
    places = np.rint(pixels[:, None] + _OFFSETS * step_px[:, None, None]).astype(np.int64)
    return places[..., 0], places[..., 1]


def _at(depth_m: FloatArray, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> FloatArray:
    """Depth there; NaN outside of the image and without return."""
    height, width = depth_m.shape
    near_rows = np.minimum(np.maximum(rows, 0), height - 1)
    near_columns = np.minimum(np.maximum(columns, 0), width - 1)
    found = np.take(depth_m, near_rows * width + near_columns).astype(float)
    valid = (near_rows == rows) & (near_columns == columns) & (found > 0.0) & (found < np.inf)
    return np.where(valid, found, np.nan)


def _is_mixed(
    depth: FloatArray, depth_m: FloatArray, rows: NDArray[np.int64], columns: NDArray[np.int64], gap: FloatArray
) -> NDArray[np.bool_]:
    """Which samples lie in the air between a near and a far surface."""
    mixed = np.zeros(depth.shape, dtype=bool)
    for down, right in ((0, 1), (1, 0)):
        before = _at(depth_m, rows - down, columns - right) - depth
        after = _at(depth_m, rows + down, columns + right) - depth
        mixed |= (before * after < 0.0) & (np.minimum(np.abs(before), np.abs(after)) > gap)
    return mixed


def _cut(depth: FloatArray, away: FloatArray, gap: FloatArray, config: LiftConfig) -> tuple[FloatArray, FloatArray]:
    """(K, LAYERS) depth of each layer, as it is about the joint's pixel, and how far from the pixel it begins."""
    order = np.argsort(depth, axis=1)  # NaN last
    depth, away, gap = (np.take_along_axis(values, order, axis=1) for values in (depth, away, gap))
    valid = np.isfinite(depth)
    steps = np.diff(depth, axis=1, prepend=depth[:, :1]) > gap
    cluster = np.cumsum(steps, axis=1)
    fewest = np.maximum(_FEWEST_SAMPLES, config.min_share * valid.sum(axis=1))
    weights = 1.0 / (1.0 + (away / _NEARNESS) ** 2) ** 2
    chosen, off_center = np.full((len(depth), LAYERS), np.nan), np.full((len(depth), LAYERS), np.inf)
    filled = np.zeros(len(depth), dtype=int)
    depth = np.where(valid, depth, 0.0)
    for number in range(min(_MOST_CLUSTERS, int(cluster.max(initial=0)) + 1)):
        member = valid & (cluster == number)
        joints = np.flatnonzero((member.sum(axis=1) >= fewest) & (filled < LAYERS))
        inner = np.where(member[joints], weights[joints], 0.0)
        chosen[joints, filled[joints]] = np.einsum("ks,ks->k", inner, depth[joints]) / inner.sum(axis=1)
        off_center[joints, filled[joints]] = np.where(member[joints], away[joints], np.inf).min(axis=1)
        filled[joints] += 1
    return chosen, off_center
