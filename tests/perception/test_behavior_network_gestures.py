"""The gesture phases' evaluation: who is trained on when, and figures that another library confirms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from geometry import InputError
from perception.behavior.network import gesture_decoding, gesture_phases
from perception.behavior.network.cross_validation import HeldOut
from perception.behavior.network.gesture_decoding import WEIGHTS, Unseen, best_weight, decoded, decoded_figures
from perception.behavior.network.gesture_phases import (
    CANDIDATES,
    Step,
    averaged,
    camera_view,
    eval_gesture_phases,
    figures,
)
from perception.behavior.network.training_config import TrainingConfig
from perception.behavior.sets import BehaviorSequence, BehaviorSet, read_gesture_phases, set_of_sequences

PHASES = ("Rest", "Preparation", "Stroke", "Hold", "Retraction")


@pytest.fixture(autouse=True)
def one_thread() -> object:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Two short videos of each of three users, in the files' own form; the right hand's height tells the phase."""
    rng = np.random.default_rng(0)
    header = ",".join(f"{joint}{axis}" for joint in ("lh", "rh", "h", "s", "lw", "rw") for axis in "xyz")
    for user in "abc":
        for video in (1, 2):
            phases = np.repeat(rng.permutation(5), 16)
            rows = []
            for frame, phase in enumerate(phases):
                points = np.array(
                    [[4, 4, 1.5], [6, 4 - phase, 1.5], [5, 1.6, 1.8], [5, 4.2, 1.8], [4, 4, 1.6], [6, 4, 1.6]]
                )
                values = (points + 0.05 * rng.standard_normal((6, 3))).reshape(-1)
                rows.append(",".join(f"{v:.4f}" for v in values) + f",{100000 + 33 * frame},{PHASES[phase]}")
            (tmp_path / f"{user}{video}_raw.csv").write_text("\n".join([f"{header},timestamp,phase", *rows]))
    return tmp_path


QUICK = TrainingConfig(epochs=8, width=8, layers=2, batch=2, window_s=2.0, average=0.5)


def test_each_user_is_predicted_by_networks_that_never_saw_them(
    recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, int]] = []
    train = gesture_phases.train

    def noting(part: object, config: TrainingConfig) -> object:
        seen.append(("".join(sorted(set(part.subjects.tolist()))), config.seed))  # type: ignore[attr-defined]
        return train(part, config)  # type: ignore[arg-type]

    monkeypatch.setattr(gesture_phases, "train", noting)
    steps: list[Step] = []
    results = eval_gesture_phases(
        recordings, seeds=(3, 4), candidates=(QUICK, replace(QUICK, dropout=0.0)), on_step=steps.append
    )
    inner = {"a": ["c", "b"], "b": ["c", "a"], "c": ["b", "a"]}
    wanted = []
    for user, others in inner.items():
        wanted += [(other, 3) for _ in range(2) for other in others]
        wanted += [("abc".replace(user, ""), seed) for seed in (3, 4)]
    assert seen == wanted
    assert [step.done for step in steps] == list(range(1, 19)) and steps[0].total == 18
    assert results["frames"] == 480 and all(results[f"chosen_{user}"] in (0, 1) for user in "abc")
    assert 0.2 < results["macro_f1"] <= 1.0  # far above what chance gives, 0.2 at most
    assert results["seed_macro_f1_low"] <= results["seed_macro_f1_mean"] <= results["seed_macro_f1_high"]


def test_figures_pool_the_frames_of_all_users() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(1)
    labels = tuple(rng.integers(0, 5, count) for count in (50, 80, 30))
    held = [
        HeldOut(
            subjects=("a", "b", "b"),
            labels=labels,
            probabilities=tuple(rng.dirichlet(np.ones(5), len(y)) for y in labels),
        )
        for _ in range(3)
    ]
    results = figures(held)
    truth = np.concatenate(labels)
    mean = [np.concatenate(each.probabilities) for each in held]
    guess = np.mean(mean, axis=0).argmax(axis=1)
    assert results["macro_f1"] == pytest.approx(metrics.f1_score(truth, guess, average="macro"))
    assert results["user_macro_f1_b"] == pytest.approx(metrics.f1_score(truth[50:], guess[50:], average="macro"))
    assert results["rest_or_gesture_f1"] == pytest.approx(metrics.f1_score(truth != 0, guess != 0))
    singles = [metrics.f1_score(truth, p.argmax(axis=1), average="macro") for p in mean]
    assert results["seed_macro_f1_mean"] == pytest.approx(np.mean(singles))
    assert (results["seed_macro_f1_low"], results["seed_macro_f1_high"]) == pytest.approx((min(singles), max(singles)))
    np.testing.assert_allclose(averaged(held).probabilities[2], np.mean([e.probabilities[2] for e in held], axis=0))


