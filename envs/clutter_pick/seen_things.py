"""What stands on the table as far as one cloud tells: its scale put right, and the heaps that it falls into."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from envs.clutter import Observation
from geometry import FloatArray, transform_points

HEAP_FEATURES = ("heap_points", "heap_length", "heap_breadth", "heap_height", "off_heap_middle", "heap_failed")
"""Names of the columns of `heap_features`."""

_STRIDE = 8
_MOST_ERROR = 0.12
_LEAST_TABLE = 100
_LINK_M = 0.012
_POINTS = 1024
_LENGTH_M = 0.1


def table_scaled_cloud(observation: Observation) -> FloatArray:
    """(N, 3) the cloud in the world, its scale put right by the table, whose height is known.

    The "dex" noise multiplies a depth image by one factor, some per cent off 1. The table is most of the
    image, and the height at which it seems to lie tells the factor.
    """
    depth_m = observation.depth_m[::_STRIDE, ::_STRIDE]
    points = observation.camera.unproject(observation.depth_m)[::_STRIDE, ::_STRIDE][depth_m > 0.0]
    eye = observation.T_world_camera[:3, 3]
    depth_below_eye = eye[2] - transform_points(observation.T_world_camera, points)[:, 2]
    scale = depth_below_eye / (eye[2] - observation.table_z_m)
    table = scale[np.abs(scale - 1.0) < _MOST_ERROR]
    if len(table) < _LEAST_TABLE:
        return observation.cloud_world
    counts, edges = np.histogram(table, bins=60, range=(1.0 - _MOST_ERROR, 1.0 + _MOST_ERROR))
    best = int(np.argmax(np.convolve(counts, np.ones(3), mode="same")))
    near = table[(table >= edges[max(0, best - 1)]) & (table <= edges[min(60, best + 2)])]
    return eye + (observation.cloud_world - eye) / float(np.median(near))


def heap_features(poses: FloatArray, failed_poses: FloatArray, cloud: FloatArray) -> FloatArray:
    """(N, 6) the size of the heap that each grasp is at, its distance from the middle, and whether one failed there.

    A heap is a set of points that hang together with gaps of at most 12 mm: an object, or several that touch.

    Args:
        poses: (N, 4, 4) in the world.
        failed_poses: (T, 4, 4) grasps that were tried in vain.
        cloud: (P, 3) in the world, thinned.
    """
    if not len(cloud):
        return np.zeros((len(poses), len(HEAP_FEATURES)))
    cloud = cloud[:: max(1, len(cloud) // _POINTS)]
    tree = cKDTree(cloud)
    one, other = tree.query_pairs(_LINK_M, output_type="ndarray").T
    links = coo_matrix((np.ones(len(one)), (one, other)), shape=(len(cloud), len(cloud)))
    count, label = connected_components(links, directed=False)
    size = np.array([_size(cloud[label == heap]) for heap in range(count)])
    middle = np.array([cloud[label == heap, :2].mean(axis=0) for heap in range(count)])
    own = label[tree.query(poses[:, :3, 3])[1]]
    failed = label[tree.query(failed_poses[:, :3, 3])[1]] if len(failed_poses) else np.zeros(0, dtype=np.int64)
    off_middle = np.linalg.norm(poses[:, :2, 3] - middle[own], axis=1) / _LENGTH_M
    return np.column_stack([size[own], off_middle, _times(own, failed)])


def _size(points: FloatArray) -> FloatArray:
    """(4,) share of a heap's points (log), its length and breadth over the table, and its height."""
    flat = points[:, :2] - points[:, :2].mean(axis=0)
    axes = np.linalg.eigh(flat.T @ flat)[1]
    breadth, length = np.ptp(flat @ axes, axis=0)
    return np.array([np.log1p(len(points)) / 5.0, length / _LENGTH_M, breadth / _LENGTH_M, np.ptp(points[:, 2]) / 0.1])


def _times(own: NDArray[np.int64], failed: NDArray[np.int64]) -> FloatArray:
    return (own[:, None] == failed[None, :]).sum(axis=1).astype(np.float64)
