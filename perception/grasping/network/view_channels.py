"""What the backbone is shown of a canonical depth image: eight channels, all of them free of the camera."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from perception.grasping.network.canonical_view import PIXEL_M

CHANNELS = 8
"""Height above the table, depth about the workspace's middle, normal in the view frame (3), whether the
pixel has a return, how steeply the pixel looks down, nearness to the table's surface."""

_HEIGHT_M = 0.1
_DEPTH_M = 0.2
_TABLE_M = 0.008


def pixel_rays(focal: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, 3, H, W) directions with z = 1 in the camera frame, for principal points in the middle of the image.

    Args:
        focal: (B,) focal lengths, pixels.
        size: (H, W).
    """
    height, width = size
    v = torch.arange(height, device=focal.device, dtype=focal.dtype) - 0.5 * (height - 1)
    u = torch.arange(width, device=focal.device, dtype=focal.dtype) - 0.5 * (width - 1)
    x = (u[None, None, :] / focal[:, None, None]).expand(-1, height, -1)
    y = (v[None, :, None] / focal[:, None, None]).expand(-1, -1, width)
    return torch.stack([x, y, torch.ones_like(x)], dim=1)


def view_channels(depth_m: Tensor, focal: Tensor, T_table_camera: Tensor) -> Tensor:
    """The backbone's input.

    Args:
        depth_m: (B, H, W) canonical depth, 0 where there is no return.
        focal: (B,) focal lengths, pixels.
        T_table_camera: (B, 4, 4) canonical poses.
    Returns:
        (B, 8, H, W) float32.
    """
    valid = (depth_m > 0.0)[:, None].float()
    rays = pixel_rays(focal, (depth_m.shape[1], depth_m.shape[2]))
    R = T_table_camera[:, :3, :3]
    rays_table = torch.einsum("bij,bjhw->bihw", R, rays)
    relative = rays_table * depth_m[:, None]  # from the eye
    height = (relative[:, 2:] + T_table_camera[:, 2, 3][:, None, None, None]) * valid
    away = depth_m[:, None] - (PIXEL_M * focal)[:, None, None, None]
    steep = rays_table[:, 2:] * rays.square().sum(1, keepdim=True).rsqrt()
    return torch.cat(
        [
            (height / _HEIGHT_M).clamp(-0.5, 3.0),
            (away / _DEPTH_M).clamp(-2.0, 2.0) * valid,
            _normals(_in_view(relative, R), valid),
            valid,
            steep,
            torch.exp(-((height / _TABLE_M) ** 2)) * valid,
        ],
        dim=1,
    )


def _in_view(points: Tensor, R: Tensor) -> Tensor:
    """(B, 3, H, W) turned about the vertical, so that x is level and along the image's rows."""
    x = R[:, :2, 0] / R[:, :2, 0].norm(dim=1, keepdim=True)
    along = x[:, 0, None, None] * points[:, 0] + x[:, 1, None, None] * points[:, 1]
    across = -x[:, 1, None, None] * points[:, 0] + x[:, 0, None, None] * points[:, 1]
    return torch.stack([along, across, points[:, 2]], dim=1)


def _normals(points: Tensor, valid: Tensor) -> Tensor:
    """(B, 3, H, W) unit normals from central differences of points averaged over 3 x 3 returns."""
    weight = avg_pool2d(valid, 3, 1, 1)
    smooth = avg_pool2d(points * valid, 3, 1, 1) / weight.clamp_min(1e-6)
    du, dv = torch.zeros_like(smooth), torch.zeros_like(smooth)
    du[..., 2:-2] = smooth[..., 4:] - smooth[..., :-4]
    dv[:, :, 2:-2] = smooth[:, :, 4:] - smooth[:, :, :-4]
    a, b = dv.unbind(1), du.unbind(1)
    normal = torch.stack([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]], dim=1)
    return normal * (normal.square().sum(1, keepdim=True) + 1e-18).rsqrt() * valid
