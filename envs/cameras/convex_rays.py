"""Where the rays of a camera meet convex polyhedra, many small ones at once, without a search tree.

With inverse depth w = 1 / z, a face seen along the ray (u, v, 1) bounds w by an affine function of
the pixel: from above if the camera is on its outer side, from below if not. So a polyhedron is
entered at the least upper bound and left at the greatest lower one. The pixels that a polyhedron
may cover are cut into tiles, and one matrix product gives all bounds in all tiles, because the
pixels' offsets within a tile are the same everywhere.

Images of 64 x 64 are so small that calls of NumPy cost as much as what they compute: there are few
of them, on arrays whose last axis counts polyhedra or tiles.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, PinholeCamera

TILE = 8
"""Rows and columns of a tile."""
CHUNK = 96
"""Tiles that are met at once: their bounds stay in the processor's cache."""
EDGE_ON_M = 1e-9
"""A camera this near to a face's plane is on its outer side."""
NO_BOUND = 1e30
"""Upper bound by a face that sets none; minus that is such a lower bound."""
_FACE, _INVERSE = (0, 1) if sys.byteorder == "little" else (1, 0)

Integers = NDArray[np.intp]
Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


class NearestFaces:
    """An image under construction: the nearest face in each of its pixels so far, a row (H * W) of each.

    Inverse depth and face number share 64 bits, inverse depth above: the greatest such number is the nearest face,
    and of equally near ones that with the highest number.
    """

    def __init__(self, pixels: int) -> None:
        self._both = np.zeros((pixels, 2), np.uint32)
        self._keys = self._both.view(np.uint64)[:, 0]
        self.face: NDArray[np.uint32] = self._both[:, _FACE]
        """(H * W,) number of the face."""
        self.inverse_depth: Floats = self._both[:, _INVERSE].view(np.float32)
        """(H * W,) 1 / metres; 0 is infinitely far."""

    def clear(self, nothing: int) -> None:
        """Make every pixel infinitely far, with the face number `nothing`."""
        self.inverse_depth.fill(0.0)
        self.face.fill(nothing)

    def copy_from(self, other: NearestFaces) -> None:
        """Take over another image."""
        np.copyto(self._keys, other._keys)

    def add(self, pixel: Integers, inverse_depth: Floats, face: Integers) -> None:
        """Put points (N,) into pixels, where they are nearer than what is there; pixels may repeat."""
        both = np.empty((len(pixel), 2), np.uint32)
        both[:, _FACE] = face
        both[:, _INVERSE] = inverse_depth.view(np.uint32)
        np.maximum.at(self._keys, pixel, both.view(np.uint64)[:, 0])


class _Tiles(NamedTuple):
    """Tiles of the image that polyhedra may cover; those at its edges may overlap, which changes nothing."""

    owner: Integers
    """(T,) number of the polyhedron."""
    start: Integers
    """(2, T) first column, first row."""
    near: Bools | None
    """(T,) whether some of the polyhedron may be too near; None where none is."""

    def some(self, first: int) -> _Tiles:
        """A chunk of them."""
        which = slice(first, first + CHUNK)
        return _Tiles(self.owner[which], self.start[:, which], None if self.near is None else self.near[which])


