"""The dataset on disk: what a shard holds, going on after a stop, refusing what does not fit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from envs.grasp_labels import SceneGeometry, rate_grasps
from envs.objects import load_objects
from geometry import InputError
from perception.grasping.network import CANVAS, canonical_camera
from policies.grasp_learning import (
    GenerationConfig,
    ObjectPool,
    Recipe,
    WeightedSet,
    generate,
    read_manifest,
    shard_path,
    write_shard,
)

CONFIG = GenerationConfig(seed=3, views=2, trials=4)
SHAPES = {
    "depth": ((2, *CANVAS), np.uint16),
    "exit_depth": ((2, *CANVAS), np.uint16),
    "segmentation": ((2, *CANVAS), np.uint8),
    "focal": ((2,), np.float64),
    "T_table_camera": ((2, 4, 4), np.float64),
    "seeds": ((2, 128, 2), np.int16),
    "quality": ((2, 128, 288, 4), np.uint8),
    "width_mm": ((2, 128, 288), np.uint8),
    "offset_mm": ((2, 128, 288), np.int8),
    "trial_pose": ((4, 4, 4), np.float32),
    "trial_success": ((4,), np.uint8),
    "trial_shaken": ((4,), np.uint8),
    "trial_outcome": ((4,), np.uint8),
    "trial_object": ((4,), np.int16),
    "trial_com_m": ((4,), np.float32),
    "trial_quality": ((4,), np.float32),
}


@pytest.fixture(scope="module")
def pool() -> ObjectPool:
    return ObjectPool((WeightedSet(load_objects("procedural", limit=4)),))


@pytest.fixture(scope="module")
def dataset(pool: ObjectPool, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("grasps")
    assert all(summary.made for summary in generate(pool, folder, 2, CONFIG))
    return folder


def test_a_shard_holds_what_the_format_says(dataset: Path) -> None:
    for index in range(2):
        with np.load(shard_path(dataset, index)) as shard:
            found = {name: (shard[name].shape, shard[name].dtype) for name in shard.files if name != "recipe"}
            assert found == {name: (shape, np.dtype(kind)) for name, (shape, kind) in SHAPES.items()}
            assert np.all(shard["trial_shaken"][shard["trial_success"] == 0] == 255)
            assert np.all((shard["trial_outcome"] == 0) == (shard["trial_success"] == 1))
            assert np.all(shard["trial_object"][shard["trial_success"] == 1] >= 1)
    manifest = read_manifest(dataset)
    assert (manifest["format"], manifest["version"]) == ("graspmimic-grasps", 1)
    assert (manifest["K"], manifest["D"], manifest["canvas"]) == (288, 4, list(CANVAS))
    assert manifest["config"]["seed"] == 3 and len(manifest["objects"]["procedural"]["names"]) == 4


def test_trials_are_rated_as_the_rebuilt_scene_rates_them(dataset: Path, pool: ObjectPool) -> None:
    with np.load(shard_path(dataset, 0)) as shard:
        scene = Recipe.from_json(shard["recipe"].tobytes().decode()).build(pool)
        ratings = rate_grasps(SceneGeometry.of(scene), shard["trial_pose"])
        assert np.allclose(ratings.quality, shard["trial_quality"], atol=1e-3)
        scene.world.close()


def test_the_camera_of_a_shard_is_canonical(dataset: Path) -> None:
    with np.load(shard_path(dataset, 0)) as shard:
        for focal, T in zip(shard["focal"], shard["T_table_camera"], strict=True):
            camera, T_again = canonical_camera(T, (0.15, 0.15))
            assert camera.fx == pytest.approx(focal) and np.allclose(T_again, T)


def test_the_same_seed_writes_the_same_bytes(dataset: Path, pool: ObjectPool, tmp_path: Path) -> None:
    list(generate(pool, tmp_path, 1, CONFIG))
    assert shard_path(tmp_path, 0).read_bytes() == shard_path(dataset, 0).read_bytes()


def test_going_on_makes_only_what_is_missing(dataset: Path, pool: ObjectPool) -> None:
    gone = shard_path(dataset, 1)
    before = gone.read_bytes()
    gone.unlink()
    made = {summary.scene: summary.made for summary in generate(pool, dataset, 2, CONFIG)}
    assert made == {0: False, 1: True}
    assert gone.read_bytes() == before


def test_another_config_or_other_objects_are_refused(dataset: Path, pool: ObjectPool) -> None:
    with pytest.raises(InputError, match='manifest.json: expected config = .*"trials": 9.*"trials": 4'):
        next(generate(pool, dataset, 2, GenerationConfig(seed=3, views=2, trials=9)))
    fewer = ObjectPool((WeightedSet(load_objects("procedural", limit=3)),))
    with pytest.raises(InputError, match="expected objects = .*another --output"):
        next(generate(fewer, dataset, 2, CONFIG))


def test_foreign_folders_are_refused(pool: ObjectPool, tmp_path: Path) -> None:
    write_shard(shard_path(tmp_path, 0), {"x": np.zeros(3)})
    with pytest.raises(InputError, match="manifest.json beside the shards"):
        next(generate(pool, tmp_path, 1, CONFIG))
    for text, said in (("{", "something else"), ('{"format": "graspmimic-grasps", "version": 99}', "99")):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(InputError, match=said):
            next(generate(pool, tmp_path, 1, CONFIG))


def test_a_shard_that_cannot_be_finished_leaves_nothing(tmp_path: Path) -> None:
    class Broken:
        def __array__(self, *_: object, **__: object) -> np.ndarray:
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_shard(shard_path(tmp_path, 0), {"good": np.zeros(5), "bad": Broken()})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_dataset_whatever_the_processes(tmp_path: Path) -> None:
    def command(folder: str, processes: int) -> list[str]:
        options = ["--scenes", "5", "--trials", "4", "--views", "1", "--processes", str(processes)]
        words = ["generate", "grasps", *options, "--output", str(tmp_path / folder)]
        return [sys.executable, "-m", "graspmimic", *words]

    killed = subprocess.Popen(command("killed", 2), stdout=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 300
    while not any((tmp_path / "killed").glob("scene_*.npz")):
        assert killed.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert len(list((tmp_path / "killed").glob("scene_*.npz"))) < 5
    for folder, processes in (("killed", 2), ("whole", 1)):
        subprocess.run(command(folder, processes), check=True, stdout=subprocess.DEVNULL)
    for index in range(5):
        halves = [shard_path(tmp_path / folder, index).read_bytes() for folder in ("killed", "whole")]
        assert halves[0] == halves[1]
    assert json.loads((tmp_path / "killed/manifest.json").read_text())["K"] == 288
