"""Grasps that the evaluator is trained on: entries of the labelled grid, and physics trials."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from perception.grasping.network.backbone import SeedGrid
from perception.grasping.network.decode import grasp_poses, seed_points
from perception.grasping.training.dataset import Batch

_SEEDS = 24  # of each view's seeds, those whose grid entries may be drawn


class Examples(NamedTuple):
    """N grasps with what is known of each; NaN is unknown."""

    image: Tensor
    """(N,) number of the view in the batch."""
    poses: Tensor
    """(N, 4, 4) `T_table_grasp`."""
    success: Tensor
    """(N,) physics outcome."""
    quality: Tensor
    """(N,) analytic quality."""
    com_m: Tensor
    """(N,) distance of the object's centre of mass from the fingers' plane."""
    width_m: Tensor
    """(N,) opening at the contacts."""
    offset_m: Tensor
    """(N,) from the grasp's origin to the contacts' middle, along the closing direction."""


def draw_examples(batch: Batch, grid: SeedGrid, per_kind: int) -> Examples:
    """The batch's physics trials, and of each view grid entries of three kinds.

    The kinds are: what the network now believes best (its false hopes are the evaluator's hardest
    and most useful negatives), what works, and what is drawn at random.
    """
    image, entry = _entries(batch, grid, per_kind)
    seeds = batch.seeds.shape[1]
    k, d = batch.quality.shape[2:]
    seed, orientation, depth = entry // (k * d), (entry // d) % k, entry % d
    row, column = batch.seeds.long().clamp_min(0).unbind(-1)
    number = torch.arange(len(batch.seeds), device=row.device)[:, None].expand(-1, seeds)
    points = seed_points(
        batch.seeds, batch.depth_m[number, row, column], batch.focal, batch.T_table_camera, _size(batch)
    )
    poses = grasp_poses(points[image, seed], batch.T_table_camera[image], orientation, depth)
    quality = batch.quality.flatten(1)[image, entry]
    unknown = torch.full_like(quality, torch.nan)
    untold = torch.full_like(batch.trial_success, torch.nan)
    works = quality > 0.0
    width, offset = (
        torch.where(works, value.flatten(1)[image, entry // d], torch.nan) for value in (batch.width_m, batch.offset_m)
    )
    return Examples(
        torch.cat([batch.trial_image, image]),
        torch.cat([batch.trial_pose, poses]),
        torch.cat([batch.trial_success, unknown]),
        torch.cat([batch.trial_quality, quality]),
        torch.cat([batch.trial_com_m, unknown]),
        torch.cat([untold, width]),
        torch.cat([untold, offset]),
    )


def _entries(batch: Batch, grid: SeedGrid, per_kind: int) -> tuple[Tensor, Tensor]:
    """(N,) view and (N,) flat index into (S, K, D) of the chosen entries; padding seeds give none."""
    count, seeds = batch.quality.shape[:2]
    device = batch.quality.device
    some = torch.rand(count, seeds, device=device).topk(min(_SEEDS, seeds), dim=1).indices
    image = torch.arange(count, device=device)[:, None]
    size = batch.quality.shape[2] * batch.quality.shape[3]
    quality = batch.quality[image, some].flatten(1)
    noise = torch.rand_like(quality)
    believed = grid.quality_logit.detach()[image, some].flatten(1) + 2.0 * noise
    chosen = [score.topk(per_kind, dim=1).indices for score in (believed, quality * noise, noise)]
    entry = torch.cat(chosen, dim=1)
    seed = some.gather(1, entry // size)
    entry = seed * size + entry % size
    kept = batch.seeds[..., 0].gather(1, seed) >= 0.0
    return image.expand_as(entry)[kept], entry[kept]


def _size(batch: Batch) -> tuple[int, int]:
    return batch.depth_m.shape[1], batch.depth_m.shape[2]
