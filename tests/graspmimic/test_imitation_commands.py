"""`graspmimic train imitation`, `eval imitation` and `bench imitation`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from scipy.stats import binomtest

from geometry import InputError
from graspmimic.__main__ import main
from graspmimic.bench_imitation import BenchImitation
from graspmimic.imitation_report import pooled, write_figure, write_table
from policies.demonstrations import DemonstrationWriter, Episode, SetInfo
from policies.reinforcement import make_task_env


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three episodes of somebody who moves at random in Reach."""
    env, rng = make_task_env("Reach"), np.random.default_rng(0)
    writer = DemonstrationWriter(tmp_path / "data", SetInfo.of_env(env))
    for number in range(3):
        rows, done = [env.reset(seed=1_000_000 + number)[0]], []
        for _ in range(5):
            done.append(rng.uniform(-1.0, 1.0, 3).astype(np.float32))
            rows.append(env.step(done[-1])[0])
        tables = {key: np.stack([row[key] for row in rows]) for key in rows[0]}
        actions = np.stack(done)
        writer.add(Episode(observations=tables, actions=actions, rewards=np.zeros(5, np.float32), success=False))
    env.close()
    return tmp_path / "data"


def train(data: Path, output: Path, *more: str) -> int:
    return main(["train", "imitation", "--data", str(data), "--policy", "bc", "--output", str(output), *more])


def evaluate(output: Path, *more: str) -> int:
    return main(["eval", "imitation", "--output", str(output), *more])


