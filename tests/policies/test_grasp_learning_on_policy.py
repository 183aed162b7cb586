"""A network's own grasps as training data: trials of its proposals, and clearing rounds that it plays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from envs.clutter import Observation
from envs.objects import load_objects
from geometry import InputError, transform
from perception.grasping.network.backbone import BackboneSpec
from perception.grasping.network.evaluator import EvaluatorSpec
from perception.grasping.network.model import GraspNetwork, NetworkSpec
from perception.grasping.training.dataset import GraspDataset
from policies.grasp_learning import GenerationConfig, ObjectPool, Recipe, SceneMix, WeightedSet, generate, shard_path
from policies.grasp_learning import on_policy as room
from policies.grasp_learning.clearing import ClearingConfig, play_for_training
from policies.grasp_learning.on_policy import OnPolicyConfig, try_proposals

SMALL = NetworkSpec(
    backbone=BackboneSpec(widths=(4, 4, 8, 8), features=8, hidden=8),
    evaluator=EvaluatorSpec(widths=(4, 4, 8, 8), hidden=8),
)
FEW = SceneMix(shares={"packed": 1.0}, counts=(2, 2), scales=(0.8, 0.9), odd_friction=0.0, frictions=(1.0, 1.0))
CONFIG = OnPolicyConfig(favourites=2, others=2)


@pytest.fixture(scope="module")
def pool() -> ObjectPool:
    return ObjectPool((WeightedSet(load_objects("procedural", limit=4)),))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that knows nothing but to come from above."""
    torch.manual_seed(0)
    network = GraspNetwork(SMALL)
    with torch.no_grad():
        network.backbone.head[-1].bias[:32] = 20.0  # every angle and depth of the steepest approach
    path = tmp_path_factory.mktemp("weights") / "net.safetensors"
    network.save(path, {})
    return path


def folder_of(pool: ObjectPool, folder: Path) -> Path:
    config = GenerationConfig(seed=1, views=1, trials=2, mix=FEW)
    assert all(each.made for each in generate(pool, folder, 1, config))
    return folder


@pytest.mark.slow
def test_a_round_of_trials_is_added_once_and_the_same_for_the_same_seed(
    pool: ObjectPool, weights: Path, tmp_path: Path
) -> None:
    folder = folder_of(pool, tmp_path / "data")
    (summary,) = try_proposals(pool, folder, weights, [0], CONFIG)
    added = folder / "scene_000000.trials_1.npz"
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "scene_000000.npz", added.name]
    with np.load(added) as trials:
        assert summary.made and summary.trials == len(trials["trial_success"]) == 4
        assert summary.successes == trials["trial_success"].sum() and summary.best == 1
        assert summary.best_successes == trials["trial_success"][0]
        assert trials["trial_pose"].shape == (4, 4, 4) and (trials["trial_view"] == 0).all()
        R = trials["trial_pose"][:, :3, :3]
        np.testing.assert_allclose(R @ R.transpose(0, 2, 1), np.broadcast_to(np.eye(3), R.shape), atol=1e-5)
        predicted = trials["trial_predicted"]
        assert predicted.dtype == np.float32 and predicted[0] >= predicted[1] >= predicted[2:].max()
        kept = {key: trials[key] for key in trials.files}

    before = added.read_bytes()
    (again,) = try_proposals(pool, folder, weights, [0], CONFIG)
    assert again == (0, False, 0, 0, 0, 0) and added.read_bytes() == before
    added.unlink()
    list(try_proposals(pool, folder, weights, [0], CONFIG))
    assert added.read_bytes() == before
    added.unlink()
    list(try_proposals(pool, folder, weights, [0], OnPolicyConfig(favourites=2, others=2, seed=1)))
    with np.load(added) as other:
        assert not np.array_equal(other["trial_pose"], kept["trial_pose"])

    dataset = GraspDataset(folder, trials_per_view=100)
    assert dataset.trial_count == 6 and dataset.scenes[0].trials["policy"].sum() == 4
    assert len(dataset.batch([0], np.random.default_rng(0)).trial_success) == 6


