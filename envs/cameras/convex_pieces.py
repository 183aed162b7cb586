"""Surfaces as a few convex polyhedra of a few faces each: what a fast camera can see in closed form.

A mesh is cut where that saves most of the volume between it and the hulls of its parts, then
each hull is simplified by planes laid around it where the polyhedron sticks out most, and moved
inwards until they fit the hull in the mean. What is hollow within one piece is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from envs.cameras.triangles import Surface
from geometry import FloatArray

FIT_M = 3e-4
"""A hull is followed no closer than this."""
CUT_SAVES = 0.06
"""Least share of a hull's volume that a cut must save."""
CUT_GRID = 12
"""Cuts are chosen on a mesh whose vertices are merged in so many cells along the longest side."""
CUT_PLACES = 7
"""Places along each axis where a cut is tried."""
HIDDEN_M = 5e-3
"""Triangles deeper than about this do not colour a face."""
THIN_M = 1e-3
"""A flat surface becomes a sheet of this thickness, below it."""

Triangles = NDArray[np.float64]
"""(F, 3, 3) metres, corners of triangles."""


@dataclass(frozen=True, eq=False)
class ConvexPiece:
    """A convex polyhedron: the points x with planes[:, :3] @ x + planes[:, 3] <= 0, in the frame of its shape."""

    planes: FloatArray
    """(F, 4) outward unit normal, and the origin's distance above the plane in metres."""
    corners: FloatArray
    """(8, 3) metres, corners of its bounding box along the frame's axes."""
    rgb: FloatArray
    """(F, 3) colour of each face in [0, 1]."""


@lru_cache(maxsize=512)
def convex_pieces(surface: Surface, max_pieces: int, max_faces: int) -> tuple[ConvexPiece, ...]:
    """Approximate a surface, once per process.

    Args:
        surface: boxes are taken exactly; everything else by its triangles.
        max_pieces: most pieces.
        max_faces: most faces of a piece, at least 6.
    """
    triangles = surface.vertices[surface.triangles.astype(np.intp)]
    rgb = np.broadcast_to(surface.rgb, (len(triangles), 3)).astype(np.float64)
    if surface.half_extents_m is not None:
        high = np.array(surface.half_extents_m)
        low = np.minimum(-high, high - THIN_M)
        planes = _around(low, high)
        return (ConvexPiece(planes, _box_corners(np.array([low, high])), _face_colors(planes, triangles, rgb)),)
    pieces = []
    for part in _cut_up(triangles, max_pieces):
        planes = _wrap(part.reshape(-1, 3), max_faces)
        near = _within(triangles.mean(axis=1), part)
        colors = _face_colors(planes, triangles[near], rgb[near])
        pieces.append(ConvexPiece(planes, _box_corners(part.reshape(-1, 3)), colors))
    return tuple(pieces)


def _box_corners(points: FloatArray) -> FloatArray:
    ends = np.array([points.min(axis=0), points.max(axis=0)])
    return ends[np.indices((2, 2, 2)).reshape(3, 8).T, np.arange(3)]


def _within(points: FloatArray, part: Triangles) -> NDArray[np.bool_]:
    corners = part.reshape(-1, 3)
    inside: NDArray[np.bool_] = ((points >= corners.min(axis=0)) & (points <= corners.max(axis=0))).all(axis=-1)
    return inside


def _face_colors(planes: FloatArray, triangles: Triangles, rgb: FloatArray) -> FloatArray:
    """Mean colour (F, 3) of the triangles that each plane stands for: those to which it is the nearest."""
    areas = np.linalg.norm(np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]), axis=-1)
    above = triangles.mean(axis=1) @ planes[:, :3].T + planes[:, 3]
    nearest = above.argmax(axis=1)
    weight = areas * np.exp(np.minimum(above.max(axis=1), 0.0) / HIDDEN_M) + 1e-12
    mean = weight @ rgb / weight.sum() if len(rgb) else np.ones(3)
    total = np.bincount(nearest, weight, len(planes)) + 1e-12
    sums = np.stack([np.bincount(nearest, weight * channel, len(planes)) for channel in rgb.T], axis=-1)
    colors: FloatArray = (sums + 1e-12 * mean) / total[:, None]
    return colors


def _cut_up(triangles: Triangles, max_pieces: int) -> list[Triangles]:
    """Cut the piece whose best cut saves most, until no cut can save enough or there are enough pieces."""
    a, b, c = np.moveaxis(triangles, 1, 0)
    solid = abs(float(np.einsum("nc,nc->", a, np.cross(b, c)))) / 6.0
    total = _volume(triangles)
    enough = CUT_SAVES * total
    pieces, cuts = [triangles], dict[int, tuple[float, int, float]]()
    while len(pieces) < max_pieces and total - solid > enough:
        for number, piece in enumerate(pieces):
            if number not in cuts:
                cuts[number] = _best_cut(piece)
        at = max(cuts, key=lambda number: cuts[number][0])
        saved, axis, where = cuts.pop(at)
        if saved < enough:
            break
        total -= saved
        whole, pieces[at] = pieces[at], _side(pieces[at], axis, where, -1.0)
        pieces.append(_side(whole, axis, where, 1.0))
    return pieces


