"""What stands on the table in a look: whether there is anything to grasp, and what a hand must not hit."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d, max_pool2d

from perception.grasping.network.backbone import MAP_STRIDE, SEED_STRIDE
from perception.grasping.network.decode import seed_points
from perception.grasping.network.fusion import Look

_HIGH_M = 0.015
_SOLID_M = 0.005
_MOST_POINTS = 2500


def places(look: Look) -> tuple[Tensor, Tensor]:
    """Points (N, 3) of the table frame, one for each seed cell, and (N,) whether something stands there.

    Something stands where the network sees an object, or where the depth itself is well above the
    table; without a table, wherever something was seen.
    """
    view, maps = look.prepared.view, look.maps
    front = maps.front_m[:, None]
    depth = avg_pool2d(front, SEED_STRIDE // MAP_STRIDE)[0, 0]
    points = _points(depth, SEED_STRIDE, look)
    valid = (view.depth_m > 0.0).float()[:, None]
    weight = avg_pool2d(valid, SEED_STRIDE)
    seen = weight.flatten() > 0.25
    measured = avg_pool2d(view.depth_m[:, None], SEED_STRIDE) / weight.clamp_min(1e-6)
    heights = _points(measured[0, 0], SEED_STRIDE, look)[:, 2]
    if not look.prepared.has_table:
        return points, seen & (heights > _SOLID_M)
    is_object = max_pool2d(maps.object_logit[:, None], SEED_STRIDE // MAP_STRIDE).flatten() > 0.0
    return points, seen & (is_object | (heights > _HIGH_M))


def solid_points(look: Look) -> NDArray[np.float32]:
    """(P, 3) points of the table frame on the cleaned surfaces of what stands on the table."""
    view, maps = look.prepared.view, look.maps
    points = _points(maps.front_m[0], MAP_STRIDE, look)
    seen = (view.depth_m[0, ::MAP_STRIDE, ::MAP_STRIDE].flatten() > 0.0) & (points[:, 2] > _SOLID_M)
    if look.prepared.has_table:
        seen &= maps.object_logit.flatten() > 0.0
    solid = points[seen]
    out: NDArray[np.float32] = solid[:: 1 + len(solid) // _MOST_POINTS].cpu().numpy()
    return out


def _points(depth_m: Tensor, stride: int, look: Look) -> Tensor:
    """(h * w, 3) points of the table frame at a map's depths (h, w), which stands `stride` canonical pixels apart."""
    view = look.prepared.view
    size = (view.depth_m.shape[1], view.depth_m.shape[2])
    middle = 0.5 * (stride - 1)
    row = torch.arange(depth_m.shape[0], device=depth_m.device) * stride + middle
    column = torch.arange(depth_m.shape[1], device=depth_m.device) * stride + middle
    pixels = torch.stack(torch.meshgrid(row, column, indexing="ij"), dim=-1).reshape(1, -1, 2)
    return seed_points(pixels, depth_m.reshape(1, -1), view.focal, view.T_table_camera, size)[0]
