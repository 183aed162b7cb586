"""`graspmimic teach`: sources of every kind, as a user would give them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graspmimic.__main__ import main
from perception.pose.recordings import recording_of_arrays, save_recording
from perception.pose.skeletons import BODY18

FAST = ("--planned-grasps", "--no-video")


def teach(source: str | Path, output: Path, *more: str) -> tuple[int, dict[str, Any]]:
    told = output.with_suffix(".json")
    status = main(["teach", str(source), "--output", str(output), "--json", str(told), *FAST, *more])
    return status, json.loads(told.read_text())["results"] if told.exists() else {}


def test_what_was_understood_is_written_and_understood_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, told = teach("simulated:push_to_line", tmp_path / "shown", "--scenes", "0")
    assert status == 0 and told["understood"] and (told["steps"], told["problems"]) == (2, 0)
    said = (tmp_path / "shown" / "program.txt").read_text()
    assert said.splitlines()[1] == "2. Push block to line" and said.splitlines()[1] in capsys.readouterr().out
    assert (tmp_path / "shown" / "program.png").stat().st_size > 10_000
    status, again = teach(tmp_path / "shown" / "program.json", tmp_path / "again", "--scenes", "0")
    assert status == 0 and again == told and (tmp_path / "again" / "program.txt").read_text() == said


@pytest.mark.parametrize(
    ("source", "more", "said"),
    [
        ("simulated:juggle", (), "place_on"),
        ("simulated:", (), "place_on"),
        ("nowhere.npz", (), "nowhere.npz"),
        ("nowhere.json", (), "nowhere.json"),
        ("simulated:stack", ("--scenes", "-1"), "--scenes"),
        ("simulated:stack", ("--noise-cm", "nan"), "--noise-cm"),
        ("simulated:stack", ("--duration-s", "0"), "--duration-s"),
    ],
)
def test_what_cannot_be_shown_is_one_line(
    source: str, more: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert teach(source, tmp_path / "out", *more)[0] == 2
    line = capsys.readouterr().err.strip()
    assert "\n" not in line and said in line


def test_a_hand_in_pixels_is_understood_without_things(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    time_s = np.arange(0.0, 4.0, 1.0 / 60.0)
    there, aside = (np.clip((time_s - begin) / 0.5, 0.0, 1.0) for begin in (1.0, 1.8))
    wrist = np.column_stack([200.0 + 90.0 * aside, 200.0 + 110.0 * there])
    body = np.full((len(time_s), len(BODY18), 2), np.nan)
    for name, place in (("neck", (300, 100)), ("right_shoulder", (250, 110)), ("left_shoulder", (350, 110)),
                        ("right_elbow", (210, 160)), ("right_wrist", wrist)):  # fmt: skip
        body[:, BODY18.index(name)] = place
    fingers = np.column_stack([np.linspace(-20.0, 20.0, 21), np.linspace(5.0, 45.0, 21)])
    recording = recording_of_arrays(BODY18, time_s, body, right_hand=wrist[:, None] + fingers)
    save_recording(tmp_path / "hand.npz", recording)
    status, told = teach(tmp_path / "hand.npz", tmp_path / "out", "--scenes", "0")
    assert status == 0 and told["understood"] and (told["steps"], told["problems"]) == (6, 0)
    assert "never seen" in capsys.readouterr().out


def test_what_real_people_showed_is_told(tmp_path: Path, shared_data: Path) -> None:
    for what, data, right in (
        ("handover", "kth_handover_sample", {"understood": True}),
        ("assembly", "human_assembly_lego/arms.npz", {"trials": 20}),
    ):
        told = tmp_path / f"{what}.json"
        where = ("--data", str(shared_data / "behaviour" / data), "--output", str(tmp_path / what))
        assert main(["eval", "shown", "--what", what, *where, "--json", str(told)]) == 0
        results = json.loads(told.read_text())["results"]
        assert right.items() <= results.items() and (tmp_path / what / f"{what}.png").stat().st_size > 10_000
    assert results["parts_most"] >= results["parts_least"] >= 0


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": "graspmimic policy 1"}'])
def test_a_broken_program_is_one_line(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "program.json").write_text(text)
    assert teach(tmp_path / "program.json", tmp_path / "out")[0] == 2
    line = capsys.readouterr().err.strip()
    assert "\n" not in line and "program.json" in line


def test_a_damaged_recording_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez(tmp_path / "other.npz", time_s=np.arange(3.0))
    (tmp_path / "text.npz").write_text("no archive")
    for name in ("other.npz", "text.npz"):
        assert teach(tmp_path / name, tmp_path / "out")[0] == 2
        line = capsys.readouterr().err.strip()
        assert "\n" not in line and line


@pytest.mark.slow
@pytest.mark.parametrize("task", ["place_on", "push_to_line", "hand_over"])
def test_a_task_is_done_where_it_was_shown_and_elsewhere_from_its_file(task: str, tmp_path: Path) -> None:
    status, told = teach(f"simulated:{task}", tmp_path / "shown", "--scenes", "1")
    assert status == 0 and told["successes"] == 1
    status, told = teach(tmp_path / "shown" / "program.json", tmp_path / "again", "--scenes", "1")
    assert status == 0 and told["successes"] == 1


@pytest.mark.slow
def test_what_the_robot_only_believes_is_no_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from policies.execution.result import ExecutionResult, StepOutcome

    def boast(program: Any, bench: Any, **_: Any) -> ExecutionResult:
        return ExecutionResult(steps=tuple(StepOutcome(step=s, status="done") for s in program.steps), events=())

    assert teach("simulated:push_to_line", tmp_path / "shown", "--scenes", "0")[0] == 0
    monkeypatch.setattr("policies.execution.teach_trial.execute", boast)
    for source in ("simulated:push_to_line", tmp_path / "shown" / "program.json"):
        assert teach(source, tmp_path / "out", "--scenes", "1")[1]["successes"] == 0


@pytest.mark.slow
def test_trials_of_teaching_are_counted(tmp_path: Path) -> None:
    words = ["--tasks", "place_on", "push_to_line", "--noise-cm", "0", "--scenes", "1", "--planned-grasps"]
    told = tmp_path / "told.json"
    assert main(["eval", "teach", *words, "--output", str(tmp_path), "--json", str(told)]) == 0
    results = json.loads(told.read_text())["results"]
    rows = (tmp_path / "trials.csv").read_text().splitlines()
    assert results["trials"] == 2 and len(rows) == 3
    assert 0.0 <= results["0cm_success_low"] <= results["0cm_all_success"] <= results["0cm_success_high"] <= 1.0
