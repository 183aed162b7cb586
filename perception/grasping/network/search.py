"""The search: from one canonical image to grasps with their probabilities of success.

Seeds where the backbone sees graspness, the best entries of the grid at each, the evaluator's word
on them, and a second look around the best, where small moves of the pose are rated as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from geometry import PANDA_HAND, GripperSpec, InputError
from perception.grasping.network.backbone import SEED_STRIDE, SceneMaps
from perception.grasping.network.decode import depth_at, grasp_poses, seed_points
from perception.grasping.network.model import GraspNetwork
from perception.grasping.network.neighbourhood import moved

_AT_ONCE = 64  # volumes of so many grasps stay in a processor's cache
_PATCH_CELLS = 8

Allowed = Callable[[Tensor], Tensor]
"""From (N, 3) points, or (N, 4, 4) poses, of the table frame to (N,) bool."""


@dataclass(frozen=True, kw_only=True)
class Search:
    """How hard to look."""

    seeds: int = 192
    """Places whose grid is read."""
    per_seed: int = 4
    """Best entries kept of each."""
    candidates: int = 128
    """Grasps that the evaluator judges."""
    spread: int = 3
    """Best places, and best grasps, of every patch of 6 cm that take part besides the best of all, so that each
    object is looked at and not only the easiest; 0 is none."""
    finalists: int = 12
    """Best of them around which it looks again; 0 does not."""
    moves: int = 8
    """Small moves of each finalist."""
    mirrors: bool = True
    """Whether the finalists are judged again in worlds mirrored in the hand's planes, and the word is the mean."""
    around: Literal["best", "mean"] = "best"
    """Whether a move that is rated better takes part itself, or a finalist is worth its moves' mean."""
    rerank: bool = True
    """Whether the evaluator judges; without it (an ablation) the order is the grid's and scores are ranks."""
    least_promise: float = 1e-4
    """Places of less graspness are no seeds."""
    table_clearance_m: float = 0.004
    """Least height of any part of the hand above the table."""
    most_drawn_back_m: float = 0.03
    """How far a grasp may be drawn back along its approach to keep that clearance."""

    def __post_init__(self) -> None:
        if min(self.seeds, self.per_seed, self.candidates) < 1 or min(self.spread, self.finalists, self.moves) < 0:
            raise InputError("Search", expected="counts of at least 1 (spread, finalists, moves: 0)", got=f"{self}")


class Found(NamedTuple):
    """N grasps, best first, in the table frame."""

    poses: Tensor
    """(N, 4, 4)."""
    probability: Tensor
    """(N,) calibrated probability of success."""
    width_m: Tensor
    """(N,) opening at the contacts."""
    com_m: Tensor
    """(N,) distance of the held object's centre of mass from the fingers' plane."""


class View(NamedTuple):
    """One canonical image, as a batch of one."""

    depth_m: Tensor
    """(1, H, W)."""
    focal: Tensor
    """(1,)."""
    T_table_camera: Tensor
    """(1, 4, 4)."""


def find_grasps(
    network: GraspNetwork,
    view: View,
    maps: SceneMaps,
    search: Search,
    *,
    gripper: GripperSpec = PANDA_HAND,
    seed_allowed: Allowed | None = None,
    pose_allowed: Allowed | None = None,
    has_table: bool = True,
    lap: Callable[[str], None] | None = None,
) -> Found:
    """Search one image.

    Args:
        network: trained.
        view: the image.
        maps: what the backbone made of it.
        search: how hard to look.
        gripper: the hand, for its clearance above the table.
        seed_allowed: which places may be grasped at.
        pose_allowed: which poses may be taken.
        has_table: whether z = 0 is solid.
        lap: told when the candidates stand ("search") and when they are judged ("evaluate").
    """
    poses = _candidates(network, view, maps, search, seed_allowed)
    poses = _usable(poses, search, gripper, pose_allowed, has_table)
    if lap is not None:
        lap("search")
    if not len(poses):
        return Found(poses, *[torch.zeros(0, device=poses.device)] * 3)
    found = rate_unsorted(network, view, maps, poses)
    if not search.rerank:
        return found._replace(probability=1.0 - torch.arange(len(poses), device=poses.device) / len(poses))
    found = _sorted(found)
    if search.finalists and search.moves:
        near = moved(found.poses[: search.finalists], search.moves)
        near, usable = _cleared(near, search, gripper, pose_allowed, has_table)
        rated = rate_unsorted(network, view, maps, near)
        found = _looked_around(found, rated, usable, search)
    if search.mirrors:
        found = _judged_in_mirrors(network, view, maps, found, max(1, search.finalists))
    if lap is not None:
        lap("evaluate")
    return found


