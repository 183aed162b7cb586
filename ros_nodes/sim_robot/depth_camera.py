"""The depth camera: what it sees is captured between two steps of the world, and drawn by another thread."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.cameras import RaycastCamera, VisualPart, parts_in_view, visual_parts
from envs.clutter import Dialect, needs_normals, noisy_depth
from envs.world import World
from geometry import FloatArray


class Shot(NamedTuple):
    """A scene as it stood at one moment, and the camera before it."""

    parts: list[VisualPart]
    """What can be seen."""
    T_world_camera: FloatArray
    """(4, 4) pose of the camera's optical frame."""
    time_ns: int
    """When."""


class DepthCamera:
    """A depth camera in a scene.

    Args:
        world: of the scene.
        sensing: intrinsics and noise.
        rng: draws the noise; `develop` alone uses it.
        noise: "scene" is that of `sensing`; else "dex", "structured light" or "none".
    """

    def __init__(self, world: World, sensing: Dialect, rng: np.random.Generator, noise: str = "scene") -> None:
        self._world, self._rng = world, rng
        self.sensing = sensing if noise == "scene" else replace(sensing, depth_noise=noise, cloud_sigma_m=0.0)  # type: ignore[arg-type]
        self._camera = RaycastCamera(world, sensing.camera)

    def capture(self, T_world_camera: FloatArray, time_ns: int) -> Shot:
        """Note where everything stands; in the thread that steps the world."""
        parts = parts_in_view(visual_parts(self._world), T_world_camera, self.sensing.camera)
        return Shot(parts, T_world_camera, time_ns)

    def develop(self, shot: Shot) -> NDArray[np.float32]:
        """(H, W) metres along the optical axis, 0 where there is no return; in any one thread."""
        frame = self._camera.render_parts(shot.parts, shot.T_world_camera, normals=needs_normals(self.sensing))
        depth_m = noisy_depth(frame, self.sensing, self._rng)
        if self.sensing.cloud_sigma_m == 0.0:
            return depth_m
        jitter_m = self._rng.normal(0.0, self.sensing.cloud_sigma_m, depth_m.shape)
        return np.where(depth_m > 0.0, depth_m + jitter_m, 0.0).astype(np.float32)
