"""Cleaning an organised depth image before it becomes points."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geometry import FloatArray, InputError

_NOISE_LAG = 4
_GAUSS_MAD = 1.4826


def valid_depth(depth_m: ArrayLike, max_depth_m: float = np.inf) -> FloatArray:
    """A copy of (H, W) depth with 0 wherever there is no return: not finite, negative or too far."""
    depth = np.asarray(depth_m, dtype=np.float64)
    if depth.ndim != 2:
        raise InputError("depth image", expected="depth_m of shape (H, W)", got=f"{depth.shape}")
    with np.errstate(invalid="ignore"):
        return np.where(np.isfinite(depth) & (depth > 0.0) & (depth <= max_depth_m), depth, 0.0)


def flying_pixels(depth_m: ArrayLike, *, jump: float = 0.015) -> NDArray[np.bool_]:
    """(H, W) pixels that hang between a near and a far surface, as depth cameras see at edges.

    A pixel flies when, along its row or its column, one neighbour two pixels away is nearer and the
    opposite one farther, both by more than `jump` times the depth, or when it has no company: fewer
    than three of its eight neighbours lie within `jump`.
    """
    depth = valid_depth(depth_m)
    ramps = np.zeros(depth.shape, dtype=bool)
    threshold = jump * depth
    for axis in (0, 1):
        before, after = _shifted(depth, 2, axis), _shifted(depth, -2, axis)
        both = (before > 0.0) & (after > 0.0)
        rising, falling = depth - before, after - depth
        ramps |= both & (np.minimum(rising, falling) > threshold)
        ramps |= both & (np.maximum(rising, falling) < -threshold)
    company = np.zeros(depth.shape, dtype=np.int64)
    for du, dv in ((i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)):
        other = _shifted(_shifted(depth, dv, 0), du, 1)
        company += (other > 0.0) & (np.abs(other - depth) < threshold)
    return (depth > 0.0) & (ramps | (company < 3))


def noise_level(depth_m: ArrayLike) -> float:
    """Standard deviation of the depth noise, metres, from second differences four pixels apart.

    Smooth surfaces have none, and the median does not see the edges. The lag is longer than the
    noise of common sensors is correlated over.
    """
    depth = valid_depth(depth_m)
    differences = []
    for axis in (0, 1):
        before, after = _shifted(depth, _NOISE_LAG, axis), _shifted(depth, -_NOISE_LAG, axis)
        good = (depth > 0.0) & (before > 0.0) & (after > 0.0)
        differences.append((before - 2.0 * depth + after)[good])
    values = np.concatenate(differences)
    if not len(values):
        return 0.0
    return float(_GAUSS_MAD * np.median(np.abs(values - np.median(values))) / np.sqrt(6.0))


def smooth_depth(depth_m: ArrayLike, *, radius_px: int, range_m: float) -> FloatArray:
    """Bilateral filter: each depth becomes a mean over its window, without crossing edges.

    Args:
        depth_m: (H, W) metres, 0 where there is no return; holes stay holes.
        radius_px: half the window; the spatial sigma is half of that.
        range_m: depths count by a Gaussian of this width in their difference to the centre.
    """
    depth = valid_depth(depth_m)
    total, weight = np.zeros_like(depth), np.zeros_like(depth)
    for dv in range(-radius_px, radius_px + 1):
        for du in range(-radius_px, radius_px + 1):
            other = _shifted(_shifted(depth, dv, 0), du, 1)
            near = np.exp(-2.0 * (du * du + dv * dv) / max(radius_px, 1) ** 2)
            w = near * np.exp(-0.5 * ((other - depth) / range_m) ** 2) * (other > 0.0)
            total += w * other
            weight += w
    return np.where(depth > 0.0, total / np.where(weight > 0.0, weight, 1.0), 0.0)


def _shifted(image: FloatArray, by: int, axis: int) -> FloatArray:
    """The image moved by some pixels along one axis; 0 comes in at the border."""
    if by == 0:
        return image
    result = np.zeros_like(image)
    if abs(by) >= image.shape[axis]:
        return result
    into, source = [slice(None)] * 2, [slice(None)] * 2
    into[axis] = slice(by, None) if by > 0 else slice(None, by)
    source[axis] = slice(None, -by) if by > 0 else slice(-by, None)
    result[tuple(into)] = image[tuple(source)]
    return result
