"""Where the rays of a camera meet convex polyhedra, many small ones at once, without a search tree.

With inverse depth w = 1 / z, a face seen along the ray (u, v, 1) bounds w by an affine function of
the pixel: from above if the camera is on its outer side, from below if not. So a polyhedron is
entered at the least upper bound and left at the greatest lower one. The pixels that a polyhedron
may cover are cut into tiles, and one matrix product gives all bounds in all tiles, because the
pixels' offsets within a tile are the same everywhere.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, PinholeCamera

TILE = 8
"""Rows and columns of a tile."""
CHUNK = 48
"""Tiles that are met at once: their bounds stay in the processor's cache."""
EDGE_ON_M = 1e-9
"""A camera this near to a face's plane is on its outer side."""
NO_BOUND = 1e30
"""Upper bound by a face that sets none."""

Integers = NDArray[np.intp]
Floats = NDArray[np.float32]


class NearestFaces:
    """An image under construction: the nearest face in each of its pixels so far."""

    def __init__(self, pixels: int) -> None:
        self.inverse_depth = np.zeros(pixels, np.float32)
        """(H * W,) 1 / metres; 0 is infinitely far."""
        self.face = np.zeros(pixels, np.intp)
        """(H * W,) number of the face."""

    def clear(self, nothing: int) -> None:
        """Make every pixel infinitely far, with the face number `nothing`."""
        self.inverse_depth.fill(0.0)
        self.face.fill(nothing)

    def copy_from(self, other: NearestFaces) -> None:
        """Take over another image."""
        np.copyto(self.inverse_depth, other.inverse_depth)
        np.copyto(self.face, other.face)


class _Tiles(NamedTuple):
    """Tiles of the image that polyhedra may cover; those at its edges may overlap, which changes nothing."""

    owner: Integers
    """(T,) number of the polyhedron."""
    top: Integers
    """(T,) first row."""
    left: Integers
    """(T,) first column."""
    near: NDArray[np.bool_]
    """(T,) whether some of the polyhedron may be too near."""

    def some(self, start: int) -> _Tiles:
        which = slice(start, start + CHUNK)
        return _Tiles(self.owner[which], self.top[which], self.left[which], self.near[which])