class ConvexRays:
    """The rays of a camera that looks through whatever is nearer than `near_m`."""

    def __init__(self, camera: PinholeCamera, near_m: float) -> None:
        self.camera = camera
        self.near_m = near_m
        height, width = min(TILE, camera.height), min(TILE, camera.width)
        rows, columns = np.indices((height, width)).reshape(2, -1)
        self._offsets = rows * camera.width + columns
        self._rays = np.stack([columns / camera.fx, rows / camera.fy, np.ones(rows.shape)]).astype(np.float32)
        self._focal, self._middle, self._size, self._tile = (
            np.array(pair)[:, None]
            for pair in (
                (camera.fx, camera.fy),
                (camera.cx, camera.cy),
                (camera.width, camera.height),
                (width, height),
            )
        )
        self._room = np.empty(0, np.float32)

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
            some = tiles if len(tiles.owner) <= CHUNK else tiles.some(start)
            above, below = self._in_tiles(bounds, some)
            inverse, leave = np.minimum.reduce(above), np.maximum.reduce(below)
            if some.near is not None:
                inverse, above = self._beyond_near(inverse, leave, above, below)
                leave = np.zeros_like(leave)
            hit = (inverse > leave).ravel().nonzero()[0]
            tile, offset = np.divmod(hit, len(self._offsets))
            pixel = (some.start[1] * self.camera.width + some.start[0]).take(tile) + self._offsets.take(offset)
            face = (first + some.owner * planes.shape[1]).take(tile)
            inverse = inverse.take(hit)
            image.add(pixel, inverse, face)
            if tell_faces:
                won = ((image.face.take(pixel) == face) & (image.inverse_depth.take(pixel) == inverse)).nonzero()[0]
                nearest = above.reshape(len(above), -1)[:, hit.take(won)].argmin(axis=0)
                image.face[pixel.take(won)] = face.take(won) + nearest

    def _tiles(self, corners: FloatArray, T_frame_camera: FloatArray) -> _Tiles:
        """The tiles of every polyhedron's window."""
        low, high, near = self._windows(corners, T_frame_camera)
        counts = -((low - high) // self._tile)
        each = counts[0] * counts[1]
        owner = np.arange(len(each)).repeat(each)
        number = np.arange(len(owner)) - (each.cumsum() - each).take(owner)
        row, column = np.divmod(number, counts[0].take(owner))
        start = low.take(owner, axis=1)
        start[0] += column * self._tile[0]
        start[1] += row * self._tile[1]
        np.minimum(start, self._size - self._tile, out=start)
        return _Tiles(owner, start, None if near is None else near.take(owner))

    def _windows(self, corners: FloatArray, T_frame_camera: FloatArray) -> tuple[Integers, Integers, Bools | None]:
        """First column and row (2, P) that each polyhedron may cover, those after the last, and which are near."""
        points = (corners - T_frame_camera[:, None, :3, 3]) @ T_frame_camera[:, :3, :3]
        x_y_z = np.ascontiguousarray(points.transpose(2, 1, 0))
        z = x_y_z[2]
        near = np.minimum.reduce(z) <= self.near_m if z.size and z.min() <= self.near_m else None
        if near is not None:
            z = np.maximum(z, self.near_m)
        seen = x_y_z[:2] * (self._focal[:, None] * (1.0 / z))
        ends = np.empty((2, 2, len(corners)))
        np.minimum.reduce(seen, axis=1, out=ends[0])
        np.maximum.reduce(seen, axis=1, out=ends[1])
        ends += self._middle
        np.floor(ends, out=ends)
        ends[1] += 1.0
        if near is not None:
            ends[0, :, near] = 0.0
            ends[1, :, near] = np.where(x_y_z[2, :, near].max(axis=1) > self.near_m, self._size, 0.0).T
        np.minimum(np.maximum(ends, 0.0, out=ends), self._size, out=ends)
        low, high = ends.astype(np.intp)
        return low, high, near

    def _in_tiles(self, bounds: FloatArray, tiles: _Tiles) -> tuple[Floats, Floats]:
        """Upper and lower bounds (F, T, N) of the N pixels of every tile."""
        here = bounds.take(tiles.owner, axis=2)
        _, faces, count = here.shape
        left, top = (tiles.start - self._middle) / self._focal
        here[2:] += here[0] * left + here[1] * top
        factors = np.empty((3, 2, faces, count), np.float32)
        factors[:2] = here[:2, None]
        factors[2] = here[2:]
        rows, pixels = 2 * faces * count, len(self._offsets)
        if self._room.size < rows * pixels:
            self._room = np.empty(rows * pixels, np.float32)
        product = self._room[: rows * pixels].reshape(rows, pixels)
        np.matmul(factors.reshape(3, rows).T, self._rays, out=product)
        above, below = product.reshape(2, faces, count, pixels)
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
    """(4, F, P) factors a, b of the ray (u, v, 1) in the bounds, and c where from above, and c where from below."""
    planes_camera = np.ascontiguousarray((planes @ T_frame_camera).transpose(2, 1, 0))
    outside = planes_camera[3]
    outside[np.abs(outside) < EDGE_ON_M] = EDGE_ON_M
    outer = outside > 0.0
    bounds = np.empty_like(planes_camera)
    np.divide(planes_camera[:3], -outside, out=bounds[:3])
    bounds[3] = np.where(outer, -NO_BOUND, bounds[2])
    np.copyto(bounds[2], NO_BOUND, where=~outer)
    return bounds
