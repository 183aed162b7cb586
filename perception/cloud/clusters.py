"""Clusters of a cloud: groups of points with gaps between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from geometry import InputError


def find_clusters(points: ArrayLike, *, gap_m: float = 0.01, min_points: int = 20) -> NDArray[np.int64]:
    """Label points by connected components: two points within about `gap_m` belong together.

    This is DBSCAN with a core of one point, on the means of cells of half a gap, which decide what is
    within a gap. Deterministic: clusters are numbered by falling size, ties by the first point.

    Args:
        points: (N, 3) metres, finite.
        gap_m: least gap between clusters.
        min_points: smaller clusters are noise.

    Returns:
        (N,) labels from 0, -1 for noise.
    """
    cloud = np.asarray(points, dtype=np.float64)
    if cloud.ndim != 2 or cloud.shape[1] != 3:
        raise InputError("find_clusters", expected="points of shape (N, 3)", got=f"{cloud.shape}")
    if not len(cloud):
        return np.zeros(0, dtype=np.int64)
    cells, cell_of = np.unique(np.floor(cloud / (0.5 * gap_m)).astype(np.int64), axis=0, return_inverse=True)
    cell_of = cell_of.reshape(-1)
    centres = np.stack([np.bincount(cell_of, cloud[:, k]) for k in range(3)], axis=1) / np.bincount(cell_of)[:, None]
    pairs = cKDTree(centres).query_pairs(gap_m, output_type="ndarray")
    graph = coo_matrix((np.ones(len(pairs), dtype=bool), (pairs[:, 0], pairs[:, 1])), shape=(len(cells), len(cells)))
    component = connected_components(graph, directed=False)[1][cell_of]
    sizes = np.bincount(component)
    first = np.full(len(sizes), len(cloud))
    np.minimum.at(first, component, np.arange(len(cloud)))
    order = np.lexsort((first, -sizes))
    rank = np.empty(len(sizes), dtype=np.int64)
    rank[order] = np.arange(len(sizes))
    return np.asarray(np.where(sizes[component] >= min_points, rank[component], -1))