def _best_cut(triangles: Triangles) -> tuple[float, int, float]:
    """Volume (m^3) that the best cut across an axis saves, the axis, and where on it to cut."""
    coarse = _coarse(triangles)
    whole, best = _volume(coarse), (0.0, 0, 0.0)
    for axis in range(3):
        low, high = coarse[..., axis].min(), coarse[..., axis].max()
        for share in np.linspace(0.0, 1.0, CUT_PLACES + 2)[1:-1]:
            where = float(low + share * (high - low))
            saved = whole - sum(_volume(_side(coarse, axis, where, sign)) for sign in (-1.0, 1.0))
            best = max(best, (saved, axis, where))
    return best


def _coarse(triangles: Triangles) -> Triangles:
    """The triangles with all corners in one cell of a grid replaced by one of them, each triangle once."""
    low = triangles.min(axis=(0, 1))
    step = max((triangles.max(axis=(0, 1)) - low).max(), 1e-9) / CUT_GRID
    cells = ((triangles - low) / step).astype(np.int64) @ np.array([1, 64, 4096])
    _, first, cell = np.unique(cells, return_index=True, return_inverse=True)
    corners = np.sort(cell.reshape(-1, 3), axis=-1)
    kept = np.unique(corners[(corners[:, 0] < corners[:, 1]) & (corners[:, 1] < corners[:, 2])], axis=0)
    coarse: Triangles = triangles.reshape(-1, 3)[first][kept]
    return coarse


def _side(triangles: Triangles, axis: int, where: float, sign: float) -> Triangles:
    """The triangles beyond a plane across an axis; corners on the other side slide along their edges to the plane."""
    height = sign * (triangles[..., axis] - where)
    some = (height > 0.0).any(axis=-1)
    kept, height = triangles[some], height[some]
    cut = [kept[(height >= 0.0).all(axis=-1)]]
    for a, b in ((0, 1), (1, 2), (2, 0)):
        crossing = (height[:, a] > 0.0) != (height[:, b] > 0.0)
        ha, hb = height[crossing, a, None], height[crossing, b, None]
        pa, pb = kept[crossing, a], kept[crossing, b]
        on_plane = pa + (pb - pa) * (ha / (ha - hb))
        cut.append(np.stack([np.where(ha > 0.0, pa, pb), on_plane, on_plane], axis=1))
    return np.concatenate(cut)


def _volume(triangles: Triangles) -> float:
    try:
        return float(ConvexHull(triangles.reshape(-1, 3)).volume)
    except (QhullError, ValueError):  # empty or flat
        return 0.0


def _wrap(points: FloatArray, max_faces: int) -> FloatArray:
    """At most `max_faces` planes (F, 4) that fit the convex hull of the points."""
    try:
        hull = ConvexHull(points)
    except QhullError:  # flat
        low, high = points.min(axis=0), points.max(axis=0)
        return _around(np.minimum(low, high - THIN_M), high)
    exact = hull.equations[np.unique(hull.equations.round(6), axis=0, return_index=True)[1]]
    if len(exact) <= max_faces:
        return exact
    corners = points[hull.vertices]
    planes = _lay(exact, corners, max_faces)
    middle = points[hull.simplices].mean(axis=1)
    edges = points[hull.simplices[:, 1:]] - points[hull.simplices[:, :1]]
    areas = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=-1)
    nearest = (middle @ planes[:, :3].T + planes[:, 3]).argmax(axis=1)
    below = np.einsum("nc,nc->n", middle, planes[nearest, :3]) + planes[nearest, 3]
    weight = np.bincount(nearest, areas, len(planes))
    planes[:, 3] -= np.bincount(nearest, areas * below, len(planes)) / np.maximum(weight, 1e-12)
    return planes


def _around(low: FloatArray, high: FloatArray) -> FloatArray:
    """Planes (6, 4) of a box."""
    return np.concatenate([np.column_stack([np.eye(3), -high]), np.column_stack([-np.eye(3), low])])


def _lay(exact: FloatArray, corners: FloatArray, max_faces: int) -> FloatArray:
    """Planes (F, 4) around a hull: its bounding box, then again and again its face that cuts off most.

    The corners of the growing polyhedron are faces of the hull of its planes' polar points.
    """
    center = corners.mean(axis=0)
    distance = exact[:, :3] @ center + exact[:, 3]
    planes = _around(corners.min(axis=0), corners.max(axis=0))
    offset = planes[:, :3] @ center + planes[:, 3]
    polar = ConvexHull(planes[:, :3] / -offset[:, None], incremental=True)
    left = np.ones(len(exact), dtype=bool)
    while len(planes) < max_faces:
        outer = polar.equations[:, :3] / -polar.equations[:, 3:]
        out = (exact[:, :3] @ outer.T + distance[:, None]).max(axis=1)
        out[~left] = -np.inf
        worst = int(out.argmax())
        if out[worst] < FIT_M:
            break
        left[worst] = False
        planes = np.concatenate([planes, exact[worst : worst + 1]])
        polar.add_points(exact[worst : worst + 1, :3] / -distance[worst])
    return planes
