"""The camera that a policy sees with: where it stands, what it gives, and what is kept of its point cloud."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError, PinholeCamera, look_at

Triple = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class CameraSettings:
    """A camera beside the table. The default sees the region of the tasks; 4 cm there are about 4 of 64 pixels."""

    width: int = 64
    """Pixels in a row."""
    height: int = 64
    """Rows."""
    field_of_view_rad: float = 0.68
    """Angle from the upper to the lower edge of the image."""
    eye_m: Triple = (0.5, 0.5, 0.55)
    """Where it stands in the world."""
    target_m: Triple = (-0.01, -0.01, 0.075)
    """What it looks at, in the world."""
    near_m: float = 0.4
    """Nothing nearer is seen; a depth image of bytes begins here."""
    far_m: float = 1.6
    """Nothing farther has depth; a depth image of bytes ends here."""
    metres: bool = False
    """Depth as float32 metres, exact, 0 where there is no return. False gives bytes: what Stable-Baselines3 takes
    for an image, a quarter of a replay buffer's memory, steps of (far - near) / 254 (4.7 mm); see `depth_in_metres`."""
    points: int = 512
    """Size of the point cloud. A finer image gives more different points: 128 x 128 sees 4 times as many."""
    points_rgb: bool = False
    """Six numbers a point: x, y, z in metres, then r, g, b from 0 to 1."""
    keep_robot: bool = False
    """Keep the robot's own points in the cloud."""
    lower_m: Triple = (-0.35, -0.40, 0.012)
    """Lower corner of what is kept of the cloud, in the world; below 0 it keeps the table. The
    default stays clear of it, for depth has noise."""
    upper_m: Triple = (0.50, 0.40, 0.60)
    """Upper corner of what is kept of the cloud, in the world."""

    def __post_init__(self) -> None:
        if min(self.width, self.height, self.points) < 1 or not 0.0 < self.field_of_view_rad < math.pi:
            raise InputError(
                "CameraSettings",
                expected="width, height and points of at least 1, 0 < field_of_view_rad < pi",
                got=f"{self.width}, {self.height}, {self.points} and {self.field_of_view_rad}",
            )
        if not 0.0 < self.near_m < self.far_m < math.inf or not all(np.less(self.lower_m, self.upper_m)):
            raise InputError(
                "CameraSettings",
                expected="0 < near_m < far_m and lower_m below upper_m",
                got=f"{self.near_m}, {self.far_m}, {self.lower_m} and {self.upper_m}",
            )
        look_at(self.eye_m, self.target_m)

    @property
    def T_world_camera(self) -> FloatArray:
        """(4, 4) its pose."""
        return look_at(self.eye_m, self.target_m)

    def intrinsics(self, wider: float = 1.0) -> PinholeCamera:
        """Its intrinsics, with the field of view times a factor."""
        focal = 0.5 * self.height / math.tan(0.5 * wider * self.field_of_view_rad)
        return PinholeCamera(
            width=self.width,
            height=self.height,
            fx=focal,
            fy=focal,
            cx=0.5 * (self.width - 1),
            cy=0.5 * (self.height - 1),
        )

    def depth_in_bytes(self, depth_m: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Depth (...) as 1 at `near_m` to 255 at `far_m`; 0 stays no return."""
        steps = np.float32(254.0 / (self.far_m - self.near_m))
        level = depth_m - np.float32(self.near_m)
        level *= steps
        level += np.float32(1.5)
        np.minimum(np.maximum(level, np.float32(1.0), out=level), np.float32(255.0), out=level)
        return level.astype(np.uint8) * (depth_m > 0.0)

    def depth_in_metres(self, depth: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Metres (...) of a depth image of bytes, within half a step; 0 stays no return."""
        step = (self.far_m - self.near_m) / 254.0
        return np.where(depth > 0, self.near_m + step * (depth.astype(np.float32) - 1.0), 0.0).astype(np.float32)
