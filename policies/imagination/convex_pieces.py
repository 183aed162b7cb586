"""A surface cut into convex pieces that keep out of places known to be empty.

Each set of points stands for its convex hull. A hull that takes in too much empty space is cut in
two by the plane that leaves the smallest hulls, again and again.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from geometry import FloatArray

_PROBE_M = 0.005
_SKIN_M = 0.003
_OVERLAP_M = 0.002
_MOST_EMPTY_SHARE = 0.10
_MOST_EMPTY_M3 = 1.5e-6
_LEAST_POINTS = 12
_CUTS = (0.25, 0.4, 0.5, 0.6, 0.75)


def cut_into_convex(
    points: FloatArray, is_empty: Callable[[FloatArray], NDArray[np.bool_]], *, max_pieces: int = 8
) -> list[FloatArray]:
    """Hulls that together cover the points.

    Args:
        points: (N, 3) on the surface of one object, metres.
        is_empty: from places (M, 3) to (M,) bool: the object is not there.
        max_pieces: most pieces.
    Returns:
        Corners (V, 3) of each convex piece; none if the points have no volume.
    """
    whole = _hull(points)
    if whole is None:
        return []
    pieces = [(_empty_m3(whole, is_empty), whole)]
    while len(pieces) < max_pieces:
        worst = int(np.argmax([empty for empty, _ in pieces]))
        empty, hull = pieces[worst]
        if empty == 0.0:
            break
        halves = _cut(hull)
        if halves is None:
            pieces[worst] = (0.0, hull)
            continue
        pieces[worst : worst + 1] = [(_empty_m3(half, is_empty), half) for half in halves]
    return [hull.points[np.sort(hull.vertices)] for _, hull in pieces]


def _hull(points: FloatArray) -> ConvexHull | None:
    if len(points) < 4:
        return None
    try:
        return ConvexHull(points)
    except QhullError:
        return None


def _empty_m3(hull: ConvexHull, is_empty: Callable[[FloatArray], NDArray[np.bool_]]) -> float:
    """Volume of a hull, without its skin, that is known to be empty; 0 where that is little."""
    lower, upper = hull.min_bound, hull.max_bound
    grid = np.stack(
        np.meshgrid(*[np.arange(lo + 0.5 * _PROBE_M, hi, _PROBE_M) for lo, hi in zip(lower, upper, strict=True)]), -1
    ).reshape(-1, 3)
    inside = grid[np.all(grid @ hull.equations[:, :3].T + hull.equations[:, 3] < -_SKIN_M, axis=1)]
    if not len(inside):
        return 0.0
    empty = float(is_empty(inside).sum()) * _PROBE_M**3
    return empty if empty > max(_MOST_EMPTY_M3, _MOST_EMPTY_SHARE * hull.volume) else 0.0


def _cut(hull: ConvexHull) -> tuple[ConvexHull, ConvexHull] | None:
    """The two hulls with the least volume together, over planes across the principal axes."""
    points = np.asarray(hull.points)
    centred = points - points.mean(axis=0)
    axes = np.linalg.eigh(centred.T @ centred)[1].T
    best, best_volume = None, np.inf
    for along in (centred @ axis for axis in axes):
        low, high = along.min(), along.max()
        for share in _CUTS:
            at = low + share * (high - low)
            left, right = points[along <= at + _OVERLAP_M], points[along >= at - _OVERLAP_M]
            if min(len(left), len(right)) < _LEAST_POINTS or max(len(left), len(right)) == len(points):
                continue
            halves = _hull(left), _hull(right)
            if halves[0] is None or halves[1] is None:
                continue
            volume = halves[0].volume + halves[1].volume
            if volume < best_volume:
                best, best_volume = (halves[0], halves[1]), volume
    return best