def test_the_decoder_mends_what_the_grammar_forbids() -> None:
    rng, spans = np.random.default_rng(2), np.tile(np.repeat([0, 1, 2], 20), 4)

    def told(subject: str) -> BehaviorSet:
        return set_of_sequences(
            [
                BehaviorSequence(
                    name=f"{subject}1",
                    subject=subject,
                    time_s=np.arange(240) / 30.0,
                    keypoints=np.ones((240, 2, 2), dtype=np.float32),
                    scores=np.ones((240, 2), dtype=np.float32),
                    frame_labels=spans,
                )
            ],
            joints=("head", "spine"),
            label_names=("a", "b", "c"),
        )

    wrong = spans.copy()
    wrong[rng.random(240) < 0.15] = rng.integers(0, 3)
    wrong[5:8] = 2  # c within a, for which the training has no example
    beliefs = HeldOut(subjects=("y",), probabilities=(0.7 * np.eye(3)[wrong] + 0.1,), labels=(spans,))
    unseen = Unseen(training=told("x"), test=told("y"), beliefs=beliefs, balance=0.5)
    mended = decoded(unseen, 0.4)
    assert beliefs.results()["accuracy"] < 0.93 and mended.results()["accuracy"] > 0.98
    assert best_weight([unseen]) in WEIGHTS
    numbers = decoded_figures(beliefs, mended)
    assert numbers["segments"] == numbers["decoded_segments"] == 12 < numbers["network_segments"]
    assert numbers["decoded_macro_f1"] == mended.results()["macro_f1"]


def test_offline_the_decoder_sees_the_training_users_labels_alone(
    recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, str]] = []

    def noting(unseen: Unseen, weight: float) -> HeldOut:
        sides = (set(part.subjects.tolist()) for part in (unseen.training, unseen.test))
        training, test = ("".join(sorted(side)) for side in sides)
        seen.append((training, test))
        return decoded(unseen, weight)

    monkeypatch.setattr(gesture_phases, "decoded", noting)
    monkeypatch.setattr(gesture_decoding, "decoded", noting)
    results = eval_gesture_phases(recordings, mode="offline", seeds=(0,), candidates=(QUICK,))
    inner = [[("c", "b"), ("b", "c")], [("c", "a"), ("a", "c")], [("b", "a"), ("a", "b")]]
    outer = [("bc", "a"), ("ac", "b"), ("ab", "c")]
    assert seen == [pair for few, last in zip(inner, outer, strict=True) for pair in [*few * len(WEIGHTS), last]]
    assert results["segments"] <= 30 and 0.0 < results["decoded_macro_f1"] <= 1.0
    assert all(results[f"weight_{user}"] in WEIGHTS for user in "abc")


def test_causal_candidates_see_nothing_that_comes_later() -> None:
    assert all(each.delay_s == 0.0 and each.normalisation == "running" for each in CANDIDATES["causal"])
    assert all(0.0 < each.delay_s <= 0.5 and each.normalisation == "running" for each in CANDIDATES["late"])


def test_a_cameras_view_is_no_mirror_and_in_one_unit(recordings: Path) -> None:
    data = read_gesture_phases(recordings)
    data.keypoints[: data.offsets[1], :, :2] /= 10.0  # as in one video of the data
    metres, pixels = camera_view(data, metres=True), camera_view(data, metres=False)
    head, spine, left, right = (data.joints.tolist().index(j) for j in ("head", "spine", "left_wrist", "right_wrist"))
    for sequence in metres:
        points = sequence.keypoints
        apart = np.linalg.norm(points[:, head, :2] - points[:, spine, :2], axis=1)
        assert apart.mean() == pytest.approx(0.55, rel=1e-5)
        assert (points[:, left, 0] > points[:, right, 0]).all() and (points[:, head, 1] < points[:, spine, 1]).all()
        assert np.median(points[:, head, 2]) == pytest.approx(1.8, abs=0.02)
        width = np.median(points[:, left, 0] - points[:, right, 0])
        assert width == pytest.approx(2.0 * 0.55 / 2.6, abs=0.02)  # the file's 2 columns, of 2.6 from head to spine
    assert pixels.keypoints.shape[2] == 2
    np.testing.assert_array_equal(pixels.keypoints[..., 1], data.keypoints[..., 1])
    np.testing.assert_array_equal(pixels.keypoints[..., 0], -data.keypoints[..., 0])


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a1_raw.csv"):
        eval_gesture_phases(tmp_path)


@pytest.mark.slow
def test_the_phases_of_strangers_are_told(shared_data: Path) -> None:
    folder = shared_data / "behaviour" / "uci_gesture_phase"
    results = eval_gesture_phases(folder, mode="causal", seeds=(0,), candidates=CANDIDATES["causal"][1:2])
    assert results["macro_f1"] > 0.43  # extremely randomised trees on windows of features
