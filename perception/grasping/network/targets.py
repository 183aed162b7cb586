"""What shall be grasped, and from where: a target by mask, box or point, and a cone of approach directions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn.functional import max_pool2d

from geometry import PANDA_HAND, FloatArray, GripperSpec, InputError, PinholeCamera, invert, transform_points
from perception.grasping.network.canonical_view import resample
from perception.grasping.network.hand_room import in_grasp_frames
from perception.grasping.network.preparation import Prepared

POINT_RADIUS_M = 0.025
"""A target given as a point is what lies within this distance of it."""

_LEAST_POINTS = 6
_DILATION_PX = 5
_SEARCH_PX = 12
_SOLID_M = 0.004
_THICKNESS_M = 0.04
_STRIDE = 2


@dataclass(frozen=True)
class ApproachCone:
    """Directions from which a grasp may come: "steering"."""

    direction: tuple[float, float, float]
    """(3,) the way the hand shall move at the grasp, in the world; (0, 0, -1) is from above."""
    half_angle_rad: float
    """Largest angle between a grasp's approach and that direction."""

    def __post_init__(self) -> None:
        direction = np.asarray(self.direction, dtype=np.float64)
        if direction.shape != (3,) or not np.isfinite(direction).all() or not np.linalg.norm(direction) > 0.0:
            raise InputError("ApproachCone", expected="direction of three numbers, not all 0", got=f"{self.direction}")
        if not 0.0 < self.half_angle_rad <= np.pi:
            raise InputError(
                "ApproachCone", expected="half_angle_rad above 0, at most pi", got=f"{self.half_angle_rad}"
            )

    def allows(self, poses: Tensor, T_world_table: FloatArray) -> Tensor:
        """(N,) which of the poses (N, 4, 4) of the table frame approach within the cone."""
        axis = T_world_table[:3, :3].T @ np.asarray(self.direction) / np.linalg.norm(self.direction)
        cosine = poses[:, :3, 2] @ torch.as_tensor(axis, dtype=poses.dtype, device=poses.device)
        return cosine >= float(np.cos(self.half_angle_rad)) - 1e-6


