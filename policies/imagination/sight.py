"""What one look says about places: seen through, on a surface, or hidden behind one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, PinholeCamera, invert, transform_points
from perception.grasping import TableScene

_TABLE_BAND_M = 0.02


@dataclass(frozen=True)
class Sight:
    """A cleaned depth image with an object's number at each pixel. Places are given in the table frame."""

    depth_m: FloatArray
    """(H, W) depth of the first surface; infinite where the camera saw nothing."""
    labels: NDArray[np.int64]
    """(H, W) number of the object at each pixel, -1 for none."""
    camera: PinholeCamera
    """Intrinsics of both."""
    T_camera_table: FloatArray
    """(4, 4)."""

    @staticmethod
    def of(scene: TableScene, labels: NDArray[np.int64]) -> Sight:
        """The sight of a scene whose objects are told apart; the table is taken as flat as it is."""
        depth = np.where(scene.depth_m > 0.0, scene.depth_m, np.inf)
        if scene.has_table:
            falling = scene.camera.rays() @ scene.T_table_camera[2, :3]
            with np.errstate(divide="ignore", invalid="ignore"):
                to_table = np.where(falling < 0.0, -scene.T_table_camera[2, 3] / falling, np.inf)
                on_table = (scene.depth_m > 0.0) & (labels < 0) & (scene.points[..., 2] < _TABLE_BAND_M)
            depth = np.where(on_table, to_table, depth)
        return Sight(depth, labels, scene.camera, invert(scene.T_table_camera))

    def depth_behind(self, points: FloatArray) -> tuple[FloatArray, NDArray[np.int64]]:
        """How far behind the seen surface points (N, 3) lie, along the optical axis, and whose surface it is.

        Returns:
            (N,) metres, negative where the camera looked through the place; infinite where it saw nothing
            there or the place is outside the image, which counts as hidden. (N,) object numbers, -1 for none.
        """
        local = transform_points(self.T_camera_table, points)
        z = local[:, 2]
        safe = np.maximum(z, 1e-3)
        u = np.rint(self.camera.fx * local[:, 0] / safe + self.camera.cx).astype(np.int64)
        v = np.rint(self.camera.fy * local[:, 1] / safe + self.camera.cy).astype(np.int64)
        inside = (z > 1e-3) & (u >= 0) & (u < self.camera.width) & (v >= 0) & (v < self.camera.height)
        u, v = np.where(inside, u, 0), np.where(inside, v, 0)
        surface = self.depth_m[v, u]
        known = inside & np.isfinite(surface)
        return np.where(known, z - np.where(known, surface, 0.0), np.inf), np.where(inside, self.labels[v, u], -1)
