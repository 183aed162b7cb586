"""The front door, with a command of the test's own behind it: statuses, one-line errors, and the JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from geometry import InputError
from graspmimic import __main__ as front_door
from graspmimic.__main__ import COMMANDS, Entry, main


@dataclass(frozen=True, kw_only=True)
class Probe:
    """Do what the test wants."""

    mode: str = "work"
    """What happens."""
    sizes_m: tuple[float, ...] = (0.1, 0.2)
    """Some lengths, metres."""
    seed: int = 0
    """Seed of every random number."""
    output: Path = Path("output")
    """Folder of the results."""
    json: Path | None = None
    """File of the result as JSON."""

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise InputError("--seed", expected="0 or more", got=f"{self.seed}")

    def run(self, console: Console) -> dict[str, Any]:
        """Fail as told, or return numbers of many kinds."""
        if self.mode == "bad input":
            raise InputError("depth.png", expected="an image", got="nothing", remedy="take another")
        if self.mode == "interrupt":
            raise KeyboardInterrupt
        if self.mode == "defect":
            raise RuntimeError("ours")
        console.print("working")
        return {"rate": np.float32(0.5), "count": np.int64(3), "none": float("nan"), "best": np.array([1.0, np.inf])}


@pytest.fixture(autouse=True)
def probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put Probe behind `graspmimic probe` and `graspmimic bench probe`."""
    monkeypatch.setitem(COMMANDS, "probe", Entry("room", "Probe", "try the door"))
    monkeypatch.setitem(COMMANDS, "bench probe", Entry("room", "Probe", "measure the door"))
    monkeypatch.setattr(front_door, "import_module", lambda name: SimpleNamespace(Probe=Probe))


def test_work_done_is_status_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe"]) == 0
    assert main(["bench", "probe", "--seed", "3"]) == 0
    assert capsys.readouterr().out == "working\nworking\n"


def test_bad_input_is_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", "--mode", "bad input"]) == 2
    assert capsys.readouterr().err == "graspmimic probe: depth.png: expected an image, got nothing; take another\n"


def test_a_bad_value_of_an_option_is_one_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "probe", "--seed", "-1"]) == 2
    assert capsys.readouterr().err == "graspmimic bench probe: --seed: expected 0 or more, got -1\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["probe", "--sede", "1"], "--sede"),
        (["probe", "--seed", "one"], "invalid literal"),
        (["prob"], "invalid choice: 'prob'"),
        (["bench"], "required: COMMAND"),
        (["bench", "nothing"], "invalid choice: 'nothing'"),
        ([], "usage: graspmimic"),
    ],
)
def test_a_line_that_makes_no_sense_is_status_2(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""


def test_an_interrupt_is_status_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", "--mode", "interrupt"]) == 130
    assert capsys.readouterr().err == "graspmimic probe: interrupted\n"


def test_a_defect_of_ours_keeps_its_traceback() -> None:
    with pytest.raises(RuntimeError, match="ours"):
        main(["probe", "--mode", "defect"])


def test_the_json_holds_what_scripts_rely_on(tmp_path: Path) -> None:
    path = tmp_path / "new" / "result.json"
    assert main(["bench", "probe", "--seed", "7", "--json", str(path)]) == 0
    report = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert list(report) == ["command", "config", "versions", "seed", "results"]
    assert report["command"] == "bench probe"
    assert report["seed"] == report["config"]["seed"] == 7
    assert report["config"]["sizes_m"] == [0.1, 0.2]
    assert report["config"]["output"] == "output"
    assert report["versions"]["numpy"] == np.__version__
    assert report["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert report["results"] == {"rate": 0.5, "count": 3, "none": None, "best": [1.0, None]}
    assert [each.name for each in path.parent.iterdir()] == ["result.json"]


def test_a_json_file_that_cannot_be_is_said_before_the_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    for bad in (tmp_path, tmp_path / "file" / "result.json"):
        assert main(["probe", "--json", str(bad)]) == 2
        captured = capsys.readouterr()
        assert captured.out == "" and captured.err.count("\n") == 1


def test_help_reads_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "demo" in capsys.readouterr().out
    assert main(["bench", "--help"]) == 0
    assert "measure the door" in capsys.readouterr().out
    assert main(["probe", "--help"]) == 0
    assert "Seed of every random number. (default: 0)" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("graspmimic 0.")


def test_help_does_not_wait_for_physics() -> None:
    code = "import sys; from graspmimic.__main__ import main; main(['--help']); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"numpy", "scipy", "pybullet", "open3d", "trimesh", "matplotlib"} & set(loaded)


def test_a_world_says_nothing_on_its_own() -> None:
    code = "from envs.world import World\nwith World() as world: world.step()"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout == run.stderr == ""
