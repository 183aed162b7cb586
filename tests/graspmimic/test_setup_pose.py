"""`setup pose` from outside: models come out of a wheel, and what goes wrong is one clear line."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from geometry import InputError
from graspmimic import setup_pose
from graspmimic.setup_pose import SetupPose


@pytest.fixture
def pip_says(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts an answer in pip's place, and keeps what it was asked."""
    asked: list[list[str]] = []

    def answer(status: int, said: str) -> list[list[str]]:
        def run(words: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
            asked.append(words)
            return subprocess.CompletedProcess(words, status, "", said)

        monkeypatch.setattr(setup_pose.subprocess, "run", run)
        return asked

    return answer


def test_pip_without_network_is_one_line(pip_says: Any, tmp_path: Path) -> None:
    asked = pip_says(1, "WARNING: Retrying\nERROR: No matching distribution found for mediapipe==0.10.21\n")
    with pytest.raises(InputError, match=r"No matching distribution.*--wheel"):
        SetupPose(output=tmp_path).run(Console(quiet=True))
    (words,) = asked
    assert words[1:4] == ["-m", "pip", "download"] and "mediapipe==0.10.21" in words and "--no-deps" in words
    assert list(tmp_path.iterdir()) == []


def test_an_environment_without_pip_is_one_line(pip_says: Any, tmp_path: Path) -> None:
    pip_says(1, "/usr/bin/python: No module named pip\n")
    with pytest.raises(InputError, match="No module named pip"):
        SetupPose(output=tmp_path).run(Console(quiet=True))


def test_a_wheel_that_is_no_wheel_is_refused(tmp_path: Path) -> None:
    wheel = tmp_path / "some.whl"
    wheel.write_bytes(b"no wheel")
    with pytest.raises(InputError, match=r"some\.whl.*0\.10\.21"):
        SetupPose(wheel=wheel, output=tmp_path / "models").run(Console(quiet=True))
    assert list((tmp_path / "models").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="--output"):
        SetupPose(output=tmp_path / "file").run(Console(quiet=True))


def test_the_default_folder_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert SetupPose().output == tmp_path / "graspmimic" / "pose"
