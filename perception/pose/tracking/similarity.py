"""How alike predicted and seen persons are: object keypoint similarity, and overlap of the boxes around keypoints.

Source: OKS: cocodataset.org, keypoint evaluation: mean over joints of exp(-d^2 / (2 s^2 k^2)), k twice the
annotators' spread, s^2 the person's area.
"""

from __future__ import annotations

import numpy as np

from geometry import FloatArray

AREA_SHARE = 0.2
"""A person's area in units of the squared diagonal of their box: an upright box of 1 : 2.5, about 0.55 of it filled."""
_MARGIN = 0.05
"""Boxes are widened by this share of the person's size: joints lie inside the body, and three may lie on a line."""


def keypoint_similarity(
    expected: FloatArray,
    seen: FloatArray,
    weights: FloatArray,
    sizes: FloatArray,
    sigmas: FloatArray,
    doubt: FloatArray | None = None,
) -> FloatArray:
    """OKS of P expected and N seen persons over the joints that both have.

    Args:
        expected: (P, K, D) predicted joints; NaN where unknown.
        seen: (N, K, D) detected joints; NaN where unseen.
        weights: (N, K) how much each detected joint counts, 0 or more.
        sizes: (P,) diagonal of each expected person's box.
        sigmas: (K,) annotators' spread of the skeleton.
        doubt: (P, K) variance of each prediction in the points' unit squared. It widens the likeness, and lowers it
            as it lowers the density of a normal distribution, so that doubt never makes a pair more alike.

    Returns:
        (P, N) between 0 and 1; 0 where no joint is common.
    """
    squared = ((_joints_first(expected)[..., None] - _joints_first(seen)[..., None, :]) ** 2).sum(axis=1)
    tolerance = 4.0 * AREA_SHARE * np.outer(sigmas**2, sizes**2)
    spread = tolerance if doubt is None else tolerance + doubt.T
    height = np.sqrt(tolerance / spread)[..., None]
    common = np.where(np.isfinite(squared), weights.T[:, None], 0.0)
    near = np.where(common > 0.0, height * np.exp(-0.5 * squared / spread[..., None]), 0.0)
    return np.asarray((common * near).sum(axis=0) / np.maximum(common.sum(axis=0), 1e-12))


def box_overlap(expected: FloatArray, seen: FloatArray, sizes: FloatArray) -> FloatArray:
    """Intersection over union of the boxes around the joints that both have; in 3D of volumes.

    Args:
        expected: (P, K, D); NaN where unknown.
        seen: (N, K, D); NaN where unseen.
        sizes: (P,) diagonal of each expected person's box.

    Returns:
        (P, N) between 0 and 1; 0 where no joint is common.
    """
    one, two = _joints_first(expected)[..., None], _joints_first(seen)[..., None, :]
    common = np.isfinite(one[:, :1]) & np.isfinite(two[:, :1])
    margin = (_MARGIN * sizes)[:, None]
    low_a, low_b = (np.where(common, points, np.inf).min(axis=0) - margin for points in (one, two))
    high_a, high_b = (np.where(common, points, -np.inf).max(axis=0) + margin for points in (one, two))
    some = common.any(axis=(0, 1))
    with np.errstate(invalid="ignore"):
        inner = np.maximum(np.minimum(high_a, high_b) - np.maximum(low_a, low_b), 0.0).prod(0)
        union = (high_a - low_a).prod(0) + (high_b - low_b).prod(0) - inner
        return np.asarray(np.where(some & (union > 0.0), inner / np.where(union > 0.0, union, 1.0), 0.0))


def _joints_first(points: FloatArray) -> FloatArray:
    """(K, D, N) of points (N, K, D): numpy is quickest where it reduces along the first axis."""
    return np.ascontiguousarray(points.transpose(1, 2, 0))
