"""The support plane of a scene: seeded RANSAC, then a least-squares fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geometry import FloatArray, InputError

_TEST_POINTS = 4000
_REFITS = 3


@dataclass(frozen=True)
class Plane:
    """The plane `normal . x = offset_m`, and the points that lie on it."""

    normal: FloatArray
    """(3,) unit vector towards the side of the viewpoint."""
    offset_m: float
    """Signed distance of the plane from the origin along `normal`."""
    inliers: NDArray[np.bool_]
    """(N,) which of the given points lie on the plane."""

    def height(self, points: ArrayLike) -> FloatArray:
        """(...) signed distance of points (..., 3) above the plane, metres."""
        return np.asarray(np.asarray(points, dtype=np.float64) @ self.normal - self.offset_m)


def find_plane(
    points: ArrayLike,
    rng: np.random.Generator,
    *,
    distance_m: float = 0.006,
    viewpoint: ArrayLike = (0.0, 0.0, 0.0),
    up: ArrayLike | None = None,
    max_tilt_rad: float = 0.5,
    min_share: float = 0.15,
    trials: int = 300,
) -> Plane | None:
    """The largest plane with few points behind it: the table that the objects stand on.

    Each trial plane is turned towards the viewpoint and scored by the points on it, less half of
    those beneath it. A wall of an object has the table's points behind it, a table nothing.

    Args:
        points: (N, 3) metres; rows that are not finite are ignored.
        rng: source of the trials.
        distance_m: points this close to the plane lie on it.
        viewpoint: (3,) where the points were seen from.
        up: (3,) a direction that the normal must agree with, to `max_tilt_rad`; None for any.
        max_tilt_rad: largest angle between the normal and `up`.
        min_share: least share of the points that must lie on the plane.
        trials: number of triples drawn.

    Returns:
        The plane, or None if no plane holds `min_share` of the points.
    """
    cloud = np.asarray(points, dtype=np.float64)
    if cloud.ndim != 2 or cloud.shape[1] != 3:
        raise InputError("find_plane", expected="points of shape (N, 3)", got=f"{cloud.shape}")
    finite = cloud[np.all(np.isfinite(cloud), axis=1)]
    if len(finite) < 3:
        return None
    eye = np.asarray(viewpoint, dtype=np.float64)
    normals, offsets = _trial_planes(finite, eye, rng, trials)
    if up is not None:
        upright = normals @ _unit(np.asarray(up, dtype=np.float64)) > np.cos(max_tilt_rad)
        normals, offsets = normals[upright], offsets[upright]
    if not len(normals):
        return None
    sample = finite if len(finite) <= _TEST_POINTS else finite[rng.integers(0, len(finite), _TEST_POINTS)]
    heights = sample @ normals.T - offsets
    on, below = np.abs(heights) < distance_m, heights < -2.0 * distance_m
    best = int(np.argmax(on.sum(axis=0) - 0.5 * below.sum(axis=0)))
    normal, offset = normals[best], float(offsets[best])
    for _ in range(_REFITS):
        on_plane = np.abs(finite @ normal - offset) < distance_m
        if on_plane.sum() < 3:
            return None
        normal, offset = _fit(finite[on_plane], normal)
    with np.errstate(invalid="ignore"):
        inliers = np.abs(cloud @ normal - offset) < distance_m
    return Plane(normal, offset, inliers) if inliers.sum() >= max(3, min_share * len(finite)) else None


def _trial_planes(
    points: FloatArray, eye: FloatArray, rng: np.random.Generator, trials: int
) -> tuple[FloatArray, FloatArray]:
    """Normals (K, 3) towards the eye and offsets (K,) of planes through random triples, K <= trials."""
    a, b, c = points[rng.integers(0, len(points), (3, trials))]
    normals = np.cross(b - a, c - a)
    length = np.linalg.norm(normals, axis=1)
    good = length > 1e-12
    normals, a = normals[good] / length[good, None], a[good]
    offsets = np.einsum("ij,ij->i", normals, a)
    sign = np.where(normals @ eye - offsets < 0.0, -1.0, 1.0)
    return normals * sign[:, None], offsets * sign


def _fit(points: FloatArray, towards: FloatArray) -> tuple[FloatArray, float]:
    """Least-squares plane through points; its normal is turned to agree with `towards`."""
    centre = points.mean(axis=0)
    normal = np.linalg.eigh(np.cov((points - centre).T))[1][:, 0]
    normal = normal if normal @ towards >= 0.0 else -normal
    return normal, float(normal @ centre)


def _unit(vector: FloatArray) -> FloatArray:
    length = np.linalg.norm(vector)
    if vector.shape != (3,) or not length > 0.0:
        raise InputError("find_plane", expected="`up` as a direction of three numbers", got=f"{vector.tolist()}")
    return vector / length
