"""From seeds, orientations and depths of the grid to grasp poses."""

from __future__ import annotations

import torch
from torch import Tensor

from perception.grasping.network.backbone import MAP_STRIDE
from perception.grasping.network.orientations import DEPTHS_M, ORIENTATIONS


def seed_points(
    pixels: Tensor, depth_m: Tensor, focal: Tensor, T_table_camera: Tensor, size: tuple[int, int]
) -> Tensor:
    """(B, S, 3) points of the table frame at canonical pixels.

    Args:
        pixels: (B, S, 2) row and column.
        depth_m: (B, S) depth at each of them.
        focal: (B,) pixels.
        T_table_camera: (B, 4, 4).
        size: (H, W) of the canonical image.
    """
    row = pixels[..., 0] - 0.5 * (size[0] - 1)
    column = pixels[..., 1] - 0.5 * (size[1] - 1)
    rays = torch.stack([column / focal[:, None], row / focal[:, None], torch.ones_like(row)], dim=-1)
    return (depth_m[..., None] * rays) @ T_table_camera[:, :3, :3].transpose(1, 2) + T_table_camera[:, None, :3, 3]


def depth_at(front_m: Tensor, pixels: Tensor) -> Tensor:
    """(B, S) values of a map (B, H/2, W/2) at canonical pixels (B, S, 2)."""
    row = (pixels[..., 0] / MAP_STRIDE).long().clamp(0, front_m.shape[1] - 1)
    column = (pixels[..., 1] / MAP_STRIDE).long().clamp(0, front_m.shape[2] - 1)
    image = torch.arange(len(front_m), device=front_m.device)[:, None].expand_as(row)
    return front_m[image, row, column]


def grasp_poses(
    points: Tensor, T_table_camera: Tensor, orientation: Tensor, depth: Tensor, offset_m: Tensor | None = None
) -> Tensor:
    """(N, 4, 4) `T_table_grasp` of N entries of the grid.

    Args:
        points: (N, 3) seeds in the table frame.
        T_table_camera: (N, 4, 4) the canonical camera that each was seen by.
        orientation: (N,) index into `ORIENTATIONS`.
        depth: (N,) index into `DEPTHS_M`.
        offset_m: (N,) shift along the closing direction; None is none.
    """
    grid = torch.as_tensor(ORIENTATIONS.copy(), dtype=points.dtype, device=points.device)
    depths = torch.as_tensor(DEPTHS_M.copy(), dtype=points.dtype, device=points.device)
    R = view_rotations(T_table_camera) @ grid[orientation]
    origin = points + depths[depth][:, None] * R[:, :, 2]
    if offset_m is not None:
        origin = origin + offset_m[:, None] * R[:, :, 1]
    poses = torch.zeros(len(points), 4, 4, dtype=points.dtype, device=points.device)
    poses[:, :3, :3], poses[:, :3, 3], poses[:, 3, 3] = R, origin, 1.0
    return poses


def view_rotations(T_table_camera: Tensor) -> Tensor:
    """(N, 3, 3) `R_table_view`, as `canonical_view.view_rotation` has it."""
    x = T_table_camera[:, :2, 0] / T_table_camera[:, :2, 0].norm(dim=1, keepdim=True)
    R = torch.zeros(len(x), 3, 3, dtype=x.dtype, device=x.device)
    R[:, :2, 0] = x
    R[:, 0, 1], R[:, 1, 1] = -x[:, 1], x[:, 0]
    R[:, 2, 2] = 1.0
    return R