@dataclass(frozen=True)
class Target:
    """What shall be grasped, as a part of what one look saw."""

    pixels: NDArray[np.bool_]
    """(h, w) in that look's canonical image."""
    prepared: Prepared
    """That look."""

    def __bool__(self) -> bool:
        return bool(self.pixels.any())

    def seeds_allowed(self, points: Tensor) -> Tensor:
        """(N,) which points (N, 3) of the table frame lie on the target, or close beside it."""
        T = torch.as_tensor(invert(self.prepared.T_table_camera), dtype=points.dtype)
        local = points.cpu() @ T[:3, :3].T + T[:3, 3]
        camera = self.prepared.camera
        place = local[:, :2] / local[:, 2:].clamp_min(1e-3) * camera.fx + torch.tensor([camera.cx, camera.cy])
        column, row = place.round().long().unbind(1)
        inside = (column >= 0) & (column < camera.width) & (row >= 0) & (row < camera.height)
        depth = self.prepared.view.depth_m.cpu() * torch.from_numpy(self.pixels)
        grown = max_pool2d(depth[None], _DILATION_PX, 1, _DILATION_PX // 2)[0, 0]
        surface = grown[row.clamp(0, camera.height - 1), column.clamp(0, camera.width - 1)]
        near = inside & (surface > 0.0) & ((local[:, 2] - surface).abs() < _THICKNESS_M)
        return near.to(points.device)

    def held(self, poses: FloatArray, gripper: GripperSpec = PANDA_HAND) -> NDArray[np.bool_]:
        """(N,) which grasps have enough of the target, and mostly the target, between their fingers.

        Args:
            poses: (N, 4, 4) of the table frame.
            gripper: the hand.
        """
        solid = _solid(self.prepared)
        thin = np.zeros_like(solid)
        thin[::_STRIDE, ::_STRIDE] = solid[::_STRIDE, ::_STRIDE]
        x, y, z = in_grasp_frames(poses, _points(self.prepared)[thin])
        low, high = gripper.closing_region().astype(np.float32)
        inside = (np.abs(x) <= high[0]) & (np.abs(y) <= high[1]) & (z >= low[2]) & (z <= high[2])
        wanted = self.pixels[thin]
        target_held = np.count_nonzero(inside[wanted], axis=0)
        return (target_held >= _LEAST_POINTS) & (target_held > 0.5 * np.count_nonzero(inside, axis=0))


def target_of(target: ArrayLike, camera: PinholeCamera, depth_m: ArrayLike, prepared: Prepared) -> Target:
    """What a caller means by a target.

    Args:
        target: (H, W) bool mask; or four numbers, the box x0, y0, x1, y1 in pixels, its ends included;
            or two, a pixel x, y; or three, a point in the world, metres.
        camera: of the caller's image.
        depth_m: (H, W) the caller's image.
        prepared: what was made of it.
    Raises:
        InputError: if it is none of these, or lies outside the image.
    """
    return Target(_pixels_of(np.asarray(target), camera, depth_m, prepared) & _solid(prepared), prepared)


def _pixels_of(
    given: NDArray[np.generic], camera: PinholeCamera, depth_m: ArrayLike, prepared: Prepared
) -> NDArray[np.bool_]:
    """(h, w) canonical pixels of a target, the table in it and all."""
    if given.dtype == np.bool_ or given.ndim == 2:
        return _resampled(_mask(given, camera), camera, depth_m, prepared)
    numbers = np.asarray(given, dtype=np.float64)
    if numbers.shape not in ((2,), (3,), (4,)) or not np.isfinite(numbers).all():
        raise InputError(
            "target",
            expected="a mask (H, W), a box (x0, y0, x1, y1), a pixel (x, y) or a point (x, y, z)",
            got=f"{given.dtype} of shape {given.shape}",
        )
    if len(numbers) == 4:
        return _resampled(_box(numbers, camera), camera, depth_m, prepared)
    return _around(_point(numbers, camera, depth_m, prepared), prepared)


def _mask(mask: NDArray[np.generic], camera: PinholeCamera) -> NDArray[np.bool_]:
    camera.check_image("target mask", mask)
    return np.asarray(mask) > 0


def _box(box: FloatArray, camera: PinholeCamera) -> NDArray[np.bool_]:
    x0, y0, x1, y1 = box
    if not (x0 <= x1 and y0 <= y1 and x1 >= 0 and y1 >= 0 and x0 < camera.width and y0 < camera.height):
        raise InputError(
            "target box",
            expected=f"x0, y0, x1, y1 with x0 <= x1 and y0 <= y1 in an image of {camera.width} x {camera.height}",
            got=f"{box.tolist()}",
        )
    u, v = np.arange(camera.width), np.arange(camera.height)[:, None]
    return (u >= x0) & (u <= x1) & (v >= y0) & (v <= y1)


def _point(point: FloatArray, camera: PinholeCamera, depth_m: ArrayLike, prepared: Prepared) -> FloatArray | None:
    """(3,) in the table frame; for a pixel, the nearest return around it; None where there is none."""
    if len(point) == 3:
        return transform_points(invert(prepared.T_world_table), point[None])[0]
    x, y = np.rint(point).astype(int)
    if not (0 <= x < camera.width and 0 <= y < camera.height):
        raise InputError(
            "target point", expected=f"a pixel in an image of {camera.width} x {camera.height}", got=f"{point.tolist()}"
        )
    rows = slice(max(0, y - _SEARCH_PX), y + _SEARCH_PX + 1)
    columns = slice(max(0, x - _SEARCH_PX), x + _SEARCH_PX + 1)
    window = np.asarray(depth_m)[rows, columns]
    with np.errstate(invalid="ignore"):
        v, u = np.nonzero(np.isfinite(window) & (window > 0.0))
    if not len(v):
        return None
    best = np.argmin((v + rows.start - y) ** 2 + (u + columns.start - x) ** 2)
    z = float(window[v[best], u[best]]) / prepared.scale
    column, row = u[best] + columns.start, v[best] + rows.start
    ray = np.array([(column - camera.cx) / camera.fx, (row - camera.cy) / camera.fy, 1.0])
    return transform_points(prepared.T_table_real, (z * ray)[None])[0]


def _around(point: FloatArray | None, prepared: Prepared) -> NDArray[np.bool_]:
    """(h, w) canonical pixels whose points lie near a point of the table frame."""
    points = _points(prepared)
    if point is None:
        return np.zeros(points.shape[:2], dtype=bool)
    return np.asarray(np.linalg.norm(points - point.astype(np.float32), axis=-1) < POINT_RADIUS_M)


def _resampled(
    mask: NDArray[np.bool_], camera: PinholeCamera, depth_m: ArrayLike, prepared: Prepared
) -> NDArray[np.bool_]:
    """(h, w) canonical pixels whose return falls in the mask."""
    depth = np.where(mask, np.asarray(depth_m, dtype=np.float32), np.float32(0.0))
    return resample(depth, camera, prepared.T_table_real, prepared.camera, prepared.T_table_camera) > 0.0


def _points(prepared: Prepared) -> NDArray[np.float32]:
    """(h, w, 3) points of the table frame at the canonical pixels; the eye where there is no return."""
    depth = prepared.view.depth_m[0].cpu().numpy()
    T = prepared.T_table_camera.astype(np.float32)
    rays = prepared.camera.rays().astype(np.float32) @ T[:3, :3].T
    return rays * depth[..., None] + T[:3, 3]


def _solid(prepared: Prepared) -> NDArray[np.bool_]:
    """(h, w) canonical pixels with a return that is not the table, be it real or make-believe."""
    solid = prepared.view.depth_m[0].cpu().numpy() > 0.0
    return np.asarray(solid & (_points(prepared)[..., 2] > _SOLID_M))
