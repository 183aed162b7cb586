"""`graspmimic bench clutter`: what it writes, in both settings, and what it refuses."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from graspmimic.__main__ import main
from graspmimic.bench_clutter import BenchClutter

PLANNER = """
import numpy as np

class Grasps:
    def __init__(self, poses):
        self.poses = poses
        self.widths_m, self.scores = np.full(len(poses), 0.05), np.full(len(poses), 0.25)

def in_the_air(observation):
    pose = np.diag([1.0, -1.0, -1.0, 1.0])
    pose[:3, 3] = 0.12, 0.15, 0.27
    return Grasps(pose[None])

def nothing(observation):
    return Grasps(np.empty((0, 4, 4)))

def crooked(observation):
    return Grasps(np.full((1, 4, 4), 2.0))
"""
FLAT = ("gsr", "gsr_low", "gsr_high", "dr", "dr_low", "dr_high")


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "bench_planners.py").write_text(PLANNER)
    monkeypatch.syspath_prepend(tmp_path)
    return "bench_planners"


def bench(tmp_path: Path, *words: str) -> dict:
    path = tmp_path / "result.json"
    assert main(["bench", "clutter", *words, "--output", str(tmp_path / "out"), "--json", str(path)]) == 0
    return json.loads(path.read_text(), parse_constant=pytest.fail)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_one_round_with_a_built_in_planner(tmp_path: Path) -> None:
    words = "--rounds 1 --seeds 0 --planner topdown --scene packed --processes 1 --save-failures"
    report = bench(tmp_path, *words.split())
    assert report["command"] == "bench clutter" and report["seed"] == 0 and "pybullet" in report["versions"]
    assert report["config"]["planner"] == "topdown" and report["config"]["seeds"] == [0]
    results = report["results"]
    assert (results["dialect"], results["scene"], results["planner"]) == ("A", "packed", "topdown")
    assert results["rounds"] == 1 and results["plan_ms_p50"] > 0.0
    assert all(0.0 <= results[name] <= 1.0 for name in FLAT)
    assert sum(results[f"ended_{how}"] for how in ("cleared", "no_grasp", "failures")) == 1
    attempts, rounds = rows(tmp_path / "out" / "attempts.csv"), rows(tmp_path / "out" / "rounds.csv")
    assert len(attempts) == results["attempts"] >= 1 and len(rounds) == 1
    held = sum(int(row["success"]) for row in attempts)
    assert results["gsr"] == pytest.approx(held / len(attempts))
    assert results["dr"] == pytest.approx(held / int(rounds[0]["presented"]))
    assert {row["outcome"] == "held" for row in attempts if row["success"] == "1"} <= {True}
    failures = sorted((tmp_path / "out" / "failures").glob("*.png")) if held < len(attempts) else []
    assert len(failures) == len(attempts) - held


def test_a_planner_of_ones_own_and_its_poses_in_the_table(tmp_path: Path, mine: str) -> None:
    """Two misses end a round; the pose is written as position and xyzw quaternion."""
    words = f"--rounds 1 --seeds 4 2 --planner {mine}:in_the_air --dialect B --processes 1"
    results = bench(tmp_path, *words.split())["results"]
    assert (results["ended_failures"], results["gsr"], results["dr"], results["rounds"]) == (2, 0.0, 0.0, 2)
    attempts = rows(tmp_path / "out" / "attempts.csv")
    assert [(r["seed"], r["round"], r["attempt"], r["outcome"]) for r in attempts] == [
        (seed, "0", attempt, "empty") for seed in "24" for attempt in "01"
    ]
    quat_xyzw = [float(attempts[0][key]) for key in ("qx", "qy", "qz", "qw")]
    np.testing.assert_allclose(Rotation.from_quat(quat_xyzw).as_matrix(), np.diag([1, -1, -1]), atol=1e-6)
    assert [float(attempts[0][key]) for key in ("x", "y", "z")] == [0.12, 0.15, 0.27]
    assert (float(attempts[0]["planned_width_m"]), float(attempts[0]["score"])) == (0.05, 0.25)


def test_rounds_without_a_single_attempt(tmp_path: Path, mine: str) -> None:
    """No planning time, which JSON says as null; not a NaN that no reader takes."""
    results = bench(tmp_path, *f"--rounds 2 --seeds 1 --planner {mine}:nothing --processes 2".split())["results"]
    assert (results["ended_no_grasp"], results["attempts"], results["plan_ms_p50"]) == (2, 0, None)
    assert rows(tmp_path / "out" / "attempts.csv") == []


def test_the_robot_setting(tmp_path: Path, mine: str) -> None:
    words = f"--setting robot --rounds 1 --seeds 0 --planner {mine}:in_the_air --processes 1"
    results = bench(tmp_path, *words.split())["results"]
    assert results["success"] == 0.0 and results["picks_per_hour"] == 0.0 and results["attempts"] == 2
    assert all(0.0 <= results[name] <= 1.0 for name in FLAT) and "plan_ms_p50" in results
    assert sum(results[f"ended_{how}"] for how in ("cleared", "no_grasp", "failures")) == 1
    (row,) = rows(tmp_path / "out" / "rounds.csv")
    assert row["stop"] == "failures" and float(row["robot_s"]) > 3.0


def test_the_seeds() -> None:
    assert BenchClutter().all_seeds == (0, 1, 2, 3, 4)
    assert BenchClutter(seed=7).all_seeds == (7, 8, 9, 10, 11)
    assert BenchClutter(seeds=(3,), seed=9).all_seeds == (3,)


@pytest.mark.parametrize(
    "words",
    [
        "--rounds 0",
        "--rounds -3",
        "--processes -1",
        "--seeds -1",
        "--seeds 1 1 --rounds 1 --processes 1",
        "--seed -1",
        "--save-failures --setting robot",
        "--planner gpd",
        "--planner no_such_module:plan",
        "--objects /no/such/folder",
        "--planner bench_planners:crooked --rounds 1 --seeds 0 --processes 1",
        "--planner bench_planners:crooked --rounds 2 --seeds 0 --processes 2",
    ],
)
def test_bad_values_are_one_line_and_status_2(
    words: str, mine: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "clutter", *words.split(), "--output", str(tmp_path)]) == 2
    said = capfd.readouterr().err
    assert said.startswith("graspmimic bench clutter: ") and said.count("\n") == 1, said


@pytest.mark.parametrize("words", ["--dialect C", "--scene heap", "--rounds many", "--setting arm"])
def test_words_that_are_no_values_are_status_2(words: str) -> None:
    assert main(["bench", "clutter", *words.split()]) == 2


def test_a_folder_in_millimetres(tmp_path: Path, capsys: pytest.CaptureFixture[str], mine: str) -> None:
    """Refused as it is, with the way out; with that, a box of 4 x 5 x 6 cm is what stands on the table."""
    trimesh.creation.box((40.0, 50.0, 60.0)).export(tmp_path / "box.obj")
    words = f"--rounds 1 --seeds 0 --processes 1 --planner {mine}:nothing --objects {tmp_path / 'box.obj'}"
    argv = ["bench", "clutter", *words.split(), "--output", str(tmp_path / "out")]
    assert main(argv) == 2
    assert "got 60 m at scale 1" in capsys.readouterr().err
    assert bench(tmp_path, *words.split(), "--object-scale", "0.001")["results"]["objects_presented"] >= 1


@pytest.mark.parametrize("command", [["bench", "clutter"], ["bench", "render"], ["demo"]])
def test_a_folder_that_cannot_be_written_is_told_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    (tmp_path / "file").touch()
    assert main([*command, "--output", str(tmp_path / "file" / "out")]) == 2
    captured = capsys.readouterr()
    assert "--output: expected a folder that can be written to" in captured.err and not captured.out
