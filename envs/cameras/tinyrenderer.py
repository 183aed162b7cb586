"""Bullet's own software renderer as a camera: colour with textures, and depth through a z-buffer."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from envs.cameras.frame import Frame, check_range
from envs.world import World
from geometry import FloatArray, PinholeCamera, invert

EMPTY_TOLERANCE = 1e-4
"""TinyRenderer clears its z-buffer to a little below 1; so near the far limit, nothing is there."""
OPENGL_FROM_OPTICAL: FloatArray = np.diag([1.0, -1.0, -1.0, 1.0])
"""From the optical frame (y down, z forward) to OpenGL's eye frame (y up, z backward)."""


class TinyRendererCamera:
    """A colour and depth camera in a world, drawn by Bullet's TinyRenderer.

    Args:
        world: what to look at.
        camera: intrinsics; any principal point.
        near_m: surfaces nearer than this are cut away.
        far_m: surfaces farther than this have no depth.
        shadow: draw shadows; about twice the time.
        segmentation: fill in `Frame.segmentation`; without it every pixel says -1.
    """

    def __init__(
        self,
        world: World,
        camera: PinholeCamera,
        *,
        near_m: float = 0.1,
        far_m: float = 2.0,
        shadow: bool = True,
        segmentation: bool = True,
    ) -> None:
        check_range("TinyRendererCamera", near_m, far_m)
        self.world = world
        self.camera = camera
        self.near_m = near_m
        self.far_m = far_m
        self.shadow = shadow
        self.segmentation = segmentation
        self._projection = projection_matrix(camera, near_m, far_m).T.ravel().tolist()

    def render(self, T_world_camera: ArrayLike) -> Frame:
        """Take an image from a pose (4, 4) of the camera in the world."""
        T = np.array(T_world_camera, dtype=np.float64)
        bullet = self.world.bullet
        shape = (self.camera.height, self.camera.width)
        _, _, rgba, z_buffer, uids = bullet.getCameraImage(
            width=self.camera.width,
            height=self.camera.height,
            viewMatrix=(OPENGL_FROM_OPTICAL @ invert(T)).T.ravel().tolist(),
            projectionMatrix=self._projection,
            shadow=int(self.shadow),
            renderer=bullet.ER_TINY_RENDERER,
            flags=0 if self.segmentation else bullet.ER_NO_SEGMENTATION_MASK,
        )
        z = np.asarray(z_buffer, dtype=np.float32).reshape(shape)
        depth = self.far_m * self.near_m / (self.far_m - (self.far_m - self.near_m) * z)
        seen = depth < self.far_m * (1.0 - EMPTY_TOLERANCE)
        labels = np.asarray(uids, dtype=np.int32).reshape(shape) if self.segmentation else np.full(shape, -1, np.int32)
        return Frame(
            np.where(seen, depth, 0.0).astype(np.float32),
            np.where(seen, labels, -1).astype(np.int32),
            None,
            np.asarray(rgba, dtype=np.uint8).reshape(*shape, 4)[..., :3].copy(),
            self.camera,
            T,
        )


def projection_matrix(camera: PinholeCamera, near_m: float, far_m: float) -> FloatArray:
    """TinyRenderer's projection matrix (4, 4), row-major, for a pinhole camera.

    TinyRenderer samples column u at u / width from the left edge, and row v at (v + 1) / height
    from the top: it takes the lower left corner of a pixel, not its centre. With the principal
    point moved to match, its depth agrees with ray casting to micrometres; with OpenGL's half
    pixel it would be off by about 1.5 mm on a table seen at 45 degrees from 1 m.
    """
    w, h = camera.width, camera.height
    a = -(far_m + near_m) / (far_m - near_m)
    b = -2.0 * far_m * near_m / (far_m - near_m)
    return np.array(
        [
            [2.0 * camera.fx / w, 0.0, 1.0 - 2.0 * camera.cx / w, 0.0],
            [0.0, 2.0 * camera.fy / h, 2.0 * (camera.cy + 1.0) / h - 1.0, 0.0],
            [0.0, 0.0, a, b],
            [0.0, 0.0, -1.0, 0.0],
        ]
    )
