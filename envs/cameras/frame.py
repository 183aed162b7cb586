"""What a simulated camera returns: one image of the world, and where it was taken from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError, PinholeCamera


@dataclass(frozen=True)
class Frame:
    """One image of a world. Camera axes are optical: x right, y down, z forward."""

    depth_m: NDArray[np.float32]
    """(H, W) metres along +z; 0 where nothing stands between the camera's near and far limits."""
    segmentation: NDArray[np.int32]
    """(H, W) uid of the body seen; -1 where there is none."""
    normals_camera: NDArray[np.float32] | None
    """(H, W, 3) unit surface normals that face the camera, in its frame; zeros where there is no surface."""
    rgb: NDArray[np.uint8] | None
    """(H, W, 3) colour."""
    camera: PinholeCamera
    """Intrinsics."""
    T_world_camera: FloatArray
    """(4, 4) pose of the camera in the world."""


def check_range(where: str, near_m: float, far_m: float) -> None:
    """Raise InputError unless 0 < near < far."""
    if not (np.isfinite(far_m) and 0.0 < near_m < far_m):
        raise InputError(where, expected="0 < near_m < far_m", got=f"near_m={near_m}, far_m={far_m}")