def test_a_policy_is_trained_told_again_and_judged(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, told = tmp_path / "run", tmp_path / "told.json"
    assert train(data, run, "--steps", "4", "--demos", "2", "--json", str(told)) == 0
    trained = json.loads(told.read_text())["results"]
    assert (trained["demonstrations"], trained["steps"], trained["env"]) == (2, 4, "graspmimic/Reach-v0")
    before = (run / "policy.safetensors").read_bytes()
    assert train(data, run, "--steps", "4", "--demos", "2", "--json", str(told)) == 0
    assert (run / "policy.safetensors").read_bytes() == before
    assert json.loads(told.read_text())["results"]["loss"] == trained["loss"]

    capsys.readouterr()
    assert train(data, run, "--steps", "4", "--demos", "2", "--seed", "1") == 2
    assert train(data, run, "--steps", "5", "--demos", "2") == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 2 and "other seed" in lines[0] and "training" in lines[1]

    assert evaluate(tmp_path / "eval", "--policy", str(run), "--episodes", "2", "--json", str(told)) == 0
    judged = json.loads(told.read_text())["results"]
    table = (tmp_path / "eval" / "episodes.csv").read_text().splitlines()
    assert table[0].startswith("seed,success_at_end") and [row[:6] for row in table[1:]] == ["500000", "500001"]
    ends = [int(row.split(",")[1]) for row in table[1:]]
    assert judged["success_at_end"] == np.mean(ends) and judged["low"] <= judged["success_at_end"] <= judged["high"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--steps", "0"), "steps"),
        (("--learning-rate", "nan"), "learning_rate"),
        (("--demos", "4"), "4"),
        (("--demos", "0"), "at least 1"),
        (("--threads", "0"), "at least 1"),
        (("--chunk", "5"), "chunk"),
        (("--data", "nowhere"), "nowhere"),
    ],
)
def test_wrong_options_of_training_are_one_line(
    more: tuple[str, str], said: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(data, tmp_path / "run", *more) == 2
    line = capsys.readouterr().err.strip()
    assert "\n" not in line and said in line


def test_a_set_that_does_not_tell_the_bounds_of_its_actions_is_named(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = json.loads((data / "dataset.json").read_text())
    for key in ("action_low", "action_high"):
        assert _without(record, key)
    (data / "dataset.json").write_text(json.dumps(record))
    assert train(data, tmp_path / "run", "--steps", "2") == 2
    line = capsys.readouterr().err.strip()
    assert "\n" not in line and "bounds of its actions" in line and "dataset.json" in line


def _without(record: dict[str, Any], key: str) -> bool:
    """Empty the lists of that name, however deep; whether there was one."""
    found = key in record
    if found:
        record[key] = []
    return any([found, *(_without(value, key) for value in record.values() if isinstance(value, dict))])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--policy", "nowhere.safetensors"), "nowhere.safetensors"),
        (("--task", "Slide"), "train imitation"),
        (("--task", "Juggle"), "Juggle"),
        (("--expert", "--task", "Juggle"), "Juggle"),
        (("--expert", "--policy", "a"), "both"),
        (("--episodes", "0"), "at least 1"),
        (("--workers", "-1"), "not below 0"),
    ],
)
def test_wrong_options_of_evaluation_are_one_line(
    more: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(tmp_path, *more) == 2
    line = capsys.readouterr().err.strip()
    assert "\n" not in line and said in line


@pytest.mark.slow
def test_the_expert_is_judged_and_filmed(tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    assert (
        evaluate(tmp_path, "--expert", "--task", "Reach", "--episodes", "2", "--video", "1", "--json", str(told)) == 0
    )
    assert json.loads(told.read_text())["results"]["success_at_end"] == 1.0
    assert (tmp_path / "Reach-v0.mp4").stat().st_size > 10_000


def row(policy: str, demos: int, seed: int, ends: list[int], **more: Any) -> dict[str, Any]:
    cell = {"task": "Push", "policy": policy, "demos": demos, "seed": seed}
    stages = {"moved": 0.25 * (seed + 1)}
    numbers = {"success_at_end": float(np.mean(ends)), "action_ms": 0.1 + seed, "train_cpu_s": 60.0 - seed}
    return {"cell": cell, "ends": ends, "stages": stages, **numbers, **more}


ROWS = [
    row("expert", 0, 0, [1, 1, 1, 1]),
    row("act", 100, 0, [1, 1, 1, 0]),
    row("act", 100, 1, [1, 0, 0, 0]),
    row("act", 20, 0, [0, 0, 1, 0], ways={"left": 0.5, "right": 0.25}),
]


def test_rows_pool_the_episodes_of_all_seeds(tmp_path: Path) -> None:
    expert, few, many = pooled(ROWS)
    assert (few.demos, many.demos, many.by_seed, many.success) == (20, 100, (0.75, 0.25), 0.5)
    interval = binomtest(4, 8).proportion_ci(method="wilson")
    assert (many.low, many.high) == (interval.low, interval.high)
    assert many.stages == {"moved": 0.375} and few.stages == {"left": 0.5, "right": 0.25}
    assert (many.action_ms, many.cpu_s) == (1.1, 60.0) and expert.success == 1.0
    write_table(ROWS, tmp_path / "table.md")
    lines = (tmp_path / "table.md").read_text().splitlines()
    assert len(lines) == 5 and lines[2].startswith("| Push | expert | - | 1.000 |")
    assert "| Push | act | 100 | 0.500 | 0.215 to 0.785 | 0.75 0.25 | moved 0.38 | 1.10 | 60 |" == lines[4]
    write_figure(ROWS, tmp_path / "success.png")
    assert (tmp_path / "success.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"policies": ("dagger",)}, "dagger"),
        ({"policies": ("act+mirrored",)}, "act"),
        ({"policies": ()}, "at least 1"),
        ({"tasks": ("Juggle",)}, "Juggle"),
        ({"tasks": ()}, "at least 1"),
        ({"demos": (0,)}, "at least 1"),
        ({"observation": "smell"}, "smell"),
        ({"tasks": ("PickPlace",), "observation": "pointcloud", "policies": ("act+mirror",)}, "pointcloud"),
        ({"tasks": ("Handover",), "policies": ("act+mirror",)}, "giver has let go"),
    ],
)
def test_a_comparison_that_cannot_be_made_is_named_before_it_begins(
    wrong: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=said.replace("+", r"\+")):
        BenchImitation(output=tmp_path, **wrong).run(Console(quiet=True))
    assert not (tmp_path / "sets").exists()


@pytest.mark.slow
def test_a_comparison_stops_goes_on_and_refuses_other_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = BenchImitation(tasks=("Reach",), policies=("bc",), demos=(2,), seeds=1, episodes=2, output=tmp_path)
    of_bench = BenchImitation._cells

    def short(self: BenchImitation) -> list[Any]:
        return [replace(cell, steps=3) for cell in of_bench(self)]

    monkeypatch.setattr(BenchImitation, "_cells", short)
    first = bench.run(Console(quiet=True))
    record = tmp_path / "cells" / "Reach-state-bc-2-seed0" / "cell.json"
    made = record.stat().st_mtime_ns
    again = replace(bench, demos=(2, 3)).run(Console(quiet=True))
    assert record.stat().st_mtime_ns == made and len(again) > len(first)
    assert all(again[name] == value for name, value in first.items())
    assert "| Reach | bc | 3 |" in (tmp_path / "table.md").read_text() and (tmp_path / "success.png").exists()
    with pytest.raises(InputError, match="choose another --output"):
        replace(bench, episodes=3).run(Console(quiet=True))
