"""Training runs: going on from a checkpoint, the frozen backbone, a task that is learned in seconds, logs."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from geometry import InputError
from perception.grasping.network.backbone import BackboneSpec
from perception.grasping.network.evaluator import EvaluatorSpec
from perception.grasping.network.model import GraspNetwork, NetworkSpec
from perception.grasping.training.augment import NO_FAULTS
from perception.grasping.training.checkpoint import Checkpoint
from perception.grasping.training.dataset import GraspDataset
from perception.grasping.training.log import TrainingLog
from perception.grasping.training.loop import TrainingConfig, learning_rate, train
from perception.grasping.training.losses import Loss
from perception.grasping.training.pictures import training_picture

SMALL = NetworkSpec(
    backbone=BackboneSpec(widths=(4, 4, 8, 8), features=8, hidden=8),
    evaluator=EvaluatorSpec(widths=(8, 8, 8, 8), hidden=16),
)
CONFIG = TrainingConfig(steps=4, batch=2, warmup=2, checkpoint_every=2, grid_examples=4, bf16=False)


def small_network(seed: int = 0) -> GraspNetwork:
    torch.manual_seed(seed)
    return GraspNetwork(SMALL)


def bits(network: GraspNetwork) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def same(one: dict[str, Tensor], two: dict[str, Tensor]) -> list[str]:
    """Names of the tensors that are the same bit for bit."""
    assert list(one) == list(two)
    return [name for name in one if torch.equal(one[name], two[name])]


@pytest.fixture
def dataset(grasp_data: Callable[..., Any]) -> GraspDataset:
    return GraspDataset(grasp_data(2).folder)


# --- checkpoints


def trained_a_little(
    path: Path | None, seed: int
) -> tuple[Checkpoint, GraspNetwork, torch.optim.AdamW, dict[str, Tensor]]:
    """Two optimiser steps on nothing in particular; some parameters without gradients."""
    network = small_network(seed)
    network.backbone.requires_grad_(False)
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.01)
    average = {name: value.detach().clone() + 1 for name, value in network.state_dict().items()}
    for _ in range(2):
        torch.autograd.backward(sum(p.square().sum() + p.sum() for p in network.evaluator.parameters()))
        optimizer.step()
    return Checkpoint(path, network, optimizer, average), network, optimizer, average


def test_weights_average_and_moments_come_back_exactly(tmp_path: Path) -> None:
    path = tmp_path / "run" / "checkpoint.safetensors"
    saver, network, optimizer, average = trained_a_little(path, 1)
    saver.save(37)
    reader, network_2, optimizer_2, average_2 = trained_a_little(path, 2)
    assert same(bits(network), bits(network_2)) != list(bits(network))
    assert reader.restore() == 37
    assert same(bits(network), bits(network_2)) == list(bits(network))
    assert same(average, average_2) == list(average)
    for ours, theirs in zip(network.evaluator.parameters(), network_2.evaluator.parameters(), strict=True):
        for key in ("step", "exp_avg", "exp_avg_sq"):
            assert torch.equal(optimizer.state[ours][key], optimizer_2.state[theirs][key])
    for net, opt in ((network, optimizer), (network_2, optimizer_2)):  # the next step is the same, too
        opt.zero_grad()
        torch.autograd.backward(sum(p.square().sum() for p in net.evaluator.parameters()))
        opt.step()
    assert same(bits(network), bits(network_2)) == list(bits(network))
    assert [p.name for p in path.parent.iterdir() if p.name.startswith(".")] == []


def test_no_file_is_a_fresh_start_and_no_path_keeps_nothing(tmp_path: Path) -> None:
    assert trained_a_little(tmp_path / "none.safetensors", 1)[0].restore() == 0
    nothing = trained_a_little(None, 1)[0]
    nothing.save(3)
    assert nothing.restore() == 0 and list(tmp_path.iterdir()) == []


def test_a_checkpoint_of_another_network_or_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    trained_a_little(path, 1)[0].save(2)
    other = GraspNetwork(replace(SMALL, evaluator=EvaluatorSpec(widths=(4, 4, 4, 4), hidden=4)))
    average = {name: value.clone() for name, value in other.state_dict().items()}
    with pytest.raises(InputError, match="checkpoint.safetensors: expected a checkpoint of this network.*train into"):
        Checkpoint(path, other, torch.optim.AdamW(other.parameters()), average).restore()
    path.write_bytes(path.read_bytes()[:-64])
    with pytest.raises(InputError, match="checkpoint.safetensors"):
        trained_a_little(path, 1)[0].restore()
    small_network().save(path, {})
    with pytest.raises(InputError, match="format"):
        trained_a_little(path, 1)[0].restore()


# --- the loop


def test_a_killed_run_goes_on_from_its_checkpoint(dataset: GraspDataset, tmp_path: Path) -> None:
    path, network = tmp_path / "checkpoint.safetensors", small_network()
    kept: dict[str, Tensor] = {}

    class Killed(Exception):
        pass

    def die(step: int, loss: Loss, rate: float) -> None:
        assert math.isfinite(float(loss.total.detach()))
        if step == 2:
            raise Killed
        kept.clear()
        kept.update(bits(network))

    with pytest.raises(Killed):
        train(network, dataset, CONFIG, checkpoint=path, on_step=die)
    record = json.loads(path.with_suffix(".json").read_text())
    assert record["step"] == 2

    steps: list[int] = []
    seen: list[dict[str, Tensor]] = []
    again = small_network(9)

    def watch(step: int, loss: Loss, rate: float) -> None:
        steps.append(step)
        seen.append(bits(again))
        assert rate == learning_rate(step, CONFIG)

    finished = train(again, dataset, replace(CONFIG, checkpoint_every=100), checkpoint=path, on_step=watch)
    assert steps == [2, 3]
    # the first step after the restart is small: it started from the kept weights and moments
    moved = max(float((seen[0][n] - kept[n]).abs().max()) for n in kept if "running" not in n and "num_" not in n)
    assert 0.0 < moved < 5.0 * CONFIG.learning_rate
    assert json.loads(path.with_suffix(".json").read_text())["step"] == 4
    third = train(small_network(5), dataset, CONFIG, checkpoint=path, on_step=watch)
    assert steps == [2, 3]  # nothing left to do
    assert same(bits(finished), bits(third)) == list(bits(finished))


def test_the_same_seed_trains_the_same_weights(dataset: GraspDataset) -> None:
    runs = []
    for seed in (3, 3, 4):
        torch.manual_seed(0)
        runs.append(bits(train(small_network(), dataset, replace(CONFIG, steps=2, seed=seed))))
    assert same(runs[0], runs[1]) == list(runs[0]) and same(runs[0], runs[2]) != list(runs[0])


def test_the_average_of_the_weights_is_what_is_returned(dataset: GraspDataset) -> None:
    network = small_network()
    history = [bits(network)]
    finished = train(network, dataset, CONFIG, on_step=lambda *_: history.append(bits(network)))
    assert finished is network and not network.training
    name = "evaluator.judge.0.weight"
    expected = history[0][name]
    for step, weights in enumerate(history[1:]):
        decay = min(0.998, (step + 1) / (step + 10))
        expected = decay * expected + (1.0 - decay) * weights[name]
    torch.testing.assert_close(finished.state_dict()[name], expected)
    counts = [value for key, value in finished.state_dict().items() if key.endswith("num_batches_tracked")]
    assert {int(count) for count in counts} == {4}


def test_the_evaluator_alone_leaves_every_bit_of_the_backbone(dataset: GraspDataset) -> None:
    network = small_network()
    before = bits(network)
    names: list[str] = []
    config = replace(CONFIG, evaluator_only=True, weight_decay=0.5)
    train(network, dataset, config, on_step=lambda step, loss, rate: names.extend(loss.terms))
    unchanged = same(before, bits(network))
    assert {name for name in before if name.startswith("backbone.")} <= set(unchanged)
    learnt = [name for name, _ in network.evaluator.named_parameters()]
    assert not {f"evaluator.{name}" for name in learnt} & set(unchanged)
    assert set(names) == {"success", "rated_quality", "balance", "rated_place"}


def test_training_changes_everything_that_can_learn(dataset: GraspDataset) -> None:
    network = small_network()
    before = bits(network)
    losses: list[Loss] = []
    train(network, dataset, replace(CONFIG, steps=2), on_step=lambda step, loss, rate: losses.append(loss))
    unchanged = set(same(before, bits(network)))
    assert not {name for name, _ in network.named_parameters()} & unchanged
    assert len(losses[0].terms) == 10 and all(torch.isfinite(value) for value in losses[0].terms.values())


def test_the_evaluator_learns_a_small_task_in_seconds(dataset: GraspDataset) -> None:
    config = TrainingConfig(
        steps=60,
        batch=2,
        warmup=5,
        learning_rate=1e-2,
        grid_examples=2,
        bf16=False,
        evaluator_only=True,
        faults=NO_FAULTS,
    )
    losses: list[float] = []
    train(
        small_network(), dataset, config, on_step=lambda step, loss, rate: losses.append(float(loss.terms["success"]))
    )
    assert losses[0] == pytest.approx(math.log(2.0), abs=0.3)
    assert np.mean(losses[-10:]) < 0.25 * np.mean(losses[:3])


def test_rates_warm_up_and_fall_as_half_a_cosine() -> None:
    config = TrainingConfig(steps=110, warmup=10, learning_rate=1.0, last_learning_rate=0.2)
    assert learning_rate(0, config) == pytest.approx(0.1) and learning_rate(9, config) == pytest.approx(1.0)
    assert learning_rate(10, config) == pytest.approx(1.0) and learning_rate(60, config) == pytest.approx(0.6)
    assert learning_rate(110, config) == pytest.approx(0.2)
    falls = np.diff([learning_rate(step, config) for step in range(10, 110)])
    assert (falls < 0.0).all()


def test_fewer_views_than_a_batch_are_refused(dataset: GraspDataset) -> None:
    with pytest.raises(InputError, match="at least 3 views, one batch, got 2"):
        train(small_network(), dataset, replace(CONFIG, batch=3))


@pytest.mark.parametrize(
    "change",
    [{"steps": 0}, {"batch": 0}, {"grid_examples": 0}, {"checkpoint_every": 0}, {"learning_rate": 0.0}],
)
def test_bad_configurations_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="TrainingConfig"):
        TrainingConfig(**change)


# --- logs and pictures


def test_a_picture_shows_depth_graspness_and_thickness(dataset: GraspDataset) -> None:
    batch = dataset.batch([0], np.random.default_rng(0))
    network = small_network().eval()
    with torch.inference_mode():
        network.backbone.head[-1].bias[1] = 20.0  # the steepest approach
        picture = training_picture(network, batch.depth_m, batch.focal, batch.T_table_camera)
        height, width = batch.depth_m.shape[1:]
        assert picture.shape == (2 * height, 6 * width, 3) and picture.dtype == np.uint8
        depth = picture[:, : 2 * width].astype(int)
        hands = (np.ptp(depth, axis=-1) > 20).sum()
        assert 100 < hands < 0.5 * depth[..., 0].size  # coloured lines on grey
        empty = training_picture(network, torch.zeros_like(batch.depth_m), batch.focal, batch.T_table_camera)
    assert empty.shape == picture.shape


def scalars(folder: Path) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "tensorboard"), size_guidance={"images": 0})
    events.Reload()
    return events


def test_logs_hold_losses_figures_and_pictures(dataset: GraspDataset, tmp_path: Path) -> None:
    network = small_network()
    loss = Loss(torch.tensor(2.5, requires_grad=True), {"success": torch.tensor(0.5), "quality": torch.tensor(0.25)})
    with TrainingLog(tmp_path, dataset, every=2) as log:
        for step in range(21):
            if step in (0, 1, 20):
                log.step(step, loss, 0.001 * (step + 1), network.train())
    assert network.training
    events = scalars(tmp_path)
    found = {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
    assert found["loss/total"] == [(0, 2.5), (20, 2.5)] and found["loss/success"] == [(0, 0.5), (20, 0.5)]
    assert found["learning rate"] == [(0, pytest.approx(0.001)), (20, pytest.approx(0.021))]
    assert found["validation/trials"] == [(1, 20.0)] and 0.0 <= found["validation/area_under_roc"][0][1] <= 1.0
    assert events.Tags()["images"] == [f"grasps/{i}" for i in range(3)]
    picture = events.Images("grasps/0")[0]
    assert (picture.height, picture.width) == (128, 480)


def test_no_folder_no_log(dataset: GraspDataset) -> None:
    with TrainingLog(None, dataset, every=1) as log:
        log.step(0, Loss(torch.zeros(()), {}), 0.1, small_network())
