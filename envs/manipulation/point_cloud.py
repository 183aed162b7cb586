"""Point clouds of a fixed count from a camera's frame."""

from __future__ import annotations

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envs.cameras import Frame
from envs.manipulation.camera_settings import CameraSettings


class PointClouds:
    """Clouds in the world's frame, without what is outside the region of interest and without the robot.

    Points are drawn from the pixels without repetition while there are enough of them, else every pixel
    is there at least once; a cloud of nothing is zeros. Pose and intrinsics are those of the settings, as a
    robot knows them from its calibration: where randomisation moves the camera, the cloud moves.

    Args:
        settings: camera, count, region.
    """

    def __init__(self, settings: CameraSettings) -> None:
        self.settings = settings
        T = settings.T_world_camera
        self._rays_world = (settings.intrinsics().rays() @ T[:3, :3].T).reshape(-1, 3).astype(np.float32)
        self._eye = T[:3, 3].astype(np.float32)
        self._lower = np.array(settings.lower_m, dtype=np.float32)
        self._upper = np.array(settings.upper_m, dtype=np.float32)

    @property
    def space(self) -> spaces.Box:
        """(points * 3,) or (points * 6,) float32, point after point."""
        low, high = np.minimum(self._lower, np.float32(0.0)), np.maximum(self._upper, np.float32(0.0))
        if self.settings.points_rgb:
            low, high = np.append(low, np.zeros(3, np.float32)), np.append(high, np.ones(3, np.float32))
        count = self.settings.points
        return spaces.Box(np.tile(low, count), np.tile(high, count), dtype=np.float32)

    def cloud(
        self,
        depth_m: NDArray[np.float32],
        frame: Frame,
        robot_uid: int,
        rng: np.random.Generator,
    ) -> NDArray[np.float32]:
        """A cloud as in `space`.

        Args:
            depth_m: (H, W) depth to use, which may be worse than the frame's.
            frame: its segmentation and colour; colour may be missing unless `points_rgb`.
            robot_uid: body to leave out unless `keep_robot`.
            rng: draws the pixels.
        """
        depth = depth_m.ravel()
        wanted = depth > 0.0
        if not self.settings.keep_robot:
            wanted &= frame.segmentation.ravel() != robot_uid
        pixels = np.flatnonzero(wanted)
        points = self._rays_world[pixels]
        points *= depth[pixels, None]
        points += self._eye
        inside = ((points >= self._lower) & (points <= self._upper)).all(axis=1)
        points = points[inside]
        if self.settings.points_rgb:
            assert frame.rgb is not None
            rgb = frame.rgb.reshape(-1, 3)[pixels[inside]]
            points = np.concatenate([points, rgb * np.float32(1.0 / 255.0)], axis=1)
        return _of_size(points, self.settings.points, rng).ravel()


def _of_size(points: NDArray[np.float32], count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """(count, C) of points (M, C) in random order; each of them once before any of them twice."""
    found = len(points)
    if not found:
        return np.zeros((count, points.shape[1]), dtype=np.float32)
    order = rng.permutation(found)
    if found < count:
        order = np.append(order, rng.integers(found, size=count - found))
    return points[order[:count]]
