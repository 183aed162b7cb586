"""On-policy rounds: what a detector proposes is tried in physics, and added to the dataset.

Labels computed from geometry say what should work; only trials of a network's own favourites show
where it is wrong. Training on them is what makes a score honest (compare DAgger, Ross et al. 2011).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from envs.clutter import play_rounds
from envs.grasp_labels import SceneGeometry
from geometry import FloatArray, InputError
from perception.grasping import Grasps, suppress_duplicates
from perception.grasping.network import GraspNetwork, Search, View, find_grasps
from perception.grasping.training import SensorFaults, add_faults
from policies.grasp_learning.object_pool import ObjectPool
from policies.grasp_learning.recipe import Recipe
from policies.grasp_learning.shards import shard_path, write_shard
from policies.grasp_learning.trials import run_trials

_DEPTH_UNIT_M = 1e-4
_APART_M, _APART_RAD = 0.01, 0.3


@dataclass(frozen=True, kw_only=True)
class OnPolicyConfig:
    """What a round tries."""

    round: int = 1
    """Number of the round, in the files' names; each round looks from the next of the scene's views."""
    favourites: int = 5
    """Best proposals that are tried, no two of them near duplicates."""
    others: int = 7
    """Further proposals, drawn at random from all that were rated, the likelier the better rated."""
    seed: int = 0
    """Of the sensor faults and the draw."""

    def __post_init__(self) -> None:
        if self.round < 1 or self.favourites < 1 or self.others < 0 or self.seed < 0:
            raise InputError("OnPolicyConfig", expected="round, favourites >= 1 and others, seed >= 0", got=f"{self}")


class RoundSummary(NamedTuple):
    """What one scene's trials gave."""

    scene: int
    """Its number."""
    made: bool
    """False where its file was there already."""
    trials: int
    successes: int
    best: int
    """Scenes whose best proposal was tried: 0 or 1."""
    best_successes: int


def try_proposals(
    pool: ObjectPool, folder: Path, weights: Path, scenes: list[int], config: OnPolicyConfig, *, processes: int = 1
) -> Iterator[RoundSummary]:
    """Try a network's proposals in every scene of a dataset.

    Args:
        pool: the objects that the dataset was made from.
        folder: of the dataset.
        weights: of the network.
        scenes: numbers of the scenes.
        config: what to try.
        processes: worker processes; the files do not depend on their number.
    Yields:
        A summary of each scene as it is done, in no certain order.
    """
    GraspNetwork.load(weights)  # what is wrong with it shall be said here, not by a worker
    play = partial(_try_scene, pool, folder, weights, tuple(scenes), config)
    yield from play_rounds(play, len(scenes), [config.seed], processes)


def _try_scene(
    pool: ObjectPool,
    folder: Path,
    weights: Path,
    scenes: tuple[int, ...],
    config: OnPolicyConfig,
    *,
    seed: int,
    round_index: int,
) -> RoundSummary:
    index = scenes[round_index]
    path = shard_path(folder, index)
    added = path.with_name(f"{path.stem}.trials_{config.round}.npz")
    if added.is_file():
        return RoundSummary(index, False, 0, 0, 0, 0)
    with threadpool_limits(1):
        torch.set_num_threads(1)
        return _make_trials(pool, path, added, _network(weights), config, np.random.default_rng((seed, index)))


@cache
def _network(weights: Path) -> GraspNetwork:
    return GraspNetwork.load(weights)


def _make_trials(
    pool: ObjectPool, path: Path, added: Path, network: GraspNetwork, config: OnPolicyConfig, rng: np.random.Generator
) -> RoundSummary:
    with np.load(path, allow_pickle=False) as shard:
        recipe = Recipe.from_json(bytes(shard["recipe"]).decode())
        number = (config.round - 1) % len(shard["focal"])
        depth_m = shard["depth"][number].astype(np.float32) * np.float32(_DEPTH_UNIT_M)
        focal, T_table_camera = shard["focal"][number], shard["T_table_camera"][number]
    poses, probability = _propose(network, depth_m, focal, T_table_camera, config, rng)
    scene = recipe.build(pool)
    try:
        trials = run_trials(scene, SceneGeometry.of(scene), poses, recipe.physics.rules)
    finally:
        scene.world.close()
    arrays = {f"trial_{name}": values for name, values in trials._asdict().items()}
    write_shard(
        added,
        {**arrays, "trial_view": np.full(len(poses), number), "trial_predicted": probability.astype(np.float32)},
    )
    best = int(len(poses) > 0)
    return RoundSummary(
        path_index(path), True, len(poses), int(trials.success.sum()), best, int(trials.success[:1].sum())
    )


def path_index(path: Path) -> int:
    """The number of the scene in a shard."""
    return int(path.stem.removeprefix("scene_"))


@torch.inference_mode()
def _propose(
    network: GraspNetwork,
    depth_m: np.ndarray,
    focal: float,
    T_table_camera: FloatArray,
    config: OnPolicyConfig,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """Poses (n, 4, 4) `T_table_grasp` to try, the best first, and their probabilities."""
    clean, T = torch.from_numpy(depth_m)[None], torch.from_numpy(T_table_camera)[None].float()
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    noisy, seen_from = add_faults(clean, T, SensorFaults(), generator)
    view = View(noisy, torch.tensor([focal], dtype=torch.float32), seen_from)
    found = find_grasps(network, view, network.backbone(*view), Search())
    poses, probability = found.poses.double().numpy(), found.probability.double().numpy()
    if not len(poses):
        return np.empty((0, 4, 4)), np.empty(0)
    grasps = Grasps(_orthonormal(poses), np.zeros(len(poses)), probability)
    grasps = suppress_duplicates(grasps, distance_m=_APART_M, angle_rad=_APART_RAD)
    rest = np.arange(config.favourites, len(grasps))
    weight = grasps.scores[rest] + 0.02
    count = min(config.others, len(rest))
    drawn = rng.choice(rest, size=count, replace=False, p=weight / weight.sum()) if count else rest[:0]
    chosen = grasps[np.concatenate([np.arange(min(config.favourites, len(grasps))), np.sort(drawn)])]
    return chosen.poses, chosen.scores


def _orthonormal(poses: FloatArray) -> FloatArray:
    """Single precision's rounding taken out of rotations (N, 4, 4)."""
    u, _, vt = np.linalg.svd(poses[:, :3, :3])
    out = poses.copy()
    out[:, :3, :3] = u @ vt
    return out
