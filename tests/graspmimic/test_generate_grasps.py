"""`graspmimic generate grasps` and the object sets of all commands, from outside."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from envs.objects import load_objects
from geometry import InputError
from graspmimic.__main__ import main
from graspmimic.generate_grasps import GenerateGrasps
from graspmimic.object_sets import filtered, load_with_progress, read_names


def test_the_command_says_rates_and_writes_shards(tmp_path: Path) -> None:
    words = (
        f"generate grasps --scenes 1 --views 1 --trials 4 --processes 1 --output {tmp_path}/d --json {tmp_path}/r.json"
    )
    assert main(words.split()) == 0
    results = json.loads((tmp_path / "r.json").read_text())["results"]
    assert results["scenes_made"] == 1 and results["trials"] == 4
    assert 1000 < results["labelled_grasps"] <= 128 * 288 * 4
    assert results["scenes_per_s"] > 0.0 and results["labelled_grasps_per_s"] > 0.0
    assert (tmp_path / "d" / "scene_000000.npz").is_file()
    assert main(words.split()) == 0
    assert json.loads((tmp_path / "r.json").read_text())["results"]["scenes_made"] == 0
    assert main([*words.split(), "--seed", "1"]) == 2


@pytest.mark.parametrize(
    "options",
    [{"scenes": 0}, {"views": 0}, {"trials": -1}, {"processes": -1}, {"seed": -1}, {"objects": ()}],
)
def test_bad_options_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(InputError):
        GenerateGrasps(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("objects", [("procedural=0",), ("procedural=-1",), ("procedural=nan",), ("procedural",) * 2])
def test_bad_weights_are_refused(objects: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="weights above 0"):
        GenerateGrasps(objects=objects, output=tmp_path).run(Console(file=io.StringIO()))


def test_names_come_one_a_line_with_comments(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_text("# all of them\napple  # red\n\n  pear \n")
    assert read_names(path) == ("apple", "pear")
    assert read_names(None) is None
    path.write_text("# nothing\n")
    with pytest.raises(InputError, match="object names"):
        read_names(path)
    with pytest.raises(InputError, match="No such file"):
        read_names(tmp_path / "missing.txt")


def test_sets_are_filtered_by_name() -> None:
    objects = load_objects("procedural", limit=5)
    names = [model.name for model in objects]
    assert [m.name for m in filtered(objects, only=names[:3])] == names[:3]
    assert [m.name for m in filtered(objects, only=names[:3], exclude=names[:1])] == names[1:3]
    assert [m.name for m in filtered(objects, exclude=["unknown"])] == names
    assert filtered(objects).name == objects.name
    with pytest.raises(InputError, match="none left"):
        filtered(objects, only=["unknown"])
    kept = load_with_progress(Console(file=io.StringIO()), "procedural", 1.0, only=names[:2])
    assert [m.name for m in kept] == names[:2]
