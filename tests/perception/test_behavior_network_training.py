"""Training of the temporal network: it learns in seconds, goes on after a stop, and is judged on other people."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from geometry import InputError
from perception.behavior.network.augment import NO_AUGMENTATION, Augmentation, augment
from perception.behavior.network.behavior_model import BehaviorModel
from perception.behavior.network.checkpoint import Checkpoint
from perception.behavior.network.cross_validation import HeldOut, cross_validate, predict
from perception.behavior.network.examples import Example, changed_recordings, cut, joined
from perception.behavior.network.judgement import judge, judge_together
from perception.behavior.network.loop import EpochReport
from perception.behavior.network.losses import FLICKER_CUT, LossWeights, flicker
from perception.behavior.network.pretraining import Masking, hidden_joints, pretrain
from perception.behavior.network.training import bare_model, class_weights, train
from perception.behavior.network.training_config import TrainingConfig
from perception.behavior.sets import BehaviorSequence, BehaviorSet, leave_one_out, set_of_sequences

JOINTS = ("head", "spine", "left_wrist", "right_wrist")
LABELS = ("rest", "left_wave", "right_wave")
QUICK = TrainingConfig(epochs=25, batch=4, width=16, layers=4, window_s=3.0, longest_clip_s=4.0, average=0.9)


@pytest.fixture(autouse=True)
def one_thread() -> object:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def waves(people: int = 4, takes: int = 3, *, clips: bool = False) -> BehaviorSet:
    """People of other sizes and places who rest, then wave one hand at 2 Hz, at 20 frames a second."""
    sequences = []
    for person in range(people):
        for take in range(takes):
            rng = np.random.default_rng([person, take])
            size, label = 1.0 + 0.5 * person, take % 2 + 1
            points = np.tile(np.array([[0, 2.0], [0, 0], [-1, 0], [1, 0]]), (80, 1, 1))
            start = int(rng.integers(20, 40))
            phase = 2 * np.pi * 2.0 * np.arange(80) / 20.0
            points[start:, 1 + label, 1] += np.sin(phase)[start:]
            points = size * (points + 0.02 * rng.standard_normal(points.shape)) + 3.0 * person
            points[rng.random((80, 4)) < 0.03] = np.nan
            frames = np.where(np.arange(80) < start, 0, label)
            sequences.append(
                BehaviorSequence(
                    name=f"{person}-{take}",
                    subject=f"p{person}",
                    time_s=np.arange(80) / 20.0,
                    keypoints=points,
                    scores=np.isfinite(points).all(axis=2) * 1.0,
                    clip_label=label if clips else None,
                    frame_labels=None if clips else frames,
                )
            )
    return set_of_sequences(sequences, joints=JOINTS, label_names=LABELS)


@pytest.mark.parametrize("clips", [False, True])
def test_it_learns_waves_and_knows_those_of_a_stranger(clips: bool) -> None:
    data = waves(clips=clips)
    reports: list[EpochReport] = []
    split = leave_one_out(data)[3]
    model = train(data.select(split.train), QUICK, on_epoch=reports.append)
    assert reports[-1].losses["total"] < 0.6 * reports[0].losses["total"] and len(reports) == 25
    head = "clip" if clips else "frame"
    assert model.spec.heads == (head,)
    results = predict(model, data.select(split.test), head).results()
    assert results["accuracy"] > 0.85 and results["subjects"] == 1


def test_the_same_seed_gives_the_same_weights_and_a_stopped_run_goes_on(tmp_path: Path) -> None:
    data = waves(2, 2)
    config = replace(QUICK, epochs=4)
    whole, again = train(data, config), train(data, config)
    for first, second in zip(whole.network.parameters(), again.network.parameters(), strict=True):
        assert torch.equal(first, second)

    class Stop(Exception):
        pass

    def stop(report: EpochReport) -> None:
        if report.epoch == 2:
            raise Stop

    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Stop):
        train(data, config, checkpoint=path, on_epoch=stop)
    epochs: list[int] = []
    resumed = train(data, config, checkpoint=path, on_epoch=lambda report: epochs.append(report.epoch))
    assert epochs == [3, 4]
    for first, second in zip(whole.network.parameters(), resumed.network.parameters(), strict=True):
        assert torch.equal(first, second)
    other = train(data, replace(config, seed=1))
    assert any(
        not torch.equal(a, b) for a, b in zip(whole.network.parameters(), other.network.parameters(), strict=True)
    )


def test_a_checkpoint_of_another_run_or_damaged_is_refused(tmp_path: Path) -> None:
    data, config, path = waves(2, 2), replace(QUICK, epochs=1), tmp_path / "checkpoint.safetensors"
    train(data, config, checkpoint=path)
    with pytest.raises(InputError, match="another width"):
        train(data, replace(config, width=8), checkpoint=path)
    assert data.frame_labels is not None
    mended = data.frame_labels.copy()
    mended[5] = 1 - mended[5]
    with pytest.raises(InputError, match="another data"):
        train(replace(data, frame_labels=mended), config, checkpoint=path)
    with pytest.raises(InputError, match="another start"):
        train(data, config, start=pretrain(data, config), checkpoint=path)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]  # one file: no moment at which two do not fit
    whole = path.read_bytes()
    for damaged in (whole[:-5], whole[:40], b"", b"PK" + whole[2:], whole.replace(b"training-2", b"training-9")):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="a checkpoint of this run") as caught:
            train(data, config, checkpoint=path)
        assert "\n" not in str(caught.value)


def test_a_run_that_diverges_says_so_and_keeps_the_last_good_state(tmp_path: Path) -> None:
    data, path = waves(2, 2), tmp_path / "checkpoint.safetensors"
    model = train(data, replace(QUICK, epochs=1))
    keeper = Checkpoint(path, model.network, torch.optim.AdamW(model.network.parameters()), model.network, {})
    keeper.save(1, 1)
    kept = path.read_bytes()
    with torch.no_grad():
        model.network.frame_head.weight[0, 0] = torch.nan
    with pytest.raises(InputError, match="learning rate"):
        keeper.save(2, 2)
    assert path.read_bytes() == kept and keeper.restore() == (1, 1)


def test_labels_that_are_missing_are_said() -> None:
    data = waves(2, 1)
    with pytest.raises(InputError, match="clip labels"):
        train(data, QUICK, heads=("clip",))
    with pytest.raises(InputError, match="none labelled"):
        train(replace(data, frame_labels=None), QUICK)
    with pytest.raises(InputError, match="none labelled"):
        train(replace(data, frame_labels=np.full(len(data.time_s), -1)), QUICK)


def test_pretraining_guesses_better_and_its_layers_are_taken_over() -> None:
    data = waves(3, 2)
    sway = np.sin(2 * np.pi * data.time_s / 1.3)[:, None]
    points = np.stack([0 * sway, 0 * sway - 2, sway, -sway], axis=1) * [1.0, 1.0]  # one wrist tells of the other
    config = replace(QUICK, epochs=60, dropout=0.0, learning_rate=5e-3, augmentation=NO_AUGMENTATION)
    reports: list[EpochReport] = []
    unlabelled = replace(data, keypoints=points.astype(np.float32), frame_labels=None)
    start = pretrain(unlabelled, config, Masking(joints=0.2, body=0.0), on_epoch=reports.append)
    first, last = (np.mean([report.losses["hidden"] for report in part]) for part in (reports[:3], reports[-3:]))
    assert last < 0.4 * first, (first, last)
    first = train(data, replace(config, epochs=1, learning_rate=1e-9), start=start)
    assert torch.allclose(first.network.join.weight, start.network.join.weight, atol=1e-6)
    assert first.network.frame_head.weight.shape == (3, 16)
    with pytest.raises(InputError, match="same width"):
        train(data, replace(config, width=8), start=start)
    other = set_of_sequences(list(data), joints=("a", "b", "c", "d"), label_names=LABELS)
    with pytest.raises(InputError, match="head, spine"):
        train(other, config, start=start)


def test_hidden_spans_have_their_share_and_length() -> None:
    masking = Masking(joints=0.3, body=0.0, span_s=0.5)
    hidden = hidden_joints(20_000, 5, masking, 30.0, np.random.default_rng(0))
    assert hidden.mean() == pytest.approx(0.3, abs=0.03)
    begins = (hidden[1:] & ~hidden[:-1]).sum()
    assert hidden.sum() / begins == pytest.approx(15.0, rel=0.1)
    with pytest.raises(InputError):
        Masking(joints=0.0, body=0.0)


def test_flicker_is_the_truncated_square_of_log_probability_steps() -> None:
    logits = torch.log(torch.tensor([[[0.5, 0.5], [0.8, 0.2], [1e-6, 1 - 1e-6]]]))
    step = (np.log(0.8 / 0.5) ** 2 + np.log(0.2 / 0.5) ** 2) / 2
    jump = (FLICKER_CUT**2 + np.log((1 - 1e-6) / 0.2) ** 2) / 2
    assert float(flicker(logits, torch.tensor([[True, True, True]]))) == pytest.approx((step + jump) / 2, rel=1e-4)
    assert float(flicker(logits, torch.tensor([[True, True, False]]))) == pytest.approx(step, rel=1e-4)
    assert float(flicker(logits, torch.tensor([[False, True, True]]))) == pytest.approx(jump, rel=1e-4)


def test_class_weights_keep_the_mean_and_raise_what_is_rare() -> None:
    data = waves(1, 1)
    labels = np.array([0] * 64 + [1] * 16)
    weights = class_weights(replace(data, frame_labels=labels), 0.5)
    assert weights is not None
    assert weights[1] / weights[0] == pytest.approx(2.0) and weights[2] == 0.0
    assert float(weights[torch.from_numpy(labels)].mean()) == pytest.approx(1.0)


def test_labels_wait_for_the_delay_and_sides_change_with_the_mirror() -> None:
    data, rng = waves(1, 2), np.random.default_rng(0)
    config = replace(QUICK, delay_s=0.25, augmentation=NO_AUGMENTATION)
    model = bare_model(data, config, LABELS, ("frame",))
    for example, sequence in zip(changed_recordings(data, model, config, rng), data, strict=True):
        assert example.frame_labels[:5].tolist() == [-1] * 5 and not example.present[:5].any()
        np.testing.assert_array_equal(example.frame_labels[5:], sequence.frame_labels)
        assert len(example.channels) == 85 and example.present[5:].all()
    mirrored = replace(config, augmentation=replace(NO_AUGMENTATION, mirror=1.0))
    for example, sequence in zip(changed_recordings(data, model, mirrored, rng), data, strict=True):
        np.testing.assert_array_equal(example.frame_labels[5:], np.array([0, 2, 1])[sequence.frame_labels])


def test_a_piece_keeps_channels_and_labels_together() -> None:
    channels = np.arange(20, dtype=np.float32)[:, None]
    whole = Example(channels, np.arange(20), 1, np.arange(20) >= 3)
    rng = np.random.default_rng(0)
    pieces = [cut(whole, 6, rng) for _ in range(40)]
    assert all((piece.channels[:, 0] == piece.frame_labels).all() and len(piece.present) == 6 for piece in pieces)
    assert {int(piece.frame_labels[0]) for piece in pieces} >= {0, 14}
    batch = joined([cut(whole, 50, rng), pieces[0]])
    assert batch.channels.shape == (2, 20, 1) and batch.present.sum(dim=1).tolist() == [
        17,
        int(pieces[0].present.sum()),
    ]
    assert (batch.frame_labels[1, 6:] == -1).all()


def test_mirroring_swaps_sides_and_turns_the_first_axis() -> None:
    points = np.arange(24.0).reshape(3, 4, 2)
    settings = replace(NO_AUGMENTATION, mirror=1.0)
    changed, labels = augment(points, np.array([0, 1, 2]), settings, (0, 1, 3, 2), 20, np.random.default_rng(0))
    assert changed[0].tolist() == [[0, 1], [-2, 3], [-6, 7], [-4, 5]] and labels is not None
    assert labels.tolist() == [0, 1, 2] and points[0, 0, 0] == 0.0


def test_a_slower_copy_passes_through_the_same_places_with_their_labels() -> None:
    points = np.arange(21.0)[:, None, None] * np.ones((1, 2, 3))
    points[10, 1] = np.nan
    settings = replace(NO_AUGMENTATION, warp=0.5)
    for seed in range(5):
        labels = np.arange(21)
        changed, kept = augment(points, labels, settings, (0, 1), 20, np.random.default_rng(seed))
        assert kept is not None and len(changed) == len(kept)
        np.testing.assert_allclose(np.diff(changed[:-1, 0, 0]), changed[1, 0, 0])
        assert np.abs(changed[:, 0, 0] - kept).max() <= 0.5 and 0.5 <= changed[1, 0, 0] <= 1.5
        lost = np.isnan(changed[:, 1, 0])
        assert (np.abs(changed[lost, 0, 0] - 10.0) < 1.0).all() and lost.any()


def test_noise_and_scale_have_their_strength_whoever_is_in_view() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(0.0, 5.0, (4000, 2, 2))
    noisy, _ = augment(points, None, replace(NO_AUGMENTATION, noise=0.1), (0, 1), 20, rng)
    assert (noisy - points).std() == pytest.approx(0.5, rel=0.03)
    wide = [augment(points[:2], None, replace(NO_AUGMENTATION, stretch=0.2), (0, 1), 20, rng)[0] for _ in range(500)]
    assert np.std([each[0, 0, 1] / points[0, 0, 1] for each in wide]) == pytest.approx(0.2, rel=0.15)
    lost, _ = augment(points, None, replace(NO_AUGMENTATION, lost_joint=0.999), (0, 1), 20, rng)
    assert 0 < np.isnan(lost[:, 0, 0]).sum() <= 20
    nobody, _ = augment(np.full((9, 2, 2), np.nan), None, Augmentation(), (0, 1), 20, rng)
    assert np.isnan(nobody).all()


def test_nothing_is_changed_without_augmentation_and_bad_settings_are_refused() -> None:
    points = np.random.default_rng(0).normal(size=(9, 4, 2))
    changed, _ = augment(points, None, NO_AUGMENTATION, (0, 1, 3, 2), 20, np.random.default_rng(0))
    np.testing.assert_array_equal(changed, points)
    for wrong in ({"mirror": 1.5}, {"warp": 1.0}, {"noise": -1.0}):
        with pytest.raises(InputError):
            Augmentation(**wrong)
    with pytest.raises(InputError):
        TrainingConfig(epochs=0)
    with pytest.raises(InputError):
        TrainingConfig(normalisation="none")  # type: ignore[arg-type]


def test_judgements_agree_with_another_library() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    truth, predicted = rng.integers(-1, 4, 300), rng.integers(0, 4, 300)
    judged, known = judge(truth, predicted, 5), truth >= 0
    assert judged.macro_f1 == pytest.approx(metrics.f1_score(truth[known], predicted[known], average="macro"))
    assert judged.accuracy == pytest.approx(metrics.accuracy_score(truth[known], predicted[known]))
    assert judged.count == known.sum() and np.isnan(judged.f1[4])
    halves = judge_together([judge(truth[:150], predicted[:150], 5), judge(truth[150:], predicted[150:], 5)])
    np.testing.assert_array_equal(halves.confusion, judged.confusion)


def test_everybody_is_judged_once_by_a_model_that_never_saw_them() -> None:
    data = waves(3, 2)
    trained_on: list[set[str]] = []

    def make(part: BehaviorSet, split: object) -> BehaviorModel:
        trained_on.append(set(part.subjects.tolist()))
        return train(part, replace(QUICK, epochs=1))

    held = cross_validate(data, leave_one_out(data), "frame", make)
    assert [sorted({"p0", "p1", "p2"} - people) for people in trained_on] == [["p0"], ["p1"], ["p2"]]
    results = held.results()
    assert results["subjects"] == 3 and 0.0 <= results["macro_f1"] <= 1.0
    assert results["subject_macro_f1_low"] <= results["subject_macro_f1_mean"] <= results["subject_macro_f1_high"]
    assert json.dumps(results)
    assert isinstance(held, HeldOut) and held.temperature() > 0.0


def test_a_set_that_is_not_the_models_is_not_judged() -> None:
    data = waves(2, 1)
    model = train(data, replace(QUICK, epochs=1))
    with pytest.raises(InputError, match="model's labels"):
        predict(model, replace(data, label_names=data.label_names[::-1]), "frame")
    with pytest.raises(InputError, match="model's joints"):
        predict(model, replace(data, joints=np.roll(data.joints, 1)), "frame")
    with pytest.raises(InputError, match="frame labels to judge by"):
        predict(model, replace(data, frame_labels=None), "frame")
    unlabelled = replace(data, frame_labels=np.full(len(data.time_s), -1))
    with pytest.raises(InputError, match="labelled recordings"):
        predict(model, unlabelled, "frame").results()


def test_weights_of_losses_leave_losses_out() -> None:
    losses: list[EpochReport] = []
    train(waves(2, 1), replace(QUICK, epochs=1, losses=LossWeights(flicker=0.0)), on_epoch=losses.append)
    assert losses[0].losses["flicker"] == 0.0 and losses[0].losses["frame"] > 0.0
