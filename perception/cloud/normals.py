"""Surface normals and curvature of a cloud by fitting local planes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import cKDTree

from geometry import FloatArray, InputError


class LocalSurface(NamedTuple):
    """Planes fitted to the neighbourhoods of K points."""

    normals: FloatArray
    """(K, 3) unit normals, towards the viewpoint."""
    curvature: FloatArray
    """(K,) share of the variance along the normal: 0 on a plane, 1/3 in a round blob."""


def fit_surface(
    points: ArrayLike,
    viewpoint: ArrayLike,
    *,
    at: ArrayLike | None = None,
    neighbours: int = 24,
    radius_m: float = np.inf,
) -> LocalSurface:
    """Fit a plane to the nearest neighbours of each point, by principal axes.

    Args:
        points: (N, 3) metres.
        viewpoint: (3,) where the points were seen from; normals are turned towards it.
        at: (K, 3) where to fit; None is at every point.
        neighbours: how many points a plane is fitted to, at most.
        radius_m: neighbours farther than this do not count.

    Returns:
        Normals and curvature; where fewer than three neighbours lie near, the normal is the
        direction to the viewpoint.
    """
    cloud = np.asarray(points, dtype=np.float64)
    if cloud.ndim != 2 or cloud.shape[1] != 3:
        raise InputError("fit_surface", expected="points of shape (N, 3)", got=f"{cloud.shape}")
    queries = cloud if at is None else np.asarray(at, dtype=np.float64).reshape(-1, 3)
    to_eye = np.asarray(viewpoint, dtype=np.float64) - queries
    to_eye /= np.maximum(np.linalg.norm(to_eye, axis=1, keepdims=True), 1e-12)
    if len(cloud) < 3 or not len(queries):
        return LocalSurface(to_eye, np.zeros(len(queries)))
    distance, index = cKDTree(cloud).query(queries, k=min(neighbours, len(cloud)))
    near = distance <= radius_m
    covariance = _covariances(cloud[index], near.astype(np.float64))
    variances, axes = np.linalg.eigh(covariance)
    normals = axes[:, :, 0] * np.where(np.einsum("ki,ki->k", axes[:, :, 0], to_eye) < 0.0, -1.0, 1.0)[:, None]
    lonely = near.sum(axis=1) < 3
    normals[lonely] = to_eye[lonely]
    total = variances.sum(axis=1)
    return LocalSurface(normals, np.where(total > 0.0, variances[:, 0] / np.where(total > 0.0, total, 1.0), 0.0))


def _covariances(groups: FloatArray, weights: FloatArray) -> FloatArray:
    """(K, 3, 3) covariances of groups (K, M, 3) of points with weights (K, M)."""
    share = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1.0)
    centred = groups - np.einsum("km,kmi->ki", share, groups)[:, None]
    return np.asarray(np.einsum("km,kmi,kmj->kij", share, centred, centred))
