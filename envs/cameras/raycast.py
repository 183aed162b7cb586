"""A depth camera by ray casting: Open3D's RaycastingScene, which runs on Embree.

The world's triangles are moved into the camera's frame for every image, so the rays never
change, and one ray of z-length 1 per pixel meets the surface at t = depth.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import open3d as o3d
from numpy.typing import ArrayLike, NDArray

from envs.cameras.frame import Frame
from envs.cameras.triangles import VisualPart, visual_parts
from envs.world import World
from geometry import FloatArray, InputError, PinholeCamera, invert, transform_points


class RaycastCamera:
    """A depth camera in a world; its images are exact, without noise, and repeatable bit for bit.

    Both sides of a triangle are seen, and what lies nearer than `near_m` is looked through.

    Args:
        world: what to look at; bodies may come, go and move between images.
        camera: intrinsics.
        near_m: surfaces nearer than this are not seen.
        far_m: surfaces farther than this are not seen.
        threads: for casting; 0 takes every core. The image does not depend on it.
    """

    def __init__(
        self, world: World, camera: PinholeCamera, *, near_m: float = 0.1, far_m: float = 2.0, threads: int = 1
    ) -> None:
        check_range("RaycastCamera", near_m, far_m)
        self.world = world
        self.camera = camera
        self.near_m = near_m
        self.far_m = far_m
        self.threads = threads
        directions = camera.rays()
        rays = np.concatenate([directions * near_m, directions], axis=-1).astype(np.float32)
        self._rays = o3d.core.Tensor.from_numpy(rays)

    def render(self, T_world_camera: ArrayLike) -> Frame:
        """Take an image from a pose (4, 4) of the camera in the world."""
        T = np.array(T_world_camera, dtype=np.float64)
        parts = visual_parts(self.world)
        shape = (self.camera.height, self.camera.width)
        if not parts:
            nothing = np.zeros(shape, np.float32)
            return Frame(nothing, np.full(shape, -1, np.int32), np.zeros((*shape, 3), np.float32), None, self.camera, T)
        hits = self._cast(parts, T)
        uids = np.array([part.body_uid for part in parts] + [-1], dtype=np.int32)
        return Frame(hits.depth_m, uids[hits.part], hits.normals_camera, None, self.camera, T)

    def _cast(self, parts: list[VisualPart], T_world_camera: FloatArray) -> _Hits:
        # Built by one thread: the tree, and with it the last bit of a hit on an edge, must not depend on timing.
        scene = o3d.t.geometry.RaycastingScene(nthreads=1)
        T_camera_world = invert(T_world_camera)
        for part in parts:
            vertices = transform_points(T_camera_world @ part.T_world_part, part.surface.vertices)
            scene.add_triangles(
                o3d.core.Tensor.from_numpy(vertices.astype(np.float32)),
                o3d.core.Tensor.from_numpy(part.surface.triangles),
            )
        answer = scene.cast_rays(self._rays, nthreads=self.threads)
        depth = answer["t_hit"].numpy() + np.float32(self.near_m)
        seen = depth <= self.far_m
        normals = answer["primitive_normals"].numpy()
        # Towards the camera: against the ray. A triangle's own side depends on its winding.
        away = np.einsum("hwc,hwc->hw", normals, self._rays.numpy()[..., 3:]) > 0.0
        normals = normals * np.where(seen, np.where(away, -1, 1), 0).astype(np.float32)[..., None]
        index = np.where(seen, answer["geometry_ids"].numpy().astype(np.int64), -1)
        return _Hits(np.where(seen, depth, np.float32(0.0)), index, normals)


class _Hits(NamedTuple):
    depth_m: NDArray[np.float32]
    part: NDArray[np.int64]
    normals_camera: NDArray[np.float32]


def check_range(where: str, near_m: float, far_m: float) -> None:
    """Raise InputError unless 0 < near < far."""
    if not (np.isfinite(far_m) and 0.0 < near_m < far_m):
        raise InputError(where, expected="0 < near_m < far_m", got=f"near_m={near_m}, far_m={far_m}")
