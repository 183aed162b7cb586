"""Training data for grasp detection: scenes, views, labels and trials, one shard for each scene."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from envs.clutter import play_rounds
from envs.grasp_labels import SceneGeometry
from envs.scenes import Scene
from geometry import InputError
from perception.grasping.network import CANVAS, DEPTHS_M, ORIENTATIONS, PIXEL_M
from policies.grasp_learning.label_grid import LabelGrid, grid_poses, label_view
from policies.grasp_learning.object_pool import ObjectPool
from policies.grasp_learning.recipe import SCENE_MIX, Recipe, SceneMix, settle_scene
from policies.grasp_learning.shards import claim_folder, shard_path, write_shard
from policies.grasp_learning.trials import Trials, choose_grasps, run_trials
from policies.grasp_learning.views import LabelledView, draw_camera, look

_DEPTH_UNIT_M = 1e-4


@dataclass(frozen=True, kw_only=True)
class GenerationConfig:
    """What is generated; with the object sets it says every bit of the dataset."""

    seed: int = 0
    """Seed of every random number; scene i grows from (seed, i) alone."""
    views: int = 3
    """Looks at each scene."""
    trials: int = 24
    """Physics trials in each scene."""
    mix: SceneMix = field(default=SCENE_MIX)
    """What the scenes are like."""

    def __post_init__(self) -> None:
        if self.seed < 0 or self.views < 1 or self.trials < 0:
            raise InputError("GenerationConfig", expected="seed, trials >= 0 and views >= 1", got=f"{self}")


class SceneSummary(NamedTuple):
    """What one scene gave, and what it cost in seconds of CPU."""

    scene: int
    made: bool
    """False where its shard was there already."""
    grasps: int
    """Grasps labelled."""
    good: int
    """Labelled grasps with a quality above 0."""
    trials: int
    successes: int
    likely: int
    """Trials with an analytic quality above 0.5."""
    likely_successes: int
    unlikely: int
    """Trials with an analytic quality of 0."""
    unlikely_successes: int
    settle_s: float
    view_s: float
    label_s: float
    trial_s: float
    write_s: float


def manifest_of(config: GenerationConfig, pool: ObjectPool) -> dict[str, Any]:
    """What must be the same for shards to be of one dataset."""
    return {
        "config": asdict(config),
        "seeds": [config.seed],
        "objects": {
            entry.objects.name: {
                "weight": entry.weight,
                "packed_weight": entry.packed_weight,
                "names": [model.name for model in entry.objects],
            }
            for entry in pool.sets
        },
        "K": len(ORIENTATIONS),
        "D": len(DEPTHS_M),
        "depths_m": DEPTHS_M.tolist(),
        "canvas": list(CANVAS),
        "pixel_m": PIXEL_M,
    }


def generate(
    pool: ObjectPool,
    folder: Path,
    scenes: int,
    config: GenerationConfig,
    *,
    processes: int = 1,
    versions: dict[str, Any] | None = None,
) -> Iterator[SceneSummary]:
    """Fill a folder with the shards of scenes 0 to `scenes`; those that are there are not made again.

    Args:
        pool: the objects.
        folder: of the dataset.
        scenes: how many.
        config: everything else.
        processes: worker processes; the shards do not depend on their number.
        versions: of the packages, for the manifest.
    Yields:
        A summary of each scene as it is done, in no certain order.
    Raises:
        InputError: if the folder holds another dataset.
    """
    claim_folder(folder, {**manifest_of(config, pool), "versions": versions or {}})
    yield from play_rounds(partial(_generate_scene, pool, folder, config), scenes, [config.seed], processes)


def _generate_scene(
    pool: ObjectPool, folder: Path, config: GenerationConfig, *, seed: int, round_index: int
) -> SceneSummary:
    path = shard_path(folder, round_index)
    if path.is_file():
        return SceneSummary(round_index, False, *[0] * 8, *[0.0] * 5)
    with threadpool_limits(1):
        return _make_scene(pool, path, config, seed, round_index)


def _make_scene(pool: ObjectPool, path: Path, config: GenerationConfig, seed: int, index: int) -> SceneSummary:
    clock = [time.process_time()]
    rng = np.random.default_rng((seed, index, 1))
    recipe = settle_scene(pool, config.mix, (seed, index, 0))
    clock.append(time.process_time())
    scene = recipe.build(pool)
    try:
        geometry = SceneGeometry.of(scene)
        views = [look(scene, geometry, draw_camera(recipe.size_m, rng), rng) for _ in range(config.views)]
        clock.append(time.process_time())
        grids = [label_view(geometry, view) for view in views]
        clock.append(time.process_time())
        trials = _try(scene, geometry, views, grids, config.trials, recipe, rng)
        clock.append(time.process_time())
    finally:
        scene.world.close()
    write_shard(path, shard_arrays(recipe, views, grids, trials))
    clock.append(time.process_time())
    return _summary(index, grids, trials, np.diff(clock).tolist())


def _try(
    scene: Scene,
    geometry: SceneGeometry,
    views: list[LabelledView],
    grids: list[LabelGrid],
    count: int,
    recipe: Recipe,
    rng: np.random.Generator,
) -> Trials:
    poses = choose_grasps(geometry, grids, [grid_poses(view) for view in views], count, rng)
    return run_trials(scene, geometry, poses, recipe.physics.rules)


def shard_arrays(recipe: Recipe, views: list[LabelledView], grids: list[LabelGrid], trials: Trials) -> dict[str, Any]:
    """The arrays of one shard by their names in the file."""
    return {
        "recipe": np.frombuffer(recipe.to_json().encode(), dtype=np.uint8),
        "depth": np.stack([np.rint(view.depth_m / _DEPTH_UNIT_M).astype(np.uint16) for view in views]),
        "exit_depth": np.stack([np.rint(view.exit_m / _DEPTH_UNIT_M).astype(np.uint16) for view in views]),
        "segmentation": np.stack([view.segmentation for view in views]),
        "focal": np.array([view.camera.fx for view in views]),
        "T_table_camera": np.stack([view.T_table_camera for view in views]),
        "seeds": np.stack([view.seeds for view in views]),
        "quality": np.stack([grid.quality for grid in grids]),
        "width_mm": np.stack([grid.width_mm for grid in grids]),
        "offset_mm": np.stack([grid.offset_mm for grid in grids]),
        **{f"trial_{name}": values for name, values in trials._asdict().items()},
    }


def _summary(index: int, grids: list[LabelGrid], trials: Trials, seconds: list[float]) -> SceneSummary:
    likely, unlikely = trials.quality > 0.5, trials.quality <= 0.0
    return SceneSummary(
        index,
        True,
        sum(grid.failure.size for grid in grids),
        sum(int(np.count_nonzero(grid.quality)) for grid in grids),
        len(trials.success),
        int(trials.success.sum()),
        int(likely.sum()),
        int(trials.success[likely].sum()),
        int(unlikely.sum()),
        int(trials.success[unlikely].sum()),
        *seconds,
    )
