"""`graspmimic train grasp` from outside: weights and figures come out, bad input gives one line and status 2."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from graspmimic.__main__ import main
from perception.grasping.network.backbone import BackboneSpec
from perception.grasping.network.evaluator import EvaluatorSpec
from perception.grasping.network.model import GraspNetwork, NetworkSpec

SMALL = NetworkSpec(
    backbone=BackboneSpec(widths=(4, 4, 8, 8), features=8, hidden=8),
    evaluator=EvaluatorSpec(widths=(4, 4, 8, 8), hidden=8),
)


@pytest.fixture
def threads() -> Any:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def words(folder: Path, output: Path, *more: str) -> list[str]:
    options = ["--data", folder, "--output", output, "--steps", 2, "--batch", 2, "--threads", 1, "--device", "cpu"]
    return ["train", "grasp", *map(str, options), *more]


def small_weights(path: Path) -> Path:
    torch.manual_seed(0)
    GraspNetwork(SMALL).save(path, {"seed": 0})
    return path


def test_two_steps_write_weights_with_their_record_and_results(
    grasp_data: Callable[..., Any], tmp_path: Path, threads: None
) -> None:
    data, output, result = grasp_data(3), tmp_path / "out", tmp_path / "result.json"
    init = small_weights(tmp_path / "init.safetensors")
    assert main(words(data.folder, output, "--init", str(init), "--json", str(result), "--seed", "3")) == 0
    results = json.loads(result.read_text())["results"]
    assert results["steps"] == 2 and results["trials"] == 10 and results["share_of_successes"] == 0.5
    assert 0.0 <= results["area_under_roc"] <= 1.0 and np.isfinite(results["log_loss"])
    record = json.loads((output / "grasp_network.json").read_text())
    assert record["seed"] == 3 and record["config"]["steps"] == 2 and record["started_from"]["seed"] == 0
    assert record["data"] == {"format": "graspmimic-grasps", "version": 1}
    assert record["validation"]["trials"] == 10.0 and record["versions"]["torch"]
    network, first = GraspNetwork.load(output / "grasp_network.safetensors"), GraspNetwork.load(init)
    assert network.spec == SMALL and not torch.equal(network.calibration, first.calibration)
    assert not torch.equal(network.backbone.maps.weight, first.backbone.maps.weight)
    assert (output / "checkpoint.safetensors").is_file() and list((output / "tensorboard").iterdir())
    kept = (output / "grasp_network.safetensors").read_bytes()
    assert main(words(data.folder, output, "--init", str(init), "--seed", "3")) == 0  # goes on: nothing left to do
    assert (output / "grasp_network.safetensors").read_bytes() == kept


def test_the_evaluator_alone_keeps_the_backbone(grasp_data: Callable[..., Any], tmp_path: Path, threads: None) -> None:
    init = small_weights(tmp_path / "init.safetensors")
    arguments = ["--init", str(init), "--evaluator-only", "--no-faults", "--success-weight", "3"]
    assert main(words(grasp_data(3).folder, tmp_path / "out", *arguments)) == 0
    before, after = (GraspNetwork.load(p) for p in (init, tmp_path / "out" / "grasp_network.safetensors"))
    assert all(
        torch.equal(a, b)
        for a, b in zip(before.backbone.state_dict().values(), after.backbone.state_dict().values(), strict=True)
    )
    config = json.loads((tmp_path / "out" / "grasp_network.json").read_text())["config"]
    assert config["evaluator_only"] and config["weights"]["success"] == 3.0 and config["faults"]["dex"] == 0.0


def refused(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> str:
    """The one line of a refusal."""
    assert main(arguments) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("graspmimic train grasp: "), lines
    return lines[0]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--steps", "0"),
        ("--batch", "0"),
        ("--validation", "0"),
        ("--validation", "0.5"),
        ("--threads", "-1"),
        ("--seed", "-1"),
        ("--learning-rate", "0"),
        ("--device", "tpu"),
    ],
)
def test_bad_options_give_one_line(
    grasp_data: Callable[..., Any],
    tmp_path: Path,
    threads: None,
    capsys: pytest.CaptureFixture[str],
    option: str,
    value: str,
) -> None:
    said = refused(capsys, [*words(grasp_data(3).folder, tmp_path / "out"), option, value])
    assert option in said or "learning rates above 0" in said
    assert not (tmp_path / "out" / "grasp_network.safetensors").exists()


def test_bad_data_give_one_line(
    grasp_data: Callable[..., Any], tmp_path: Path, threads: None, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    assert "No such file" in refused(capsys, words(tmp_path / "missing", output))
    one = grasp_data(1, name="one").folder
    assert "expected at least 2 scenes" in refused(capsys, words(one, output))
    few = grasp_data(2, name="few").folder
    assert "one batch" in refused(capsys, words(few, output))
    bad = grasp_data(3, name="bad").folder
    (bad / "scene_000001.npz").write_bytes(b"PK")
    assert "scene_000001.npz" in refused(capsys, words(bad, output))
    untried = grasp_data(3, name="untried", trials=0).folder
    assert "both successes and failures" in refused(capsys, words(untried, output))


def test_bad_weights_give_one_line(
    grasp_data: Callable[..., Any], tmp_path: Path, threads: None, capsys: pytest.CaptureFixture[str]
) -> None:
    data = grasp_data(3).folder
    init = small_weights(tmp_path / "init.safetensors")
    assert "none of this name" in refused(
        capsys, words(data, tmp_path / "out", "--init", str(tmp_path / "no.safetensors"))
    )
    init.write_bytes(init.read_bytes()[:-10])
    assert "init.safetensors" in refused(capsys, words(data, tmp_path / "out", "--init", str(init)))
    assert "--init" in refused(capsys, words(data, tmp_path / "out", "--evaluator-only"))


def test_an_output_that_cannot_be_written_is_said_before_the_work(
    grasp_data: Callable[..., Any], tmp_path: Path, threads: None, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert "--output" in refused(capsys, words(grasp_data(3).folder, tmp_path / "file" / "out"))