class ConvexRays:
    """The rays of a camera that looks through whatever is nearer than `near_m`."""

    def __init__(self, camera: PinholeCamera, near_m: float) -> None:
        self.camera = camera
        self.near_m = near_m
        self._shape = min(TILE, camera.height), min(TILE, camera.width)
        rows, columns = np.indices(self._shape).reshape(2, -1)
        self._offsets = rows * camera.width + columns
        self._rays = np.stack([columns / camera.fx, rows / camera.fy, np.ones(rows.shape)]).astype(np.float32)

    def draw(
        self,
        image: NearestFaces,
        planes: FloatArray,
        corners: FloatArray,
        T_frame_camera: FloatArray,
        *,
        first: int = 0,
        tell_faces: bool = True,
    ) -> None:
        """Draw polyhedra into an image.

        Args:
            image: what is there already.
            planes: (P, F, 4) outward planes, each polyhedron's in its own frame; the last is (0, 0, 0, -1),
                which is none, and so may be others.
            corners: (P, 8, 3) metres, corners of a box around each.
            T_frame_camera: (P, 4, 4) pose of the camera in each frame.
            first: number of the first face of the first polyhedron; each polyhedron takes F numbers.
            tell_faces: if not, all faces of a polyhedron get the number of its first, which is faster.
        """
        bounds = _bounds(planes, T_frame_camera)
        tiles = self._tiles(corners, T_frame_camera)
        for start in range(0, len(tiles.owner), CHUNK):
            some = tiles.some(start)
            above, below = self._in_tiles(bounds, some)
            inverse, leave = np.minimum.reduce(above), np.maximum.reduce(below)
            if some.near.any():
                inverse, above = self._beyond_near(inverse, leave, above, below)
                leave = np.zeros_like(leave)
            hit = np.flatnonzero(inverse > leave)
            tile, offset = np.divmod(hit, len(self._offsets))
            pixel = (some.top * self.camera.width + some.left).take(tile) + self._offsets.take(offset)
            inverse = inverse.take(hit)
            np.maximum.at(image.inverse_depth, pixel, inverse)
            won = np.flatnonzero(inverse == image.inverse_depth.take(pixel))
            face = (first + some.owner * planes.shape[1]).take(tile.take(won))
            if tell_faces:
                face += above.reshape(len(above), -1)[:, hit.take(won)].argmin(axis=0)
            image.face[pixel.take(won)] = face

    def _tiles(self, corners: FloatArray, T_frame_camera: FloatArray) -> _Tiles:
        """The tiles of every polyhedron's window."""
        size = self.camera.height, self.camera.width
        low, high, near = self._windows(corners, T_frame_camera)
        counts = np.maximum(-((low - high) // self._shape), 0)
        each = counts[:, 0] * counts[:, 1]
        owner = np.repeat(np.arange(len(each)), each)
        number = np.arange(len(owner)) - (np.cumsum(each) - each).take(owner)
        row, column = np.divmod(number, counts[:, 1].take(owner))
        top = np.minimum(low[:, 0].take(owner) + row * self._shape[0], size[0] - self._shape[0])
        left = np.minimum(low[:, 1].take(owner) + column * self._shape[1], size[1] - self._shape[1])
        return _Tiles(owner, top, left, near.take(owner))

    def _windows(self, corners: FloatArray, T_frame_camera: FloatArray) -> tuple[Integers, Integers, NDArray[np.bool_]]:
        """First row and column (P, 2) that each polyhedron may cover, those after the last, and whether it is near."""
        camera = self.camera
        points = ((corners - T_frame_camera[:, None, :3, 3]) @ T_frame_camera[:, :3, :3]).transpose(2, 1, 0)
        x, y, z = points
        near = np.minimum.reduce(z) <= self.near_m
        scale = 1.0 / np.maximum(z, self.near_m)
        row = y * (camera.fy * scale) + camera.cy
        column = x * (camera.fx * scale) + camera.cx
        ends = np.empty((2, len(corners), 2))
        np.minimum.reduce(row, out=ends[0, :, 0])
        np.minimum.reduce(column, out=ends[0, :, 1])
        np.maximum.reduce(row, out=ends[1, :, 0])
        np.maximum.reduce(column, out=ends[1, :, 1])
        np.floor(ends, out=ends)
        ends[1] += 1.0
        size = (camera.height, camera.width)
        if near.any():
            ends[0, near] = 0.0
            ends[1, near] = np.where((z[:, near].max(axis=0) > self.near_m)[:, None], size, 0.0)
        np.minimum(np.maximum(ends, 0.0, out=ends), size, out=ends)
        low, high = ends.astype(np.intp)
        return low, high, near

    def _in_tiles(self, bounds: FloatArray, tiles: _Tiles) -> tuple[Floats, Floats]:
        """Upper and lower bounds (F, T, N) of the N pixels of every tile."""
        camera = self.camera
        corner = bounds.take(tiles.owner, axis=1)
        shift = corner[..., 0] * ((tiles.left - camera.cx) / camera.fx)
        shift += corner[..., 1] * ((tiles.top - camera.cy) / camera.fy)
        corner[..., 2] += shift
        product = corner.astype(np.float32).reshape(-1, 3) @ self._rays
        above, below = product.reshape(2, -1, len(tiles.owner), len(self._offsets))
        return above, below

    def _beyond_near(self, enter: Floats, leave: Floats, above: Floats, below: Floats) -> tuple[Floats, Floats]:
        """Inverse depth where rays from `near_m` on meet a surface, from within if they start there; 0 where none.

        Also bounds (F, T, N) of which the face met has the least.
        """
        limit = np.float32(1.0 / self.near_m)
        outside = enter <= limit
        inverse = np.where(outside, enter, leave)
        inverse[(enter <= leave) | (inverse > limit)] = 0.0
        return inverse, np.where(outside, above, -below)


def _bounds(planes: FloatArray, T_frame_camera: FloatArray) -> FloatArray:
    """Factors (2 F, P, 3) of the ray (u, v, 1) in the bounds on inverse depth, from above, then from below."""
    planes_camera = (planes @ T_frame_camera).transpose(1, 0, 2)
    above = planes_camera[..., 3:].copy()
    above[np.abs(above) < EDGE_ON_M] = EDGE_ON_M
    count, owners, _ = planes_camera.shape
    bounds = np.zeros((2, count, owners, 3))
    bounds[0, ..., 2] = NO_BOUND
    outer = above > 0.0
    np.divide(planes_camera[..., :3], -above, out=bounds[0], where=outer)
    np.divide(planes_camera[..., :3], -above, out=bounds[1], where=~outer)
    return bounds.reshape(2 * count, owners, 3)
