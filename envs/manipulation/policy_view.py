"""The images and clouds of a policy's camera, with the faults of the running episode."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from gymnasium.spaces import Box, Space
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from envs.cameras import Frame
from envs.cameras.policy_camera import PolicyCamera
from envs.manipulation.camera_settings import CameraSettings
from envs.manipulation.point_cloud import PointClouds
from envs.manipulation.randomization import Draw, Randomization
from envs.manipulation.tabletop import Tabletop
from envs.manipulation.variation import Variation
from geometry import transform

LIGHT_DIRECTION = (0.35, 0.55, 1.0)
"""From the scene towards the light, in the world."""
AMBIENT = 0.4
"""Share of the light that comes from everywhere."""
_HOLE_PX = 3

Views = dict[str, NDArray[Any]]


class PolicyView:
    """Looks at the scene for the observation.

    Args:
        parts: any of "depth", "rgb" and "pointcloud".
        settings: the camera.
        variation: worlds, draw and noise of the running episode.
    """

    def __init__(self, parts: Iterable[str], settings: CameraSettings, variation: Variation) -> None:
        self.parts = tuple(parts)
        self.settings = settings
        self._variation = variation
        self._faults = variation.randomization or Randomization()
        self._clouds = PointClouds(settings)
        self._color = "rgb" in self.parts or ("pointcloud" in self.parts and settings.points_rgb)
        self._only_depth = self.parts == ("depth",)
        self._cameras: WeakKeyDictionary[Tabletop, PolicyCamera] = WeakKeyDictionary()
        self._camera: PolicyCamera | None = None
        self._T_world_camera = settings.T_world_camera
        self._last: Views = {}

    def spaces(self) -> dict[str, Space[Any]]:
        """The space of each part."""
        return {part: self._space(part) for part in self.parts}

    def begin(self, scene: Tabletop) -> None:
        """Set the camera up for a new episode."""
        draw, settings = self._variation.draw, self.settings
        self._last = {}
        turned = transform(Rotation.from_rotvec(draw.camera_turn_rad).as_matrix(), draw.camera_shift_m)
        self._T_world_camera = settings.T_world_camera @ turned
        camera = self._cameras.get(scene)
        if camera is None or self._variation.randomization is not None:
            camera = _camera(scene, settings, draw)  # shapes are remembered: this takes 2 ms
            self._cameras[scene] = camera
        self._camera = camera

    def see(self, scene: Tabletop) -> Views:
        """The images and clouds now, or the last ones where a frame is dropped."""
        faults = self._faults
        if faults.dropped_frames > 0.0 and self._variation.noise.random() < faults.dropped_frames and self._last:
            return {name: view.copy() for name, view in self._last.items()}
        assert self._camera is not None
        frame = None if self._only_depth else self._camera.render(self._T_world_camera, color=self._color)
        depth = self._camera.depth(self._T_world_camera) if frame is None else frame.depth_m
        if faults.depth_noise_m > 0.0 or faults.depth_holes > 0.0:
            depth = _faulty(depth, faults, self.settings, self._variation.noise)
        views = {part: self._view(part, frame, depth, scene) for part in self.parts}
        if faults.dropped_frames > 0.0:
            self._last = views
        return views

    def _view(self, part: str, frame: Frame | None, depth_m: NDArray[np.float32], scene: Tabletop) -> NDArray[Any]:
        if part == "depth":
            return (depth_m if self.settings.metres else self.settings.depth_in_bytes(depth_m))[None]
        assert frame is not None
        if part == "pointcloud":
            return self._clouds.cloud(depth_m, frame, scene.arm.uid, self._variation.noise)
        assert frame.rgb is not None
        return np.ascontiguousarray(frame.rgb.transpose(2, 0, 1))

    def _space(self, part: str) -> Box:
        if part == "pointcloud":
            return self._clouds.space
        shape = (3 if part == "rgb" else 1, self.settings.height, self.settings.width)
        if part == "depth" and self.settings.metres:
            return Box(0.0, self.settings.far_m, shape, np.float32)
        return Box(0, 255, shape, np.uint8)


def _camera(scene: Tabletop, settings: CameraSettings, draw: Draw) -> PolicyCamera:
    return PolicyCamera(
        scene.world,
        settings.intrinsics(draw.field_of_view),
        near_m=settings.near_m,
        far_m=settings.far_m,
        light_direction=Rotation.from_rotvec(draw.light_turn_rad).apply(LIGHT_DIRECTION),
        ambient=min(AMBIENT * draw.ambient, 1.0),
    )


def _faulty(
    depth_m: NDArray[np.float32], faults: Randomization, settings: CameraSettings, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Depth (H, W) with noise that grows with its square, and with holes."""
    noise = rng.standard_normal(depth_m.shape, dtype=np.float32)
    noise *= np.float32(faults.depth_noise_m)
    measured = depth_m + noise * depth_m * depth_m
    height, width = depth_m.shape
    lost = rng.random((-(-height // _HOLE_PX), -(-width // _HOLE_PX))) < faults.depth_holes
    lost = lost.repeat(_HOLE_PX, axis=0)[:height].repeat(_HOLE_PX, axis=1)[:, :width]
    lost |= (depth_m <= 0.0) | (measured < settings.near_m) | (measured > settings.far_m)
    measured[lost] = 0.0
    return measured
