"""`train rl` and `eval rl` from outside: a policy and figures come out, bad input gives one line and status 2."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch

from graspmimic.__main__ import main
from graspmimic.train_rl import TrainRL
from policies.reinforcement import settings_for
from policies.reinforcement.shipped import shipped_policy


def results(path: Path) -> dict[str, object]:
    found = json.loads(path.read_text())
    assert {"command", "config", "versions", "seed", "results"} <= found.keys()
    return dict(found["results"])


def test_a_policy_is_trained_and_evaluated(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    words = ["train", "rl", "--task", "Reach", "--steps", "600", "--seed", "2", "--output", str(tmp_path)]
    assert main([*words, "--json", str(report)]) == 0
    trained = results(report)
    assert trained["steps"] == 600 and len(trained["curve"]) == 2  # type: ignore[arg-type]
    policy = tmp_path / "Reach-seed2" / "policy.safetensors"
    record = json.loads(policy.with_suffix(".json").read_text())["metadata"]
    assert record["seed"] == 2 and record["settings"]["algo"] == "ddpg"
    words = ["eval", "rl", "--task", "Reach", "--policy", str(policy), "--episodes", "3", "--output", str(tmp_path)]
    assert main([*words, "--seed", "7", "--json", str(report)]) == 0
    found = results(report)
    assert found["episodes"] == 3 and 0.0 <= found["low"] <= found["success_at_end"] <= found["high"] <= 1.0  # type: ignore[operator]
    rows = list(csv.DictReader((tmp_path / "episodes.csv").open()))
    assert [row["seed"] for row in rows] == ["500007", "500008", "500009"]
    assert sum(int(row["success_at_end"]) for row in rows) == pytest.approx(3 * found["success_at_end"])  # type: ignore[operator]


def test_the_expert_is_evaluated_and_filmed(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    words = ["eval", "rl", "--task", "Reach", "--expert", "--episodes", "2", "--video", "1", "--output", str(tmp_path)]
    assert main([*words, "--json", str(report)]) == 0
    assert results(report)["success_at_end"] == 1.0
    assert (tmp_path / "Reach.mp4").stat().st_size > 1000


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["train", "rl", "--task", "Juggle"], "Reach"),
        (["train", "rl", "--task", "Reach", "--algo", "maskable-ppo"], "ClutterPick"),
        (["train", "rl", "--task", "Reach", "--steps", "0"], "counts"),
        (["train", "rl", "--task", "Reach", "--action", "teleport"], "joint_velocity"),
        (["train", "rl", "--task", "Reach", "--observation", "smell"], "state"),
        (["train", "rl", "--seed", "-1"], "--seed"),
        pytest.param(
            ["train", "rl", "--device", "cuda"],
            "--device cpu",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU"),
        ),
        (["train", "rl", "--task", "ClutterPick", "--algo", "sac", "--reward", "dense"], "got --reward, --algo sac"),
        (["eval", "rl", "--task", "Juggle"], "policy"),
        (["eval", "rl", "--expert", "--policy", "a.safetensors"], "got both"),
        (["eval", "rl", "--task", "ClutterPick", "--expert"], "--task ClutterPick"),
        (["eval", "rl", "--task", "Push", "--only", "names.txt"], "--task Push"),
        (["eval", "rl", "--task", "Juggle", "--expert"], "Reach"),
        (["eval", "rl", "--task", "Reach", "--policy", "nowhere.safetensors"], "nowhere.safetensors"),
        (["eval", "rl", "--episodes", "0"], "--episodes"),
    ],
)
def test_bad_input_gives_one_line(
    words: list[str], said: str, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main([*words, "--output", str(tmp_path)]) == 2
    lines = capfd.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and said in lines[0], lines


@pytest.mark.parametrize(("task", "reward", "goals"), [("Push", "dense", 0), ("PickPlace", "sparse", 4)])
def test_hindsight_comes_with_sparse_rewards(task: str, reward: str, goals: int) -> None:
    assert TrainRL(task=task, reward=reward)._settings().her_goals == goals
    assert TrainRL(task=task)._settings() == settings_for(task)


def test_a_policy_of_another_task_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ["eval", "rl", "--task", "Push", "--policy", str(shipped_policy("Reach")), "--output", str(tmp_path)]
    assert main(words) == 2
    assert "graspmimic/Push-v0" in capfd.readouterr().err
