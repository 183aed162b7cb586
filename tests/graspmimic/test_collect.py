"""`graspmimic collect` and `graspmimic dataset doctor`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from geometry import InputError
from graspmimic.__main__ import main
from graspmimic.collect import Collect
from graspmimic.dataset_doctor import DatasetDoctor
from policies.demonstrations import DemonstrationSet, DemonstrationWriter


def collect(folder: Path, *more: str) -> int:
    return main(["collect", "--task", "Reach", "--output", str(folder), *more])


def test_collect_makes_a_set_and_adds_to_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = tmp_path / "result.json"
    assert collect(tmp_path, "--episodes", "3", "--seed", "2", "--json", str(result)) == 0
    assert collect(tmp_path, "--episodes", "5", "--seed", "2", "--json", str(result)) == 0
    told = json.loads(result.read_text())["results"]
    read = DemonstrationSet.open(tmp_path / "Reach-seed2")
    assert (told["episodes"], told["steps"], told["played"], told["success"]) == (5, read.steps, 2, 1.0)
    assert read.numbers == (0, 1, 2, 3, 4) and read[0].provenance["seed"] == 20_200_000
    assert read[0].provenance["source"] == "expert" and read[0].task == "bring the hand to the goal"
    assert "5 episodes" in " ".join(capsys.readouterr().out.split())


def test_observation_and_action_are_the_environments(tmp_path: Path) -> None:
    assert collect(tmp_path, "--episodes", "1", "--action", "position_yaw", "--hold-steps", "None") == 0
    read = DemonstrationSet.open(tmp_path / "Reach-seed0")
    assert read.info.env_options == {"action": "position_yaw"} and len(read[0]) == 50


def test_a_policy_demonstrates_too(tmp_path: Path) -> None:
    from policies.reinforcement import shipped_policy

    file = shipped_policy("Reach")
    assert collect(tmp_path, "--episodes", "2", "--source", "policy", "--policy", str(file)) == 0
    (first, _) = DemonstrationSet.open(tmp_path / "Reach-seed0")
    assert first.provenance["source"] == "policy" and len(first.provenance["policy_sha256"]) == 64
    assert collect(tmp_path, "--episodes", "3") == 2  # the expert does not go on with a policy's set


@pytest.mark.parametrize(
    "options",
    [
        ["--episodes", "0"],
        ["--source", "policy"],
        ["--policy", "x.safetensors"],
        ["--source", "policy", "--policy", "missing.safetensors"],
        ["--task", "Nothing"],
        ["--task", "ClutterPick"],
        ["--observation", "smell"],
        ["--source", "keyboard", "--workers", "2"],
        ["--action", "joint_velocity"],
    ],
)
def test_bad_options_are_one_line(options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert collect(tmp_path, "--episodes", "1", *options) == 2
    said = capsys.readouterr().err
    assert said.startswith("graspmimic collect: ") and "expected" in said and said.count("\n") == 1


def examined(source: Path, **options: Any) -> dict[str, Any]:
    return DatasetDoctor(source=source, **options).run(Console(quiet=True))


def test_the_doctor_finds_nothing_in_a_healthy_set(tmp_path: Path) -> None:
    Collect(task="Push", episodes=12, output=tmp_path).run(Console(quiet=True))
    told = examined(tmp_path / "Push-seed0")
    assert (told["episodes"], told["errors"], told["warnings"], told["findings"]) == (12, 0, 0, [])


def test_the_doctor_names_episodes_by_their_numbers(tmp_path: Path) -> None:
    Collect(task="Push", episodes=12, output=tmp_path).run(Console(quiet=True))
    folder = tmp_path / "Push-seed0"
    read = DemonstrationSet.open(folder)
    DemonstrationWriter(folder, read.info).add(read[4], 400)
    path = folder / "episodes" / "episode_000003.npz"
    arrays = dict(np.load(path))
    arrays["actions"][2] = np.nan
    np.savez(path, **arrays)
    told = examined(folder)
    assert (told["errors"], told["warnings"]) == (2, 0)
    wheres = {finding["check"]: finding["where"] for finding in told["findings"]}
    assert wheres == {"unreadable": "episodes 3 (1 of 13)", "duplicates": "episodes 400 (1 of 12)"}


def test_the_doctor_reads_lerobots_sets(shared_data: Path) -> None:
    pytest.importorskip("pyarrow")
    told = examined(shared_data / "lerobot_v3_sample")
    assert (told["episodes"], told["steps"], told["errors"]) == (20, 1600, 0)
    assert [finding["check"] for finding in told["findings"]] == ["idle frames"]  # half of every episode is still


def test_the_doctor_sees_lerobots_times(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    from policies.demonstrations.formats import export_lerobot

    Collect(task="Reach", episodes=4, output=tmp_path).run(Console(quiet=True))
    export_lerobot(DemonstrationSet.open(tmp_path / "Reach-seed0"), tmp_path / "lerobot")
    assert examined(tmp_path / "lerobot")["errors"] == 0
    (file,) = (tmp_path / "lerobot" / "data").rglob("*.parquet")
    table = parquet.read_table(file)
    column = table.column_names.index("timestamp")
    late = table.column("timestamp").to_numpy() + np.where(table.column("episode_index").to_numpy() == 2, 0.01, 0.0)
    field = table.schema.field(column)
    import pyarrow

    parquet.write_table(table.set_column(column, field, pyarrow.array(late, field.type)), file)
    (finding,) = examined(tmp_path / "lerobot")["findings"]
    assert finding["check"] == "timestamps" and finding["where"] == "episodes 2 (1 of 4)"


def test_the_doctor_refuses_what_is_no_set(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        examined(tmp_path)


def test_an_imitation_policy_demonstrates_too(tmp_path: Path) -> None:
    import gymnasium

    from policies.imitation.behavior_cloning import BCConfig
    from policies.imitation.data_layout import DataLayout
    from policies.imitation.policy_file import save_policy_file

    with gymnasium.make("envs:graspmimic/Lift-v0") as env:  # its observation is a bare vector
        layout = DataLayout.of_env(env)
    config, file = BCConfig(), tmp_path / "policy.safetensors"
    save_policy_file(file, config.make(layout), config, layout, {"env": "graspmimic/Lift-v0", "env_options": {}})
    options = ["--source", "policy", "--policy", str(tmp_path), "--output", str(tmp_path), "--keep-failures"]
    assert main(["collect", "--task", "Lift", "--episodes", "1", *options]) == 0
    (episode,) = DemonstrationSet.open(tmp_path / "Lift-seed0")
    assert len(episode) == 50 and episode.provenance["source"] == "policy"
    assert main(["collect", "--task", "Push", "--episodes", "1", *options]) == 2
