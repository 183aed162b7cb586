"""bench continual, train continual and train interventions: what they tell, and which options they refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from geometry import InputError
from graspmimic.bench_continual import BenchContinual
from graspmimic.continual_report import continual_picture, continual_results, continual_table, sums_of
from graspmimic.eval_imitation import EvalImitation
from graspmimic.train_continual import TrainContinual
from graspmimic.train_interventions import TrainInterventions
from policies.demonstrations import collect, expert_plan
from policies.imitation.continual import Rates

TASKS = ("Reach", "Lift")
RUNS = {
    ("naive", 0): Rates([[1.0], [0.2, 0.9]], [[0.0, 1.0], [0.0, 0.9]], [0.0, 0.0]),
    ("naive", 1): Rates([[0.9], [0.4, 0.7]], [[0.0, 0.9], [0.1, 0.7]], [0.0, 0.0]),
    ("joint", 0): Rates([[1.0, 0.8]], [], []),
    ("joint", 1): Rates([[0.9, 1.0]], [], []),
}


def test_sums_and_intervals_are_those_of_the_rates() -> None:
    assert sums_of(RUNS, "naive")["average_success"] == pytest.approx([0.55, 0.55])
    assert sums_of(RUNS, "naive")["nbt"] == pytest.approx([0.8, 0.5])
    assert sums_of(RUNS, "joint") == {"average_success": pytest.approx([0.9, 0.95])}
    flat = continual_results(TASKS, RUNS, 100)
    assert flat["naive_nbt"] == pytest.approx(0.65) and flat["joint_average_success"] == pytest.approx(0.925)
    half = 12.7062 * 0.3 / 2**0.5 / 2**0.5
    assert flat["naive_nbt_high"] - flat["naive_nbt"] == pytest.approx(half, abs=1e-3)
    p, n, z = 0.3, 200, 1.959964
    middle, spread = p + z * z / (2 * n), z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    assert flat["naive_Reach"] == p
    low, high = (middle - spread) / (1 + z * z / n), (middle + spread) / (1 + z * z / n)
    assert (flat["naive_Reach_low"], flat["naive_Reach_high"]) == pytest.approx((low, high), abs=1e-5)


def test_the_picture_and_the_table_show_every_way(tmp_path: Path) -> None:
    continual_picture(TASKS, RUNS, tmp_path / "continual.png")
    assert (tmp_path / "continual.png").read_bytes()[:4] == b"\x89PNG"
    console = Console(record=True, width=160, file=(tmp_path / "out").open("w"))
    console.print(continual_table(RUNS))
    text = console.export_text()
    assert "naive" in text and "joint" in text and "0.65" in text


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        (BenchContinual, {"ways": ("naive", "packnet")}),
        (BenchContinual, {"seeds": ()}),
        (BenchContinual, {"steps": 0}),
        (TrainContinual, {"data": ()}),
        (TrainContinual, {"data": (Path("x"),), "episodes": 0}),
        (TrainInterventions, {"data": Path("x"), "rounds": 0}),
        (TrainInterventions, {"data": Path("x"), "earliest": 0.8}),
    ],
)
def test_options_that_do_not_fit_are_refused(command: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        command(**wrong)


def collected(task: str, folder: Path, episodes: int = 2) -> Path:
    collect(expert_plan(task), folder / task, episodes=episodes)
    return folder / task


def test_a_policy_of_a_sequence_is_evaluated_like_any_other(tmp_path: Path) -> None:
    data = tuple(collected(task, tmp_path) for task in TASKS)
    output = tmp_path / "trained"
    command = TrainContinual(data=data, method="ewc", steps=60, episodes=1, output=output)
    told = command.run(Console(quiet=True))
    assert told["tasks"] == "Reach Lift" and {"nbt", "backward_transfer", "end_Reach"} <= told.keys()
    again = EvalImitation(policy=output / "Reach", episodes=1, output=tmp_path / "eval").run(Console(quiet=True))
    assert again["env"] == "graspmimic/Reach-v0" and again["success_at_end"] == told["end_Reach"]
    with pytest.raises(InputError, match="different tasks"):
        TrainContinual(data=(data[0], data[0]), output=tmp_path / "same").run(Console(quiet=True))


@pytest.mark.slow
def test_a_small_run_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    command = BenchContinual(
        tasks=TASKS, ways=("naive", "joint"), seeds=(0,), demos=3, steps=20, cell=1, last=2, output=tmp_path
    )
    first = command.run(Console(quiet=True))
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("progress.*")}
    again = command.run(Console(quiet=True))
    assert len(stamps) == 4 and stamps == {path: path.stat().st_mtime_ns for path in stamps}
    assert {k: v for k, v in first.items() if not _nan(v)} == {k: v for k, v in again.items() if not _nan(v)}


def _nan(value: Any) -> bool:
    return isinstance(value, float) and bool(np.isnan(value))