def test_damaged_weights_are_refused_before_any_process_starts(
    pool: ObjectPool, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("rounds were played")

    monkeypatch.setattr(room, "play_rounds", never)
    bad = tmp_path / "net.safetensors"
    bad.write_bytes(weights.read_bytes()[:-20])
    bad.with_suffix(".json").write_bytes(weights.with_suffix(".json").read_bytes())
    with pytest.raises(InputError, match="net.safetensors: expected bytes"):
        next(try_proposals(pool, tmp_path, bad, [0], CONFIG, processes=4))
    with pytest.raises(InputError, match="none of this name"):
        next(try_proposals(pool, tmp_path, tmp_path / "no.safetensors", [0], CONFIG, processes=4))


@pytest.mark.parametrize("change", [{"round": 0}, {"favourites": 0}, {"others": -1}, {"seed": -1}])
def test_bad_on_policy_options_are_refused(change: dict[str, int]) -> None:
    with pytest.raises(InputError, match="OnPolicyConfig"):
        OnPolicyConfig(**change)


@pytest.mark.parametrize(
    "change", [{"pile": 1.1}, {"dialect_a": -0.1}, {"favourites": 0}, {"others": -1}, {"seed": -1}]
)
def test_bad_clearing_options_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="ClearingConfig"):
        ClearingConfig(**change)


def from_above(observation: Observation) -> Any:
    """Grasps from above at the middle of what stands, in four turns; the highest point first."""
    cloud = observation.cloud_world
    middle = cloud[np.argmax(cloud[:, 2])]
    poses = []
    for turn in range(4):
        c, s = np.cos(turn * np.pi / 4), np.sin(turn * np.pi / 4)
        R = np.array([[s, c, 0.0], [c, -s, 0.0], [0.0, 0.0, -1.0]])
        poses.append(transform(R, (*middle[:2], max(middle[2] - 0.03, observation.table_z_m + 0.012))))
    return SimpleNamespace(poses=np.stack(poses), widths_m=np.full(4, 0.05), scores=np.linspace(0.9, 0.6, 4))


@pytest.mark.slow
def test_a_clearing_round_becomes_scenes_of_the_data_set(
    pool: ObjectPool, tmp_path: Path, grasp_data: Callable[..., Any]
) -> None:
    folder = grasp_data(1).folder
    (folder / "scene_000000.npz").unlink()
    config = ClearingConfig(pile=0.0, dialect_a=1.0, favourites=2, others=1)
    (played,) = play_for_training(from_above, pool, folder, 1, config)
    files = sorted(folder.glob("scene_*.npz"))
    assert played.looks == len(files) >= 1 and played.trials == 3 * played.looks
    assert files == [shard_path(folder, 100_000 + step) for step in range(played.looks)]
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    dataset = GraspDataset(folder, trials_per_view=100)
    assert len(dataset) == played.looks and dataset.trial_count == played.trials
    assert sum(int(s.trials["success"].sum()) for s in dataset.scenes) == played.successes
    batch = dataset.batch(range(len(dataset)), np.random.default_rng(0))
    assert batch.is_object.any() and torch.isfinite(batch.trial_pose).all()
    with np.load(files[0]) as shard:
        recipe = Recipe.from_json(bytes(shard["recipe"]).decode())
        assert recipe.arrangement == "packed" and recipe.seed == (0, 0, 0) and len(recipe.objects) >= 1
        assert (shard["depth"].shape[1:], shard["quality"].shape[1:]) == ((208, 240), (128, 288, 4))
    before = [file.read_bytes() for file in files]
    assert list(play_for_training(from_above, pool, folder, 1, config)) == [(0, 0, 0, 0)]
    files[0].unlink()  # the first one is written last: without it the round is played again
    list(play_for_training(from_above, pool, folder, 1, config))
    assert [file.read_bytes() for file in files] == before


@pytest.mark.slow
def test_a_planner_that_proposes_nothing_adds_nothing(pool: ObjectPool, tmp_path: Path) -> None:
    def nothing(_: Observation) -> Any:
        return SimpleNamespace(poses=np.empty((0, 4, 4)), widths_m=np.empty(0), scores=np.empty(0))

    assert list(play_for_training(nothing, pool, tmp_path, 1, ClearingConfig())) == [(0, 0, 0, 0)]
    assert list(tmp_path.iterdir()) == []
