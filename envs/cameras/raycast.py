"""A depth camera by ray casting, with segmentation, normals and, if asked, a shaded colour image."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from envs.cameras.frame import Frame, check_range
from envs.cameras.posed_scene import PixelRays, PosedScene
from envs.cameras.shading import Lighting, shade
from envs.cameras.triangles import VisualPart, visual_parts
from envs.world import World
from geometry import PinholeCamera


class RaycastCamera:
    """A depth camera in a world; its images are exact, without noise, and repeatable bit for bit.

    The world's triangles are moved into the camera's frame for every image, so the rays never
    change, and a ray whose direction has z = 1 meets the surface at its depth. Both sides of
    a triangle are seen, and what lies nearer than `near_m` is looked through.

    Args:
        world: what to look at; bodies may come, go and move between images.
        camera: intrinsics.
        near_m: surfaces nearer than this are not seen.
        far_m: surfaces farther than this have no depth; colour sees them.
        lighting: how colour images are lit.
        threads: for casting; 0 takes every core. The image does not depend on it.
    """

    def __init__(
        self,
        world: World,
        camera: PinholeCamera,
        *,
        near_m: float = 0.1,
        far_m: float = 2.0,
        lighting: Lighting | None = None,
        threads: int = 1,
    ) -> None:
        check_range("RaycastCamera", near_m, far_m)
        self.world = world
        self.camera = camera
        self.far_m = far_m
        self.lighting = Lighting() if lighting is None else lighting
        self.threads = threads
        self._pixels = PixelRays.of(camera, near_m)
        self._fine_pixels: PixelRays | None = None

    def render(self, T_world_camera: ArrayLike, *, color: bool = False, normals: bool = True) -> Frame:
        """Take an image.

        Args:
            T_world_camera: (4, 4) pose of the camera in the world.
            color: also shade a colour image, with shadows.
            normals: also give the surface normals.
        """
        return self.render_parts(visual_parts(self.world), T_world_camera, color=color, normals=normals)

    def render_parts(
        self, parts: list[VisualPart], T_world_camera: ArrayLike, *, color: bool = False, normals: bool = True
    ) -> Frame:
        """Take an image of shapes as they stood; the world is not asked, so that another thread may step it meanwhile.

        Args:
            parts: from `visual_parts`.
            T_world_camera: (4, 4) pose of the camera in the world.
            color: also shade a colour image, with shadows.
            normals: also give the surface normals.
        """
        T = np.array(T_world_camera, dtype=np.float64)
        scene = PosedScene(parts, T, threads=self.threads)
        sight = scene.look(self._pixels, normals=normals or color)
        rgb = None
        if color:
            fine = self._color_pixels()
            fine_sight = sight if fine is self._pixels else scene.look(fine)
            rgb = shade(scene, fine_sight, fine, T, self.lighting)
        seen = sight.depth_m <= self.far_m
        sight.normals_camera[~seen & np.isfinite(sight.depth_m)] = 0.0
        uids = np.array([part.body_uid for part in parts] + [-1], dtype=np.int32)
        return Frame(
            np.where(seen, sight.depth_m, np.float32(0.0)),
            np.where(seen, uids[sight.part], np.int32(-1)),
            sight.normals_camera if normals else None,
            rgb,
            self.camera,
            T,
        )

    def _color_pixels(self) -> PixelRays:
        """The rays of colour images: those of the depth image, or finer ones."""
        if self._fine_pixels is None:
            step = self.lighting.supersample
            fine = PixelRays.of(self.camera.scaled(step), self._pixels.near_m) if step > 1 else self._pixels
            self._fine_pixels = fine
        return self._fine_pixels
