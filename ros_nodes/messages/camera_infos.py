"""Intrinsics <-> sensor_msgs/CameraInfo."""

from __future__ import annotations

from typing import Any

import numpy as np
from sensor_msgs.msg import CameraInfo

from geometry import FloatArray, InputError, PinholeCamera

_NEEDED = {"plumb_bob": 4, "rational_polynomial": 5, "equidistant": 4}


def camera_from_info(msg: Any, *, rectified: bool = False) -> PinholeCamera:
    """Intrinsics of the image that a CameraInfo goes with.

    Binning and region of interest are honoured: the result is of the image as it is sent. Lens distortion is not:
    the intrinsics are used as they are, and `distortion_px` tells what that costs.

    Args:
        msg: CameraInfo of the same stamp and frame as the image.
        rectified: take the projection matrix P, for images that were rectified (image_proc's `image_rect` shares
            the raw image's CameraInfo); otherwise the intrinsic matrix K.
    Raises:
        InputError: for a camera that is not calibrated, or numbers that make no sense.
    """
    matrix = _matrix(msg, rectified)
    width, height = int(msg.width), int(msg.height)
    if width <= 0 or height <= 0:
        raise InputError("CameraInfo: size", expected="width and height above 0", got=f"{width} x {height}")
    x, y, columns, rows = _region(msg, width, height)
    bin_x, bin_y = max(int(msg.binning_x), 1), max(int(msg.binning_y), 1)
    return PinholeCamera(
        width=columns // bin_x,
        height=rows // bin_y,
        fx=float(matrix[0, 0]) / bin_x,
        fy=float(matrix[1, 1]) / bin_y,
        cx=(float(matrix[0, 2]) - x + 0.5) / bin_x - 0.5,
        cy=(float(matrix[1, 2]) - y + 0.5) / bin_y - 0.5,
    )


def distortion_px(msg: Any) -> float:
    """By how many pixels of the full image the lens moves the worst of its corners and edges; 0 without distortion.

    Raises:
        InputError: for a distortion model that is not plumb_bob, rational_polynomial or equidistant.
    """
    given = np.asarray(msg.d, dtype=np.float64)
    if not np.any(given):
        return 0.0
    model = str(msg.distortion_model)
    if model not in _NEEDED or len(given) < _NEEDED[model] or not np.all(np.isfinite(given)):
        raise InputError(
            "CameraInfo: distortion",
            expected=f"{', '.join(f'{name} with {count} or more numbers' for name, count in _NEEDED.items())}",
            got=f"{model!r} with {given.tolist()}",
            remedy="rectify the images with image_proc",
        )
    K = _matrix(msg, rectified=False)
    u, v = np.meshgrid(np.linspace(0.0, msg.width - 1.0, 3), np.linspace(0.0, msg.height - 1.0, 3))
    x, y = (u - K[0, 2]) / K[0, 0], (v - K[1, 2]) / K[1, 1]
    bent = _equidistant(x, y, given) if model == "equidistant" else _brown(x, y, given)
    return float(np.max(np.hypot((bent[0] - x) * K[0, 0], (bent[1] - y) * K[1, 1])))


def info_from_camera(camera: PinholeCamera, header: Any) -> CameraInfo:
    """CameraInfo of a rectified camera without distortion."""
    return CameraInfo(
        header=header,
        height=int(camera.height),
        width=int(camera.width),
        distortion_model="plumb_bob",
        d=[0.0] * 5,
        k=[float(number) for number in camera.K.ravel()],
        r=[float(number) for number in np.eye(3).ravel()],
        p=[float(number) for number in np.column_stack([camera.K, np.zeros(3)]).ravel()],
    )


def _matrix(msg: Any, rectified: bool) -> FloatArray:
    """(3, 3) K, or the left part of P."""
    if rectified:
        matrix = np.asarray(msg.p, dtype=np.float64).reshape(3, 4)[:, :3]
    else:
        matrix = np.asarray(msg.k, dtype=np.float64).reshape(3, 3)
    if not np.all(np.isfinite(matrix)) or matrix[0, 0] <= 0.0 or matrix[1, 1] <= 0.0:
        raise InputError(
            f"CameraInfo: {'P' if rectified else 'K'}",
            expected="finite intrinsics with fx and fy above 0",
            got=f"fx {matrix[0, 0]:g}, fy {matrix[1, 1]:g}, cx {matrix[0, 2]:g}, cy {matrix[1, 2]:g}",
            remedy="calibrate the camera, or load its calibration in the driver",
        )
    return matrix


def _region(msg: Any, width: int, height: int) -> tuple[int, int, int, int]:
    """First column and row, columns and rows of the region of interest; the whole image where none is set."""
    roi = msg.roi
    x, y, columns, rows = int(roi.x_offset), int(roi.y_offset), int(roi.width), int(roi.height)
    if (x, y, columns, rows) == (0, 0, 0, 0):
        return 0, 0, width, height
    columns, rows = columns or width - x, rows or height - y
    if columns <= 0 or rows <= 0 or x + columns > width or y + rows > height:
        raise InputError(
            "CameraInfo: roi",
            expected=f"a region inside {width} x {height} pixels",
            got=f"{columns} x {rows} from ({x}, {y})",
        )
    return x, y, columns, rows


def _brown(x: FloatArray, y: FloatArray, given: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Distorted image-plane coordinates of plumb_bob and rational_polynomial: k1 k2 t1 t2 k3 k4 k5 k6."""
    k1, k2, t1, t2, k3, k4, k5, k6 = np.pad(given[:8], (0, 8 - len(given[:8])))
    r2 = x * x + y * y
    radial = (1.0 + r2 * (k1 + r2 * (k2 + r2 * k3))) / (1.0 + r2 * (k4 + r2 * (k5 + r2 * k6)))
    return (
        x * radial + 2.0 * t1 * x * y + t2 * (r2 + 2.0 * x * x),
        y * radial + t1 * (r2 + 2.0 * y * y) + 2.0 * t2 * x * y,
    )


def _equidistant(x: FloatArray, y: FloatArray, given: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Distorted image-plane coordinates of the fisheye model: k1 to k4 over the angle from the axis."""
    k1, k2, k3, k4 = given[:4]
    r = np.hypot(x, y)
    angle = np.arctan(r)
    a2 = angle * angle
    bent = angle * (1.0 + a2 * (k1 + a2 * (k2 + a2 * (k3 + a2 * k4))))
    scale = np.where(r > 0.0, bent / np.where(r > 0.0, r, 1.0), 1.0)
    return x * scale, y * scale
