"""The convex hull of a piece, with outward faces."""

from __future__ import annotations

import numpy as np
import trimesh
from numpy.typing import ArrayLike
from scipy.spatial import ConvexHull, QhullError


def convex_hull(points: ArrayLike) -> trimesh.Trimesh:
    """The convex hull of (N, 3) points; of a flat set, a hull that is 0.1 mm thick in each direction.

    SciPy's hull with the faces turned outward; trimesh's own asks for a graph library to do that.
    """
    points = np.asarray(points, dtype=np.float64)
    try:
        hull = ConvexHull(points)
    except QhullError:
        corners = np.stack(np.meshgrid(*[[-5e-5, 5e-5]] * 3), axis=-1).reshape(-1, 3)
        hull = ConvexHull((points[:, None] + corners).reshape(-1, 3))
    faces = hull.simplices.copy()
    a, b, c = (hull.points[faces[:, i]] for i in range(3))
    inward = np.einsum("ij,ij->i", np.cross(b - a, c - a), hull.equations[:, :3]) < 0.0
    faces[inward] = faces[inward][:, ::-1]
    used, index = np.unique(faces, return_inverse=True)
    return trimesh.Trimesh(hull.points[used], index.reshape(faces.shape), process=False)
