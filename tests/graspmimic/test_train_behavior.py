"""`graspmimic train behavior`: a model and its figures come out, a stopped run goes on, bad input gives one line."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import tyro
from rich.console import Console

from geometry import InputError
from graspmimic.train_behavior import TrainBehavior
from perception.behavior.network.behavior_model import BehaviorModel
from perception.behavior.sets import BehaviorSequence, BehaviorSet, save_behavior_set, set_of_sequences


@pytest.fixture(autouse=True)
def threads() -> Any:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def hops(people: int = 3) -> BehaviorSet:
    """Two recordings of each person, who stands and then hops; clips are "hop" or "stand" by turns."""
    sequences = []
    for person in range(people):
        for take in range(2):
            rng = np.random.default_rng([person, take])
            points = (1.0 + person) * np.tile(np.array([[0, 2.0], [0, 0], [-1, 0], [1, 0]]), (60, 1, 1))
            hop = np.where((np.arange(60) >= 30) & (take == 0), np.sin(np.arange(60.0)), 0.0)
            points = points + (1.0 + person) * hop[:, None, None] * [0.0, 1.0] + 0.01 * rng.standard_normal((60, 4, 2))
            sequences.append(
                BehaviorSequence(
                    name=f"{person}{take}",
                    subject=f"p{person}",
                    time_s=np.arange(60) / 20.0,
                    keypoints=points,
                    scores=np.ones((60, 4)),
                    clip_label=take,
                    frame_labels=np.where((np.arange(60) >= 30) & (take == 0), 0, 1),
                )
            )
    return set_of_sequences(sequences, joints=("head", "spine", "a", "b"), label_names=("hop", "stand"))


def command(folder: Path, **options: Any) -> TrainBehavior:
    save_behavior_set(folder / "hops.npz", hops())
    small = {"epochs": 3, "batch": 4, "width": 8, "threads": 1}
    return TrainBehavior(data=folder / "hops.npz", output=folder / "out", **(small | options))


def run(command: TrainBehavior) -> tuple[dict[str, Any], str]:
    said = io.StringIO()
    return command.run(Console(file=said, width=200)), said.getvalue()


def test_it_judges_on_the_unseen_and_writes_a_model(tmp_path: Path) -> None:
    results, said = run(command(tmp_path, seed=4))
    assert results["frame_subjects"] == results["clip_subjects"] == 3  # left out one by one, both heads by default
    assert {"frame_macro_f1", "clip_accuracy", "frame_temperature", "clip_calibration_error"} <= set(results)
    assert all(np.isfinite(value) for value in results.values()) and "subjects p0, p1, p2" in said
    model = BehaviorModel.load(tmp_path / "out" / "behavior.safetensors")
    assert model.spec.heads == ("frame", "clip") and model.spec.label_names == ("hop", "stand")
    assert float(model.network.frame_temperature) == pytest.approx(results["frame_temperature"], rel=1e-5)
    record = json.loads((tmp_path / "out" / "behavior.json").read_text())
    assert record["seed"] == 4 and record["config"]["epochs"] == 3 and record["data"]["subjects"] == ["p0", "p1", "p2"]
    assert record["unseen_people"]["frame_macro_f1"] == results["frame_macro_f1"] and record["versions"]["torch"]
    assert {file.name for file in (tmp_path / "out" / "tensorboard").iterdir()} == {
        "training_all", "training_fold_0", "training_fold_1", "training_fold_2"
    }  # fmt: skip
    kept = (tmp_path / "out" / "behavior.safetensors").read_bytes()
    again, _ = run(command(tmp_path, seed=4))  # goes on: nothing is left to do
    assert (tmp_path / "out" / "behavior.safetensors").read_bytes() == kept
    assert again["frame_macro_f1"] == results["frame_macro_f1"]


def test_the_held_out_are_judged_on_and_never_trained_on(tmp_path: Path) -> None:
    results, _ = run(command(tmp_path, held_out=("p2",), head="frame", mirror=False, delay=0.2, credit="us"))
    record = json.loads((tmp_path / "out" / "behavior.json").read_text())
    assert record["data"]["credit"] == "us" and record["config"]["augmentation"]["mirror"] == 0.0
    assert results["frame_subjects"] == 1 and "clip_macro_f1" not in results
    model = BehaviorModel.load(tmp_path / "out" / "behavior.safetensors")
    assert model.spec.heads == ("frame",) and model.spec.delay_frames == 4
    without = hops().without_subjects("p2")
    alone = replace(command(tmp_path, head="frame", folds=0, mirror=False, delay=0.2), output=tmp_path / "alone")
    save_behavior_set(tmp_path / "hops.npz", without)
    run(alone)
    other = BehaviorModel.load(tmp_path / "alone" / "behavior.safetensors")
    assert torch.equal(model.network.join.weight, other.network.join.weight)
    np.testing.assert_array_equal(model.statistics.mean, other.statistics.mean)


def test_it_starts_from_unlabelled_recordings(tmp_path: Path) -> None:
    save_behavior_set(tmp_path / "more.npz", replace(hops(5), frame_labels=None, clip_labels=None))
    results, _ = run(command(tmp_path, pretrain=tmp_path / "more.npz", folds=0, head="clip"))
    assert set(results) == {"seconds"}
    assert (tmp_path / "out" / "checkpoints" / "pretraining.safetensors").is_file()
    record = json.loads((tmp_path / "out" / "behavior.json").read_text())
    assert record["data"]["pretraining"] == "more.npz"


def test_the_options_read_from_words(tmp_path: Path) -> None:
    words = ["--data", "a.npz", "--held-out", "anna", "ben", "--head", "clip", "--no-mirror", "--pretrain", "b.npz"]
    parsed = tyro.cli(TrainBehavior, args=[*words, "--augmentation", "strong", "--credit", "Anna, CC BY 4.0"])
    assert parsed.augmentation == "strong" and parsed.credit == "Anna, CC BY 4.0"
    assert parsed.held_out == ("anna", "ben") and parsed.head == "clip" and not parsed.mirror
    assert parsed.pretrain == Path("b.npz") and parsed.folds is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"epochs": 0}, "--epochs"),
        ({"folds": 1}, "--folds"),
        ({"folds": 2, "held_out": ("p0",)}, "--held-out or --folds"),
        ({"delay": -1.0}, "--delay"),
        ({"held_out": ("nobody",)}, "p0, p1, p2"),
        ({"folds": 9}, "at least 9 subjects"),
        ({"learning_rate": 0.0}, "rates and lengths above 0"),
        ({"data": Path("missing.npz")}, "missing.npz"),
        ({"pretrain": Path("missing.npz")}, "missing.npz"),
        ({"width": 400}, "at most 5000000 bytes"),
    ],
)
def test_bad_options_give_one_line(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        made = command(tmp_path, epochs=options.pop("epochs", 1), **{k: v for k, v in options.items() if k != "data"})
        run(replace(made, data=options["data"]) if "data" in options else made)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out" / "behavior.safetensors").exists()


def test_bad_data_give_one_line(tmp_path: Path) -> None:
    made = command(tmp_path, head="frame")
    save_behavior_set(tmp_path / "hops.npz", replace(hops(), frame_labels=None))
    with pytest.raises(InputError, match="frame labels"):
        run(made)
    one = hops().of_subjects("p0")
    save_behavior_set(tmp_path / "hops.npz", one)
    with pytest.raises(InputError, match="at least 2 subjects"):
        run(made)
    (tmp_path / "hops.npz").write_bytes(b"PK")
    with pytest.raises(InputError, match="hops.npz"):
        run(made)
