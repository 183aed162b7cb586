"""`graspmimic demo`, small: what it returns and writes, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graspmimic.__main__ import main


def test_two_objects_without_a_film(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "demo.json"
    words = "demo --no-video --count 2 --scene tabletop --planner topdown --output".split()
    assert main([*words, str(tmp_path), "--json", str(path)]) == 0
    results = json.loads(path.read_text())["results"]
    assert results["objects"] == 2 and 0 <= results["cleared"] <= 2 and results["attempts"] >= results["cleared"]
    assert results["cleared"] >= 1 and results["picks_per_hour"] > 30
    said = capsys.readouterr().out.replace("\n", "")  # a long path is broken into lines
    assert "2 objects left" in said and "picks per hour" in said and "demo.png" in said
    picture = np.asarray(Image.open(tmp_path / "demo.png").convert("RGB"))
    assert min(picture.shape[:2]) > 300 and picture.std() > 20
    assert not (tmp_path / "demo.mp4").exists()


@pytest.mark.slow
@pytest.mark.parametrize("scene", ["pile", "packed", "bin", "tabletop"])
def test_every_scene_with_a_film(scene: str, tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    words = f"demo --count 3 --scene {scene} --json {path} --output {tmp_path}".split()
    assert main(words) == 0
    results = json.loads(path.read_text())["results"]
    assert results["objects"] >= 1 and results["cleared"] >= 1
    assert (tmp_path / "demo.mp4").stat().st_size > 50_000


@pytest.mark.parametrize(
    "words",
    ["--count 0", "--count 31", "--seed -1", "--planner gpd", "--objects /no/such/folder", "--view a.rrd b.rrd"],
)
def test_bad_values_are_one_line_and_status_2(words: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--no-video", *words.split(), "--output", str(tmp_path)]) == 2
    said = capfd.readouterr().err
    assert said.startswith("graspmimic demo: ") and said.count("\n") == 1, said


def test_an_output_that_is_a_file_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    words = "demo --no-video --count 2 --scene tabletop --planner topdown --output".split()
    assert main([*words, str(tmp_path / "file")]) == 2
    said = capfd.readouterr().err
    assert said.startswith("graspmimic demo: ") and said.count("\n") == 1, said
