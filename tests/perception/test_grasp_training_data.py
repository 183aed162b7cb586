"""The data set that training reads: what a batch holds, padding, rounds of trials, damaged files; workers' shares."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from geometry import InputError
from perception.grasping.training.dataset import GraspDataset, read_scene_file, scene_files
from perception.grasping.training.manifest import read_manifest
from perception.grasping.training.workers import Workers


def scene(folder: Path, number: int = 0) -> Path:
    return folder / f"scene_{number:06d}.npz"


def add_round(folder: Path, number: int, count: int, *, round_number: int = 1) -> None:
    """On-policy trials, all of them failures of quality 0.5 at x = 9."""
    poses = np.tile(np.eye(4, dtype=np.float32), (count, 1, 1))
    poses[:, 0, 3] = 9.0
    arrays = {
        "pose": poses,
        "success": np.zeros(count, np.uint8),
        "quality": np.full(count, 0.5, np.float32),
        "com_m": np.full(count, 0.02, np.float32),
        "object": np.ones(count, np.int16),
        "view": np.zeros(count, np.int64),
    }
    path = folder / f"{scene(folder, number).stem}.trials_{round_number}.npz"
    np.savez_compressed(path, **{f"trial_{key}": value for key, value in arrays.items()})


def test_a_batch_holds_the_files_in_metres(grasp_data: Callable[..., Any]) -> None:
    made = grasp_data(2)
    dataset = GraspDataset(made.folder)
    assert len(dataset) == 2 and dataset.trial_count == 20
    batch = dataset.batch([1, 0], np.random.default_rng(0))
    for place, number in enumerate((1, 0)):
        with np.load(scene(made.folder, number)) as shard:
            np.testing.assert_allclose(batch.depth_m[place], shard["depth"][0] / 1e4, rtol=1e-6)
            np.testing.assert_allclose(batch.exit_m[place], shard["exit_depth"][0] / 1e4, rtol=1e-6)
            np.testing.assert_array_equal(batch.is_object[place], shard["segmentation"][0] == 1)
            np.testing.assert_allclose(batch.focal[place], shard["focal"][0], rtol=1e-6)
            np.testing.assert_allclose(batch.T_table_camera[place], shard["T_table_camera"][0], rtol=1e-6)
            np.testing.assert_allclose(batch.quality[place], shard["quality"][0] / 200.0, rtol=1e-6)
            np.testing.assert_array_equal(batch.seeds[place], shard["seeds"][0])
    works = batch.quality.amax(-1) > 0.0
    np.testing.assert_allclose(batch.width_m, np.where(works, 0.03, 0.0), rtol=1e-6)
    np.testing.assert_allclose(batch.offset_m, np.where(works, -0.004, 0.0), rtol=1e-6)
    assert works.any()
    assert all(value.dtype in (torch.float32, torch.int64, torch.bool) for value in batch)
    assert (batch.seeds[:, -2:] == -1.0).all() and (batch.seeds[:, :-2] >= 0.0).all()


def test_walls_of_a_bin_are_no_objects(grasp_data: Callable[..., Any]) -> None:
    made = grasp_data(1)
    with np.load(scene(made.folder)) as shard:
        arrays = dict(shard)
    arrays["segmentation"][0, :5] = 255
    np.savez_compressed(scene(made.folder), **arrays)
    batch = GraspDataset(made.folder).batch([0], np.random.default_rng(0))
    assert not batch.is_object[0, :5].any() and batch.is_object.any()


def test_trials_go_with_their_view_and_the_unknown_centre_of_mass_is_nan(grasp_data: Callable[..., Any]) -> None:
    made = grasp_data(2)
    dataset = GraspDataset(made.folder, trials_per_view=100)
    batch = dataset.batch([1, 0], np.random.default_rng(0))
    assert batch.trial_image.tolist() == [0] * 10 + [1] * 10
    for place, number in enumerate((1, 0)):
        with np.load(scene(made.folder, number)) as shard:
            found = batch.trial_pose[batch.trial_image == place].numpy()
            assert {p.tobytes() for p in found} == {p.tobytes() for p in shard["trial_pose"]}
    held = batch.trial_success == 1.0
    assert (batch.trial_com_m[held] == 0.01).all() and batch.trial_com_m[~held].isnan().all()
    assert (batch.trial_quality[held] == 0.8).all() and held.sum() == 10
    fewer = GraspDataset(made.folder, trials_per_view=4).batch([0, 1], np.random.default_rng(0))
    assert fewer.trial_image.tolist() == [0] * 4 + [1] * 4
    assert len({p.numpy().tobytes() for p in fewer.trial_pose}) == 8


def test_the_draw_follows_the_generator(grasp_data: Callable[..., Any]) -> None:
    dataset = GraspDataset(grasp_data(1).folder, trials_per_view=5)
    one, two, other = (dataset.batch([0], np.random.default_rng(seed)).trial_pose for seed in (3, 3, 4))
    assert torch.equal(one, two) and not torch.equal(one, other)


@pytest.mark.parametrize(
    ("own", "per_view", "drawn"),
    [(20, 9, 6), (4, 9, 4), (20, 15, 10), (20, 24, 16), (20, 40, 20), (30, 36, 26)],
    ids=["two thirds", "all there are", "two thirds of 15", "two thirds of 24", "all", "what the others lack"],
)
def test_a_detectors_own_trials_come_first(grasp_data: Callable[..., Any], own: int, per_view: int, drawn: int) -> None:
    made = grasp_data(1)
    add_round(made.folder, 0, own - 3)
    add_round(made.folder, 0, 3, round_number=2)
    dataset = GraspDataset(made.folder, trials_per_view=per_view)
    assert dataset.trial_count == 10 + own
    assert dataset.scenes[0].trials["policy"].tolist() == [False] * 10 + [True] * own
    batch = dataset.batch([0], np.random.default_rng(0))
    assert int((batch.trial_pose[:, 0, 3] == 9.0).sum()) == drawn
    assert len(batch.trial_pose) == min(per_view, 10 + own)


def test_trials_of_another_scene_are_not_mixed_in(grasp_data: Callable[..., Any]) -> None:
    made = grasp_data(2)
    add_round(made.folder, 1, 5)
    assert [len(s.trials["success"]) for s in GraspDataset(made.folder).scenes] == [10, 15]
    assert sorted(scene_files(made.folder)) == [0, 1]


def test_a_round_without_trials_is_read(grasp_data: Callable[..., Any]) -> None:
    made = grasp_data(1)
    add_round(made.folder, 0, 0)
    assert GraspDataset(made.folder).trial_count == 10


def test_only_the_wanted_scenes_are_read(grasp_data: Callable[..., Any]) -> None:
    made = grasp_data(3)
    scene(made.folder, 0).write_bytes(b"")
    dataset = GraspDataset(made.folder, [2, 1, 77])
    assert len(dataset) == 2
    for wanted in ([], [77]):
        with pytest.raises(InputError, match="expected scenes, got none; run `graspmimic generate grasps`"):
            GraspDataset(made.folder, wanted)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: b"not a zip file",
        lambda data: data[:3000] + b"\x55" * 400 + data[3400:],
    ],
    ids=["empty", "cut off", "text", "overwritten"],
)
def test_damaged_files_are_named(grasp_data: Callable[..., Any], damage: Callable[[bytes], bytes]) -> None:
    made = grasp_data(2)
    path = scene(made.folder, 1)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match="scene_000001.npz: expected a scene of a data set.*delete it"):
        GraspDataset(made.folder)


def test_a_file_that_is_another_array_or_lacks_one_is_named(grasp_data: Callable[..., Any]) -> None:
    made = grasp_data(1)
    whole = scene(made.folder)
    with np.load(whole) as shard:
        arrays = dict(shard)
    for missing in ("depth", "trial_pose", "seeds"):
        np.savez_compressed(whole, **{key: value for key, value in arrays.items() if key != missing})
        with pytest.raises(InputError, match=f"scene_000000.npz: expected a scene of a data set, got .*{missing}"):
            read_scene_file(whole)
    with whole.open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(InputError, match="scene_000000.npz"):
        read_scene_file(whole)


def test_what_could_run_code_is_not_unpickled(grasp_data: Callable[..., Any]) -> None:
    made = grasp_data(1)
    with np.load(scene(made.folder)) as shard:
        arrays = dict(shard)
    np.savez_compressed(scene(made.folder), **{**arrays, "depth": np.array([{}], dtype=object)})
    with pytest.raises(InputError, match="scene_000000.npz"):
        GraspDataset(made.folder)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "No such file"),
        ("{", "something else"),
        ("[1, 2]", "something else"),
        ("\xff\xfe", "something else"),
        ("[" * 100_000, "something else"),
        ('{"format": "graspmimic-grasps"}', "something else"),
        ('{"format": "other", "version": 1}', "got other, 1"),
        ('{"format": "graspmimic-grasps", "version": 2}', "version 1, got graspmimic-grasps, 2"),
    ],
    ids=["missing", "cut off", "a list", "bytes", "deep", "no version", "another format", "another version"],
)
def test_other_manifests_are_refused(grasp_data: Callable[..., Any], text: str | None, said: str) -> None:
    folder = grasp_data(1).folder
    (folder / "manifest.json").unlink()
    if text is not None:
        (folder / "manifest.json").write_text(text, encoding="latin-1")
    for read in (read_manifest, GraspDataset):
        with pytest.raises(InputError, match=rf"manifest.json: expected .*{said}"):
            read(folder)


def test_the_manifest_comes_back(grasp_data: Callable[..., Any]) -> None:
    folder = grasp_data(1).folder
    (folder / "manifest.json").write_text(json.dumps({"format": "graspmimic-grasps", "version": 1, "K": 288}))
    assert (
        read_manifest(folder)
        == GraspDataset(folder).manifest
        == {
            "format": "graspmimic-grasps",
            "version": 1,
            "K": 288,
        }
    )


def test_making_data_does_not_wait_for_torch() -> None:
    code = "import policies.grasp_learning, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(("count", "length"), [(1, 10), (2, 10), (3, 10), (4, 11), (4, 3), (3, 0)])
def test_workers_share_without_overlap_and_evenly(count: int, length: int) -> None:
    numbers = list(range(100, 100 + length))
    parts = [Workers(torch.device("cpu"), rank, count).share(numbers) for rank in range(count)]
    assert {len(part) for part in parts} == {length // count}
    together = [number for part in parts for number in part]
    assert len(set(together)) == len(together) and set(together) <= set(numbers)


def test_one_worker_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    worker = Workers.join("cpu")
    module = torch.nn.Linear(1, 1)
    assert worker == Workers(torch.device("cpu"), 0, 1) and worker.first and worker.wrap(module) is module
    with pytest.raises(InputError, match="--device: expected auto, cpu or cuda, got 'tpu'"):
        Workers.join("tpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert Workers.join("auto").device == torch.device("cpu")
    with pytest.raises(InputError, match="none that PyTorch can use; --device cpu"):
        Workers.join("cuda")