def rate_poses(network: GraspNetwork, view: View, maps: SceneMaps, poses: Tensor) -> Found:
    """The evaluator's word on poses (N, 4, 4) of the table frame, best first."""
    return _sorted(rate_unsorted(network, view, maps, poses))


def rate_unsorted(network: GraspNetwork, view: View, maps: SceneMaps, poses: Tensor) -> Found:
    """As `rate_poses`, in the order of the poses."""
    parts = []
    for some in torch.split(poses, _AT_ONCE if poses.device.type == "cpu" else max(1, len(poses))):
        image = torch.zeros(len(some), dtype=torch.int64, device=poses.device)
        ratings = network.evaluator(*network.evaluator.volumes(some, image, maps, *view))
        parts.append(Found(some, network.probability(ratings.success_logit), ratings.width_m, ratings.com_m))
    return Found(*[torch.cat(values) for values in zip(*parts, strict=True)])


def _candidates(
    network: GraspNetwork, view: View, maps: SceneMaps, search: Search, seed_allowed: Allowed | None
) -> Tensor:
    """(N, 4, 4) the best entries of the grid at the best seeds, centred on what they would hold."""
    size = (view.depth_m.shape[1], view.depth_m.shape[2])
    on_object = max_pool2d(maps.object_logit[:, None], SEED_STRIDE // 2)[:, 0].sigmoid()
    promise = (maps.graspness_logit.sigmoid() * on_object).flatten()
    width = maps.graspness_logit.shape[2]
    cell = torch.arange(len(promise), device=promise.device)
    middle = 0.5 * (SEED_STRIDE - 1)
    pixels = torch.stack([cell // width * SEED_STRIDE + middle, cell % width * SEED_STRIDE + middle], dim=-1)[None]
    points = seed_points(pixels, depth_at(maps.front_m, pixels), view.focal, view.T_table_camera, size)[0]
    if seed_allowed is not None:
        promise = promise * seed_allowed(points)
    patch = cell // width // _PATCH_CELLS * width + cell % width // _PATCH_CELLS
    best = _best(promise, search.seeds, patch, search.spread)
    best = best[promise[best] > search.least_promise]
    if not len(best):
        return torch.zeros(0, 4, 4, device=promise.device)
    grid = network.backbone.rate(maps.features, pixels[:, best].float())
    quality, entry = grid.quality_logit[0].flatten(1).topk(search.per_seed, dim=1)
    patch = patch[best].repeat_interleave(search.per_seed)
    chosen = _best(quality.flatten(), search.candidates, patch, search.spread)
    seed, entry = chosen // search.per_seed, entry.flatten()[chosen]
    depths = grid.quality_logit.shape[-1]
    orientation, depth = entry // depths, entry % depths
    offset = grid.offset_m[0][seed, orientation]
    return grasp_poses(points[best][seed], view.T_table_camera.expand(len(seed), -1, -1), orientation, depth, offset)


def _best(values: Tensor, count: int, patch: Tensor, spread: int) -> Tensor:
    """Indices, best first, of the `count` best of N values and of those among the `spread` best of their patch (N,)."""
    order = values.argsort(descending=True, stable=True)
    if not spread:
        return order[:count]
    together = patch[order].argsort(stable=True)
    ordered = patch[order][together]
    place = torch.empty_like(order)
    place[together] = torch.arange(len(order), device=order.device) - torch.searchsorted(ordered, ordered)
    first = place < spread
    first[:count] = True
    return order[first]


def _usable(
    poses: Tensor, search: Search, gripper: GripperSpec, pose_allowed: Allowed | None, has_table: bool
) -> Tensor:
    """Poses drawn back until the open hand clears the table; those that cannot, or may not be taken, left out."""
    poses, usable = _cleared(poses, search, gripper, pose_allowed, has_table)
    return poses[usable]


def _cleared(
    poses: Tensor, search: Search, gripper: GripperSpec, pose_allowed: Allowed | None, has_table: bool
) -> tuple[Tensor, Tensor]:
    """All poses, drawn back until the open hand clears the table, and (N,) which of them can be used."""
    usable = torch.ones(len(poses), dtype=torch.bool, device=poses.device)
    if pose_allowed is not None and len(poses):
        usable = pose_allowed(poses)
    if not has_table or not len(poses):
        return poses, usable
    corners = torch.tensor(
        [[b[i, 0], b[j, 1], b[1, 2]] for b in gripper.boxes() for i in (0, 1) for j in (0, 1)],
        dtype=poses.dtype,
        device=poses.device,
    )
    lowest = (poses[:, 2, :3] @ corners.T).amin(dim=1) + poses[:, 2, 3]
    back = (search.table_clearance_m - lowest).clamp_min(0.0) / (-poses[:, 2, 2]).clamp_min(0.15)
    out = poses.clone()
    out[:, :3, 3] -= back[:, None] * poses[:, :3, 2]
    return out, usable & (back < search.most_drawn_back_m)


def _judged_in_mirrors(network: GraspNetwork, view: View, maps: SceneMaps, found: Found, count: int) -> Found:
    """The best `count` by the mean log-odds over the four mirror images of what the hand meets; the rest behind."""
    poses = found.poses[:count]
    image = torch.zeros(len(poses), dtype=torch.int64, device=poses.device)
    volumes = network.evaluator.volumes(poses, image, maps, *view)
    logits = []
    for across_y, across_x in ((False, False), (False, True), (True, False), (True, True)):
        flags = [torch.full((len(poses),), flag, device=poses.device) for flag in (across_y, across_x)]
        logits.append(network.evaluator(*volumes.mirrored(*flags)).success_logit)
    probability = network.probability(torch.stack(logits).mean(dim=0))
    order = probability.argsort(descending=True, stable=True)
    rest = found.probability[count:].clamp_max(float(probability.min()))
    columns = [torch.cat([value[:count][order], value[count:]]) for value in found]
    return Found(*columns)._replace(probability=torch.cat([probability[order], rest]))


def _looked_around(found: Found, moves: Found, usable: Tensor, search: Search) -> Found:
    """What the finalists' surroundings, finalist by finalist and move by move, say of them."""
    if search.around == "best":
        return _sorted(Found(*[torch.cat([a, b[usable]]) for a, b in zip(found, moves, strict=True)]))
    count = len(usable) // search.moves
    around = (moves.probability * usable).view(count, search.moves).sum(dim=1)
    worth = (found.probability[:count] + around) / (1 + search.moves)
    order = worth.argsort(descending=True, stable=True)
    rest = found.probability[count:].clamp_max(float(worth.min()))
    first = [torch.cat([value[:count][order], value[count:]]) for value in found]
    return Found(*first)._replace(probability=torch.cat([worth[order], rest]))


def _sorted(found: Found) -> Found:
    """Best first."""
    order = found.probability.argsort(descending=True, stable=True)
    return Found(*[value[order] for value in found])
