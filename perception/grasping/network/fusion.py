"""Several looks at one scene: every grasp is judged by each look that sees where it closes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from geometry import PANDA_HAND, GripperSpec
from perception.grasping.network.backbone import MAP_STRIDE, SceneMaps
from perception.grasping.network.model import GraspNetwork
from perception.grasping.network.preparation import Prepared
from perception.grasping.network.search import Found, rate_unsorted

_HIDDEN_M = 0.01
_PROBES = 3
_LEAST_WEIGHT = 0.02


class Look(NamedTuple):
    """One look and what the backbone made of it."""

    prepared: Prepared
    maps: SceneMaps


def judged_by_all(
    network: GraspNetwork, looks: Sequence[Look], proposals: Sequence[Found], gripper: GripperSpec = PANDA_HAND
) -> Found:
    """Proposals of all looks, each with the opinion of all looks, best first.

    Opinions are combined as the mean of their logits, weighted by how much each look sees of the
    volume between the fingers: a look from behind an obstacle has nothing to say, and one look that
    sees the far side of an object corrects the guess of another. Where opinions were independent, their logits'
    sum would be right; they are not, as all come from one network, so that the mean keeps them
    calibrated.

    Args:
        network: trained.
        looks: all in one table frame.
        proposals: what was found in each.
        gripper: for the volume between its fingers.
    """
    poses = torch.cat([found.poses for found in proposals])
    if not len(poses):
        return proposals[0]
    weights, logits, widths, coms = [], [], [], []
    for look in looks:
        rated = rate_unsorted(network, look.prepared.view, look.maps, poses)
        weights.append(visible_share(poses, look, gripper))
        logits.append(torch.logit(rated.probability, eps=1e-6))
        widths.append(rated.width_m)
        coms.append(rated.com_m.abs())
    weight = torch.stack(weights) + 1e-9
    weight = weight / weight.sum(dim=0)
    logit, width, com = ((weight * torch.stack(values)).sum(dim=0) for values in (logits, widths, coms))
    probability, order = logit.sigmoid().sort(descending=True, stable=True)
    return Found(poses[order], probability, width[order], com[order])


def visible_share(poses: Tensor, look: Look, gripper: GripperSpec = PANDA_HAND) -> Tensor:
    """(N,) share of the volume between the fingers that a look sees or sees the front of.

    0 where the grasp lies outside the image.
    """
    low, high = torch.as_tensor(gripper.closing_region(), dtype=poses.dtype, device=poses.device)
    steps = torch.linspace(0.1, 0.9, _PROBES, dtype=poses.dtype, device=poses.device)
    grid = torch.stack(torch.meshgrid(steps, steps, steps, indexing="ij"), dim=-1).reshape(-1, 3)
    probes = low + grid * (high - low)
    points = probes @ poses[:, :3, :3].transpose(1, 2) + poses[:, None, :3, 3]
    view, front = look.prepared.view, look.maps.front_m[0]
    T = view.T_table_camera[0]
    local = (points - T[:3, 3]) @ T[:3, :3]
    z = local[..., 2].clamp_min(1e-3)
    height, width = front.shape
    column = (local[..., 0] / z * view.focal[0] / MAP_STRIDE + 0.5 * (width - 1)).round().long()
    row = (local[..., 1] / z * view.focal[0] / MAP_STRIDE + 0.5 * (height - 1)).round().long()
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height) & (local[..., 2] > 0.0)
    surface = front[row.clamp(0, height - 1), column.clamp(0, width - 1)]
    seen = (inside & (z < surface + _HIDDEN_M)).float().mean(dim=1)
    return torch.where(inside.float().mean(dim=1) > 0.5, seen.clamp_min(_LEAST_WEIGHT), torch.zeros_like(seen))
