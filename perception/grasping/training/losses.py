"""The losses, as one sum of named terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy
from torch.nn.functional import l1_loss, max_pool2d

from perception.grasping.network.backbone import MAP_STRIDE, SEED_STRIDE, SceneMaps, SeedGrid
from perception.grasping.network.evaluator import GraspRatings
from perception.grasping.training.dataset import Batch
from perception.grasping.training.examples import Examples

_BEST_BINS = 24
_FRONT_M = 0.01
_THICKNESS_M = 0.03


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """Weight of each term; the terms are of the order of 1 at the start."""

    quality: float = 8.0
    """Cross entropy of the grid's analytic quality at the seeds (GraspNet's grid, with soft targets)."""
    graspness: float = 0.5
    """Cross entropy of the mean quality of a place's best grasps, after GSNet's graspness."""
    front: float = 0.3
    """L1 of the cleaned depth, in centimetres."""
    exit: float = 0.3
    """L1 of the object's thickness along the line of sight."""
    is_object: float = 0.3
    """Cross entropy of object against the rest."""
    place: float = 0.3
    """L1 of width and offset where a grasp works, of the grid."""
    rated_place: float = 0.2
    """The same, of the evaluator."""
    success: float = 1.0
    """Cross entropy of the physics outcome."""
    rated_quality: float = 0.5
    """Cross entropy of the evaluator's analytic quality."""
    balance: float = 0.1
    """L1 of the distance between the object's centre of mass and the fingers."""


class Loss(NamedTuple):
    """The weighted sum and its terms before weighting."""

    total: Tensor
    terms: dict[str, Tensor]


def scene_terms(maps: SceneMaps, grid: SeedGrid, batch: Batch) -> dict[str, Tensor]:
    """Terms of the backbone and its head."""
    known = batch.seeds[..., 0] >= 0.0
    target = batch.quality
    works = (target.amax(-1) > 0.2) & known[..., None]
    quality = cross_entropy(grid.quality_logit, target, reduction="none").mean(dim=(2, 3))
    clean, thickness, valid, solid = _coarse(batch)
    return {
        "quality": _mean(quality[known]),
        "graspness": _graspness(maps, batch, known),
        "front": _mean(((maps.front_m - clean).abs() / _FRONT_M).clamp_max(5.0)[valid]),
        "exit": _mean(((maps.exit_m - maps.front_m - thickness).abs() / _THICKNESS_M).clamp_max(5.0)[solid]),
        "is_object": cross_entropy(maps.object_logit, _coarse_mask(batch).float()),
        "place": _mean(l1_loss(grid.width_m[works], batch.width_m[works], reduction="none")) / 0.02
        + _mean(l1_loss(grid.offset_m[works], batch.offset_m[works], reduction="none")) / 0.02,
    }


def trial_terms(ratings: GraspRatings, examples: Examples) -> dict[str, Tensor]:
    """Terms of the evaluator for N grasps; NaN in a target leaves the grasp out of that term."""
    tried, rated = ~examples.success.isnan(), ~examples.quality.isnan()
    return {
        "success": _mean(cross_entropy(ratings.success_logit[tried], examples.success[tried], reduction="none")),
        "rated_quality": _mean(cross_entropy(ratings.quality_logit[rated], examples.quality[rated], reduction="none")),
        "balance": _distance(ratings.com_m, examples.com_m),
        "rated_place": _distance(ratings.width_m, examples.width_m) + _distance(ratings.offset_m, examples.offset_m),
    }


def _mean(values: Tensor) -> Tensor:
    """The mean; of nothing it is 0, so that a batch without any case of a kind does no harm."""
    return values.mean() if values.numel() else values.sum()


def _distance(said_m: Tensor, true_m: Tensor) -> Tensor:
    """Mean absolute error in units of 2 cm, where the truth is known."""
    known = ~true_m.isnan()
    error = (said_m[known] - true_m[known]).abs() / 0.02
    return error.clamp_max(5.0).sum() / known.sum().clamp_min(1)


def weighted(terms: dict[str, Tensor], weights: LossWeights) -> Loss:
    """The sum of the terms by their weights."""
    total = torch.stack([getattr(weights, name) * value for name, value in terms.items()]).sum()
    return Loss(total, terms)


def graspness_target(quality: Tensor) -> Tensor:
    """(B, S) mean quality of the best grasps of the grid (B, S, K, D) at each seed."""
    return quality.flatten(2).topk(_BEST_BINS, dim=2).values.mean(dim=2)


def _graspness(maps: SceneMaps, batch: Batch, known: Tensor) -> Tensor:
    """At the seeds their target, and 0 wherever no object is near."""
    logit = maps.graspness_logit
    rows = (batch.seeds[..., 0].clamp_min(0) / SEED_STRIDE).long()
    columns = (batch.seeds[..., 1].clamp_min(0) / SEED_STRIDE).long()
    image = torch.arange(len(logit), device=logit.device)[:, None].expand_as(rows)
    at_seeds = cross_entropy(logit[image, rows, columns], graspness_target(batch.quality), reduction="none")
    empty = (max_pool2d(batch.is_object.float()[:, None], SEED_STRIDE)[:, 0] == 0.0).float()
    elsewhere = cross_entropy(logit, torch.zeros_like(logit), reduction="none") * empty
    return _mean(at_seeds[known]) + 0.5 * elsewhere.sum() / empty.sum().clamp_min(1.0)


def _coarse_mask(batch: Batch) -> Tensor:
    return batch.is_object[:, ::MAP_STRIDE, ::MAP_STRIDE]


def _coarse(batch: Batch) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Clean depth, thickness, and where each of them is known, at the maps' stride."""
    clean = batch.depth_m[:, ::MAP_STRIDE, ::MAP_STRIDE]
    rear = batch.exit_m[:, ::MAP_STRIDE, ::MAP_STRIDE]
    return clean, rear - clean, clean > 0.0, (rear > 0.0) & (clean > 0.0) & _coarse_mask(batch)
