"""Clearing rounds for training: a network plays the benchmark, and its favourites of every look are tried.

The scenes of `generate` are all freshly settled and seen from anywhere. Here the looks are those that a
robot really gets, in the states that its own grasps lead to, and only what it would do is tried
(dataset aggregation, Ross et al. 2011). Each look becomes a scene of the dataset, with all its labels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from envs.clutter import ClutterSimulation, Planner, dialect, play_rounds
from envs.grasp_labels import SceneGeometry
from envs.scenes import Arrangement, Scene
from geometry import FloatArray, InputError, transform
from policies.grasp_learning.generator import shard_arrays
from policies.grasp_learning.label_grid import label_view
from policies.grasp_learning.object_pool import ObjectPool
from policies.grasp_learning.recipe import Physics, Recipe, RecipeObject
from policies.grasp_learning.shards import shard_path, write_shard
from policies.grasp_learning.trials import Trials, run_trials
from policies.grasp_learning.views import look

_LOOKS = 10
_VARIETY = 16
_FIRST = 100_000


@dataclass(frozen=True, kw_only=True)
class ClearingConfig:
    """What is played."""

    pile: float = 0.65
    """Share of piles; the rest is packed."""
    dialect_a: float = 0.6
    """Share of rounds by dialect A; the rest by B."""
    favourites: int = 6
    """Best grasps of each look that are tried."""
    others: int = 3
    """Further grasps of each look, drawn at random from those proposed."""
    seed: int = 0
    """Of everything."""

    def __post_init__(self) -> None:
        shares = (self.pile, self.dialect_a)
        if min(shares) < 0.0 or max(shares) > 1.0 or self.favourites < 1 or min(self.others, self.seed) < 0:
            raise InputError("ClearingConfig", expected="shares in [0, 1], favourites >= 1, others >= 0", got=f"{self}")


class ClearedRound(NamedTuple):
    """What one round gave."""

    looks: int
    trials: int
    successes: int
    best_successes: int
    """Looks whose best grasp succeeded."""


def play_for_training(
    planner: Planner, pool: ObjectPool, folder: Path, rounds: int, config: ClearingConfig, *, processes: int = 1
) -> Iterator[ClearedRound]:
    """Play rounds and add each look to a dataset; rounds that are in it already are not played again.

    Args:
        planner: what plays; with more than one process it must pickle.
        pool: the objects.
        folder: of the dataset.
        rounds: how many.
        config: everything else.
        processes: worker processes; the files do not depend on their number.
    Yields:
        A summary of each round as it is done, in no certain order.
    """
    yield from play_rounds(partial(_play, planner, pool, folder, config), rounds, [config.seed], processes)


def _play(
    planner: Planner, pool: ObjectPool, folder: Path, config: ClearingConfig, *, seed: int, round_index: int
) -> ClearedRound:
    number = _FIRST * (1 + seed) + _LOOKS * round_index
    if shard_path(folder, number).is_file():
        return ClearedRound(0, 0, 0, 0)
    rng = np.random.default_rng((seed, round_index))
    arrangement: Arrangement = "pile" if rng.random() < config.pile else "packed"
    rules = dialect("A" if rng.random() < config.dialect_a else "B")
    with threadpool_limits(1):
        objects = pool.draw(rng, _VARIETY, packed=arrangement == "packed")
        simulation = ClutterSimulation(rules, objects, arrangement, rng)
        try:
            looks = list(_looks(planner, simulation, pool, arrangement, config, (seed, round_index), rng))
        finally:
            simulation.close()
    for step in reversed(range(len(looks))):  # the first one last: where it is, the round is whole
        write_shard(shard_path(folder, number + step), looks[step][0])
    trials = [each for _, each in looks]
    return ClearedRound(
        len(looks),
        sum(len(t.success) for t in trials),
        sum(int(t.success.sum()) for t in trials),
        sum(int(t.success[0]) for t in trials),
    )


def _looks(
    planner: Planner,
    simulation: ClutterSimulation,
    pool: ObjectPool,
    arrangement: Arrangement,
    config: ClearingConfig,
    seed: tuple[int, int],
    rng: np.random.Generator,
) -> Iterator[tuple[dict[str, object], Trials]]:
    """Each look's arrays and trials, until nothing is left, nothing is proposed, or nothing that was tried works."""
    scene = simulation.scene
    T_world_table = transform(translation=(0.0, 0.0, scene.workspace.table_z_m))
    T_table_world = transform(translation=(0.0, 0.0, -scene.workspace.table_z_m))
    for step in range(_LOOKS):
        if not scene.objects:
            return
        observation = simulation.observe()
        grasps = planner(observation) if len(observation.cloud_world) else None
        if grasps is None or not len(grasps.poses):
            return
        recipe = _recipe(scene, simulation, pool, arrangement, (*seed, step))
        geometry = SceneGeometry.of(scene)
        view = look(scene, geometry, T_table_world @ observation.T_world_camera, rng)
        poses = T_table_world @ grasps.poses[_chosen(len(grasps.poses), config, rng)]
        trials = run_trials(scene, geometry, poses, recipe.physics.rules)
        yield shard_arrays(recipe, [view], [label_view(geometry, view)], trials), trials
        if not trials.success.any():
            return
        simulation.execute(T_world_table @ poses[int(np.argmax(trials.success))])


def _chosen(count: int, config: ClearingConfig, rng: np.random.Generator) -> FloatArray:
    """Indices of the favourites, and of some others."""
    first = min(count, config.favourites)
    others = rng.permutation(np.arange(first, count))[: config.others]
    return np.concatenate([np.arange(first), np.sort(others)])


def _recipe(
    scene: Scene, simulation: ClutterSimulation, pool: ObjectPool, arrangement: Arrangement, seed: tuple[int, ...]
) -> Recipe:
    """The present state, to be built again."""
    rules = simulation.dialect
    return Recipe(
        arrangement=arrangement,
        physics=Physics(dialect=rules.name, object_mass_kg=rules.object_mass_kg, object_friction=rules.object_friction),
        objects=tuple(
            RecipeObject(
                source=pool.source_of(item.model),
                name=item.model.name,
                scale=item.scale,
                T_world_object=tuple(map(tuple, item.body.pose().tolist())),
            )
            for item in scene.objects.values()
        ),
        table_z_m=scene.workspace.table_z_m,
        size_m=scene.workspace.size_m,
        seed=seed,
    )
