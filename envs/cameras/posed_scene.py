"""Visible shapes in a camera's frame, ready to be met by rays: Open3D's RaycastingScene on Embree."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from envs.cameras.box_rays import box_hits
from envs.cameras.triangles import VisualPart
from geometry import FloatArray, PinholeCamera, invert, transform_points


class PixelRays(NamedTuple):
    """One ray per pixel of a camera, from where z = near_m, with a direction whose z is 1."""

    camera: PinholeCamera
    near_m: float
    rays: NDArray[np.float32]
    """(H, W, 6) origin and direction in the camera frame."""

    @classmethod
    def of(cls, camera: PinholeCamera, near_m: float) -> PixelRays:
        """The rays of a camera that sees nothing nearer than `near_m`."""
        directions = camera.rays()
        return cls(camera, near_m, np.concatenate([directions * near_m, directions], axis=-1).astype(np.float32))


class Sight(NamedTuple):
    """What each of a camera's pixels sees."""

    depth_m: NDArray[np.float32]
    """(H, W) metres along +z; inf where there is nothing."""
    part: NDArray[np.int32]
    """(H, W) index into the list of parts; -1 where there is nothing."""
    normals_camera: NDArray[np.float32]
    """(H, W, 3) unit normals of the triangles, towards the camera; zeros where there is nothing."""
    triangle: NDArray[np.int32]
    """(H, W) triangle of the part; always 0 on boxes."""
    uv: NDArray[np.float32]
    """(H, W, 2) barycentric weights of the triangle's second and third vertex."""


class PosedScene:
    """The parts of a world as one camera pose sees them.

    Args:
        parts: visible shapes with their poses in the world.
        T_world_camera: (4, 4).
        threads: for casting; 0 takes every core. No result depends on it.
    """

    def __init__(self, parts: list[VisualPart], T_world_camera: FloatArray, *, threads: int = 1) -> None:
        self.parts = parts
        self.threads = threads
        T_camera_world = invert(T_world_camera)
        self.T_camera_parts = [T_camera_world @ part.T_world_part for part in parts]
        self._vertices = [
            transform_points(T, part.surface.vertices) for T, part in zip(self.T_camera_parts, parts, strict=True)
        ]
        # Built by one thread: the tree, and with it the last bit of a hit on an edge, must not depend on timing.
        self._scene = o3d.t.geometry.RaycastingScene(nthreads=1)
        for vertices, part in zip(self._vertices, parts, strict=True):
            self._scene.add_triangles(
                o3d.core.Tensor.from_numpy(vertices.astype(np.float32)),
                o3d.core.Tensor.from_numpy(part.surface.triangles),
            )

    def look(self, pixels: PixelRays, *, normals: bool = True) -> Sight:
        """Meet every pixel's ray: one box in closed form, the rest by Embree where it may stand.

        Without `normals` they stay zero, as do triangle numbers and weights.
        """
        camera = pixels.camera
        shape = (camera.height, camera.width)
        windows = [_window(vertices, camera, pixels.near_m) for vertices in self._vertices]
        backdrop = self._backdrop(windows)
        busy = np.zeros(shape, dtype=bool)
        for index, window in enumerate(windows):
            if index != backdrop:
                busy[window] = True
        sight = Sight(
            np.full(shape, np.inf, np.float32),
            np.full(shape, -1, np.int32),
            np.zeros((*shape, 3), np.float32),
            np.zeros(shape, np.int32),
            np.zeros((*shape, 2), np.float32),
        )
        if backdrop is not None:
            self._see_box(sight, backdrop, pixels, normals)
        if busy.any():
            self._see_all(sight, busy, pixels, normals)
        return sight

    def occluded(self, rays: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Whether rays (N, 6), origin and direction in the camera frame, meet anything."""
        hit: NDArray[np.bool_] = self._scene.test_occlusions(
            o3d.core.Tensor.from_numpy(rays), nthreads=self.threads
        ).numpy()
        return hit

    def _backdrop(self, windows: list[tuple[slice, slice]]) -> int | None:
        """The box that fills most of the image."""
        boxes = [i for i, part in enumerate(self.parts) if part.surface.half_extents_m is not None]
        return max(boxes, key=lambda i: _area(windows[i]), default=None)

    def _see_box(self, sight: Sight, index: int, pixels: PixelRays, normals: bool) -> None:
        half = self.parts[index].surface.half_extents_m
        assert half is not None
        hits = box_hits(pixels.camera, self.T_camera_parts[index], half, pixels.near_m, normals=normals)
        sight.depth_m[:] = hits.depth_m
        sight.part[np.isfinite(hits.depth_m)] = index
        if hits.normals_camera is not None:
            sight.normals_camera[:] = hits.normals_camera

    def _see_all(self, sight: Sight, where: NDArray[np.bool_], pixels: PixelRays, normals: bool) -> None:
        rays = pixels.rays[where]
        answer = self._scene.cast_rays(o3d.core.Tensor.from_numpy(rays), nthreads=self.threads)
        sight.depth_m[where] = answer["t_hit"].numpy() + np.float32(pixels.near_m)
        sight.part[where] = answer["geometry_ids"].numpy().view(np.int32)  # the id of a miss is -1
        if normals:
            turned = answer["primitive_normals"].numpy()
            turned[np.einsum("nc,nc->n", turned, rays[:, 3:]) > 0.0] *= -1.0
            sight.normals_camera[where] = turned
            sight.triangle[where] = np.maximum(answer["primitive_ids"].numpy().view(np.int32), 0)
            sight.uv[where] = answer["primitive_uvs"].numpy()


def _window(vertices_camera: FloatArray, camera: PinholeCamera, near_m: float) -> tuple[slice, slice]:
    """Rows and columns of the image that hold the projected vertices; all of them if one is behind `near_m`."""
    if not len(vertices_camera) or vertices_camera[:, 2].min() <= near_m:
        return slice(0, camera.height), slice(0, camera.width)
    uv = camera.project(vertices_camera)
    low = np.clip(np.floor(uv.min(axis=0)) - 1, 0, (camera.width, camera.height)).astype(int)
    high = np.clip(np.ceil(uv.max(axis=0)) + 2, 0, (camera.width, camera.height)).astype(int)
    return slice(low[1], high[1]), slice(low[0], high[0])


def _area(window: tuple[slice, slice]) -> int:
    rows, columns = window
    return int(max(rows.stop - rows.start, 0) * max(columns.stop - columns.start, 0))
