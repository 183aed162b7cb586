"""The surface that objects stand on in a real frame, among desks, floors, walls and box sides.

The largest plane is often the wrong one: a floor behind a small table, a wall, the front of a
cereal box. Here planes are taken one after another by RANSAC, and the one wins that carries most:
clusters that rise from it, within its outline, of a size that stands on a table.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, Delaunay, QhullError, cKDTree

from geometry import FloatArray, transform
from perception.cloud import Plane, find_clusters, find_plane, voxel_downsample

_VOXEL_M = 0.005
_PLANES = 6
_MIN_POINTS = 400
_PATCH_GAP_M = 0.04
_MAX_FOOT_M = 0.05
_MAX_EXTENT_M = 0.45
_LEAST_SUPPORT_M = 0.2
_MAX_BENEATH = 0.03
_GRAIN_M, _LEAST_GRAINS = 0.004, 12
_UPRIGHT, _FACING, _STEEP = 0.2, 0.8, 0.5
_CAMERA_UP, _CAMERA_BACK = np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, -1.0])


class Support(NamedTuple):
    """A support plane and its outline, in the camera frame."""

    normal: FloatArray
    """(3,) up: unit normal towards the camera."""
    offset_m: float
    """The plane is `normal . x = offset_m`."""
    outline: FloatArray
    """(K, 2) convex outline of the visible surface in the plane's own axes, metres."""
    T_camera_support: FloatArray
    """(4, 4) frame on the surface: z up, y away from the camera, origin amid the visible surface."""
    patch: FloatArray
    """(M, 2) visible surface in the plane's own axes, one point for each voxel, metres."""
    tolerance_m: float
    """Points this close to the plane belong to it, at the median depth of the surface."""
    depth_m: float
    """Median depth of the surface."""
    walls: tuple[Plane, ...] = ()
    """Other large planes of the scene that stand steeply on this one."""

    def height(self, points_camera: FloatArray) -> FloatArray:
        """(...) height of points (..., 3) above the plane, metres."""
        return np.asarray(points_camera @ self.normal - self.offset_m)

    def tolerance(self, points_camera: FloatArray) -> FloatArray:
        """(...) tolerance for points (..., 3): a depth camera's noise grows with the square of depth."""
        return self.tolerance_m * np.maximum(1.0, points_camera[..., 2] / self.depth_m) ** 2

    def footprint(self, points_camera: FloatArray) -> FloatArray:
        """(..., 2) where points (..., 3) stand in the plane's own axes."""
        return np.asarray((points_camera - self.T_camera_support[:3, 3]) @ self.T_camera_support[:3, :2])


