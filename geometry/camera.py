"""The pinhole camera: intrinsics, projection, and back-projection of depth images.

Optical frame: x right, y down, z forward. Pixel (u, v) counts columns and rows; integer
values are pixel centres, so that a point on the optical axis falls on (cx, cy). Lens
distortion is not modelled: rectify first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geometry.errors import InputError
from geometry.rigid import FloatArray

_REMEDY = 'write {"width": 640, "height": 480, "fx": ..., "fy": ..., "cx": ..., "cy": ...} or a ROS CameraInfo'


@dataclass(frozen=True, kw_only=True)
class PinholeCamera:
    """Intrinsics of a rectified pinhole camera, in pixels."""

    width: int
    """Image columns."""
    height: int
    """Image rows."""
    fx: float
    """Focal length along x, pixels."""
    fy: float
    """Focal length along y, pixels."""
    cx: float
    """Column of the optical axis."""
    cy: float
    """Row of the optical axis."""

    def __post_init__(self) -> None:
        numbers = (self.width, self.height, self.fx, self.fy, self.cx, self.cy)
        if not np.all(np.isfinite(numbers)) or min(self.width, self.height, self.fx, self.fy) <= 0:
            raise InputError(
                "PinholeCamera",
                expected="finite intrinsics with width, height, fx and fy above 0",
                got=f"width={self.width}, height={self.height}, fx={self.fx}, fy={self.fy}, cx={self.cx}, cy={self.cy}",
            )
        if not (-self.width <= self.cx <= 2 * self.width and -self.height <= self.cy <= 2 * self.height):
            raise InputError(
                "PinholeCamera",
                expected=f"a principal point near the image of {self.width} x {self.height} pixels",
                got=f"cx={self.cx}, cy={self.cy}",
                remedy="check that focal length and principal point, or width and height, are not swapped",
            )

    @classmethod
    def from_json(cls, path: str | Path) -> PinholeCamera:
        """Read intrinsics from a JSON file.

        Takes either the six fields by name, or `width`, `height` and a row-major 3x3 matrix under
        `K`, `k`, `camera_matrix` or `intrinsic_matrix` (nested or flat, rows or Open3D's columns).

        Raises:
            InputError: if the file is missing, is no JSON, or lacks a field.
        """
        path = Path(path)
        try:
            fields = json.loads(path.read_text())
        except OSError as error:
            raise InputError(str(path), expected="a readable JSON file", got=error.strerror or str(error)) from None
        except ValueError as error:
            raise InputError(str(path), expected="JSON", got=str(error), remedy=_REMEDY) from None
        if not isinstance(fields, Mapping):
            raise InputError(str(path), expected="a JSON object", got=type(fields).__name__, remedy=_REMEDY)
        return cls.from_mapping(fields, where=str(path))

    @classmethod
    def from_mapping(cls, fields: Mapping[str, Any], *, where: str = "PinholeCamera") -> PinholeCamera:
        """Intrinsics from a parsed JSON object or YAML mapping; see `from_json` for the layouts."""
        fields = {str(key).lower(): value for key, value in fields.items()}
        width = fields.get("width", fields.get("image_width"))
        height = fields.get("height", fields.get("image_height"))
        try:
            if {"fx", "fy", "cx", "cy"} <= fields.keys():
                fx, fy, cx, cy = (float(fields[key]) for key in ("fx", "fy", "cx", "cy"))
            else:
                matrix = next(fields[k] for k in ("k", "camera_matrix", "intrinsic_matrix") if k in fields)
                fx, fy, cx, cy = _from_matrix(matrix)
            return cls(width=int(width), height=int(height), fx=fx, fy=fy, cx=cx, cy=cy)  # type: ignore[arg-type]
        except InputError:
            raise
        except (StopIteration, KeyError, TypeError, ValueError, OverflowError):
            raise InputError(
                where,
                expected="width, height and either fx, fy, cx, cy or a 3x3 matrix K",
                got=f"the fields {sorted(fields)}",
                remedy=_REMEDY,
            ) from None

    @classmethod
    def from_ros(cls, camera_info: Any) -> PinholeCamera:
        """Intrinsics of a `sensor_msgs/CameraInfo` message, or anything with `width`, `height`, `k`.

        Uses the raw intrinsics K; give it the CameraInfo of the rectified image.
        """
        return cls.from_mapping(
            {"width": camera_info.width, "height": camera_info.height, "k": camera_info.k}, where="CameraInfo"
        )

    @property
    def K(self) -> FloatArray:
        """(3, 3) intrinsic matrix, pixels."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    def project(self, points_camera: ArrayLike) -> FloatArray:
        """Pixels (..., 2) as (u, v) of camera-frame points (..., 3); NaN for points not in front."""
        points = np.asarray(points_camera, dtype=np.float64)
        z = np.where(points[..., 2] > 0.0, points[..., 2], np.nan)
        return np.stack([self.fx * points[..., 0] / z + self.cx, self.fy * points[..., 1] / z + self.cy], axis=-1)

    def rays(self) -> FloatArray:
        """(height, width, 3) directions through the pixel centres, scaled so that z = 1."""
        u = (np.arange(self.width) - self.cx) / self.fx
        v = (np.arange(self.height) - self.cy) / self.fy
        rays = np.ones((self.height, self.width, 3))
        rays[..., 0] = u
        rays[..., 1] = v[:, None]
        return rays

    def unproject(self, depth_m: ArrayLike) -> FloatArray:
        """Back-project a depth image to camera-frame points, pixel by pixel.

        Args:
            depth_m: (height, width) metres along +z; 0, negative or non-finite means no return.
        Returns:
            points_camera: (height, width, 3) metres, NaN where there is no return.
        Raises:
            InputError: if the image has another size than the camera.
        """
        depth = np.asarray(depth_m, dtype=np.float64)
        self.check_image("unproject: depth_m", depth)
        valid = np.isfinite(depth) & (depth > 0.0)
        return np.asarray(self.rays() * np.where(valid, depth, np.nan)[..., None])

    def check_image(self, where: str, image: NDArray[Any]) -> None:
        """Raise InputError unless `image` is (height, width) of this camera."""
        if image.shape != (self.height, self.width):
            raise InputError(
                where,
                expected=f"an image of shape ({self.height}, {self.width}), as the intrinsics say",
                got=f"{image.shape}",
                remedy="use the intrinsics of this image's resolution, or `scaled`",
            )

    def scaled(self, factor: float) -> PinholeCamera:
        """The same camera with its image resized by `factor`."""
        return PinholeCamera(
            width=round(self.width * factor),
            height=round(self.height * factor),
            fx=self.fx * factor,
            fy=self.fy * factor,
            cx=(self.cx + 0.5) * factor - 0.5,
            cy=(self.cy + 0.5) * factor - 0.5,
        )


def _from_matrix(matrix: Any) -> tuple[float, float, float, float]:
    """(fx, fy, cx, cy) of a 3x3 matrix given nested, flat, as OpenCV's {data: [...]} or column-major."""
    if isinstance(matrix, Mapping):
        matrix = matrix["data"]
    K = np.asarray(matrix, dtype=np.float64).reshape(3, 3)
    if K[0, 2] == 0.0 and K[2, 0] != 0.0:
        K = K.T
    return float(K[0, 0]), float(K[1, 1]), float(K[0, 2]), float(K[1, 2])