def find_support(points_camera: FloatArray, rng: np.random.Generator) -> Support | None:
    """Find the surface that carries most objects.

    Args:
        points_camera: (N, 3) finite points in the camera frame, metres; crop far ones before.
        rng: source of RANSAC's trials.
    Returns:
        The surface, or None if no plane faces upwards or carries anything.
    """
    points = voxel_downsample(points_camera, _VOXEL_M)
    rest, best, best_load = points, None, 0.0
    large: list[Plane] = []
    for _ in range(_PLANES):
        tolerance = max(0.006, 0.007 * float(np.median(rest[:, 2])) ** 2) if len(rest) else 0.006
        plane = find_plane(rest, rng, distance_m=tolerance, min_share=0.02) if len(rest) > _MIN_POINTS else None
        if plane is None:
            break
        on_plane, rest = rest[plane.inliers], rest[~plane.inliers]
        patch = on_plane[find_clusters(on_plane, gap_m=_PATCH_GAP_M, min_points=_MIN_POINTS // 2) == 0]
        large += [plane] if len(patch) and np.linalg.norm(np.ptp(patch, axis=0)) > 1.5 * _MAX_EXTENT_M else []
        if plane.normal @ _CAMERA_UP < _UPRIGHT and plane.normal @ _CAMERA_BACK < _FACING:
            continue
        support = _outlined(plane.normal, plane.offset_m, patch, tolerance)
        load = _load(support, points) if support is not None else 0.0
        if load > best_load:
            best, best_load = support, load
    if best is None:
        return None
    return best._replace(walls=tuple(plane for plane in large if abs(plane.normal @ best.normal) < _STEEP))


def object_clusters(points_camera: FloatArray, support: Support) -> NDArray[np.int64]:
    """Label the points of things that stand on a support.

    Args:
        points_camera: (N, 3) finite points, metres.
        support: what they stand on.
    Returns:
        (N,) labels from 0; -1 for the surface itself, for what does not rise from it or hangs over its
        rim, and for what is too large for a table top: walls, screens, people.
    """
    labels = np.full(len(points_camera), -1)
    height, tolerance = support.height(points_camera), 1.5 * support.tolerance(points_camera)
    free = np.all([np.abs(wall.height(points_camera)) > tolerance for wall in support.walls], axis=0)
    above = np.flatnonzero(free & (height > tolerance) & (height < _MAX_EXTENT_M))
    above = above[Delaunay(support.outline).find_simplex(support.footprint(points_camera[above])) >= 0]
    beneath = points_camera[(height < -tolerance) & (height > -2.0 * _MAX_FOOT_M)]
    surface = cKDTree(support.patch)
    found = find_clusters(points_camera[above], gap_m=0.015, min_points=30)
    for label in range(found.max(initial=-1) + 1):
        members = above[found == label]
        if _is_object(points_camera[members], height[members], support, surface, beneath):
            labels[members] = label
    return labels


def _is_object(points: FloatArray, height: FloatArray, support: Support, surface: cKDTree, beneath: FloatArray) -> bool:
    """Whether a cluster is of an object's size, stands on seen surface, and does not go on below it.

    What is seen below the table's level cannot stand on it: it is something beyond the rim whose top
    happens to rise above.
    """
    voxels = voxel_downsample(points, _GRAIN_M)
    size = float(np.linalg.norm(np.ptp(points, axis=0)))
    if len(voxels) < _LEAST_GRAINS or size > 1.5 * _MAX_EXTENT_M:
        return False
    foot = points[height < height.min() + 0.5 * _MAX_FOOT_M]
    if surface.query(support.footprint(foot))[0].min() > _MAX_FOOT_M:
        return False
    goes_on = np.isfinite(cKDTree(voxels).query(beneath, distance_upper_bound=_MAX_FOOT_M)[0]).sum()
    return bool(goes_on < _MAX_BENEATH * len(points))


def _outlined(normal: FloatArray, offset_m: float, patch: FloatArray, tolerance_m: float) -> Support | None:
    """The plane with the outline of its largest connected patch (K, 3); None if that is too small."""
    if len(patch) < 3 or np.linalg.norm(np.ptp(patch, axis=0)) < _LEAST_SUPPORT_M:
        return None
    forward = np.array([0.0, 0.0, 1.0]) if abs(normal[2]) < 0.95 else np.array([0.0, -1.0, 0.0])
    away = forward - (forward @ normal) * normal
    away /= np.linalg.norm(away)
    centre = patch.mean(axis=0)
    centre -= (centre @ normal - offset_m) * normal
    T_camera_support = transform(np.stack([np.cross(away, normal), away, normal], axis=1), centre)
    flat = (patch - centre) @ T_camera_support[:3, :2]
    try:
        outline = flat[ConvexHull(flat).vertices]
    except QhullError:
        return None
    depth_m = float(np.median(patch[:, 2]))
    return Support(normal, offset_m, outline, T_camera_support, flat, tolerance_m, depth_m)


def _load(support: Support, points: FloatArray) -> float:
    """How many voxels stand on a support, and a little for its own size, so that an empty table wins too."""
    carried = int((object_clusters(points, support) >= 0).sum())
    return carried + 0.05 * len(support.patch)
