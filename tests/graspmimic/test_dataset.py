"""`dataset export` and `dataset import` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from geometry import InputError
from graspmimic.dataset_export import DatasetExport
from graspmimic.dataset_import import DatasetImport
from policies.demonstrations import DemonstrationSet, DemonstrationWriter, Episode, SetInfo

QUIET = Console(quiet=True)


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """A set of four episodes, of which the second failed."""
    rng, episodes = np.random.default_rng(0), []
    for number in range(4):
        episodes.append(
            Episode(
                observations={"observation": rng.normal(size=(6, 2)).astype(np.float32)},
                actions=rng.uniform(-1, 1, (5, 2)).astype(np.float32), rewards=np.zeros(5, np.float32),
                success=number != 1, task="lift", provenance={"source": "expert"},
            )
        )  # fmt: skip
    info = SetInfo.of_episode(episodes[0], rate_hz=25.0, action_low=(-1.0, -1.0), action_high=(1.0, 1.0))
    writer = DemonstrationWriter(tmp_path / "set", info)
    for episode in episodes:
        writer.add(episode)
    return tmp_path / "set"


@pytest.mark.parametrize(("kind", "package"), [("lerobot", "pyarrow"), ("robomimic", "h5py")])
def test_there_and_back(there: Path, tmp_path: Path, kind: str, package: str) -> None:
    pytest.importorskip(package)
    out = tmp_path / "out"
    made = DatasetExport(source=there, format=kind, output=out).run(QUIET)  # type: ignore[arg-type]
    assert (made["episodes"], made["frames"], made["left_out"]) == (4, 20, 0)
    found = DatasetImport(source=Path(made["written"]), output=tmp_path / "back").run(QUIET)
    assert found["format"] == kind and found["episodes"] == found["copied"] == 4 and found["success"] == 0.75
    was, back = DemonstrationSet.open(there), DemonstrationSet.open(tmp_path / "back")
    assert was.info.record() == back.info.record()
    for one, two in zip(was, back, strict=True):
        assert one.actions.tobytes() == two.actions.tobytes() and one.success == two.success
        assert one.observations["observation"].tobytes() == two.observations["observation"].tobytes()
    json.dumps([made, found])


def test_only_successes(there: Path, tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    made = DatasetExport(source=there, format="robomimic", only_success=True, output=tmp_path / "a.h5").run(QUIET)
    assert (made["episodes"], made["left_out"], made["written"]) == (3, 1, str(tmp_path / "a.h5"))
    found = DatasetImport(source=tmp_path / "a.h5", mask="valid", output=tmp_path / "valid").run(QUIET)
    assert found["episodes"] == 1


def test_nothing_is_overwritten(there: Path, tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    (tmp_path / "a.h5").write_text("mine")
    with pytest.raises(InputError, match="a new file"):
        DatasetExport(source=there, format="robomimic", output=tmp_path / "a.h5").run(QUIET)
    assert (tmp_path / "a.h5").read_text() == "mine"


def test_options_that_do_not_go_together(there: Path) -> None:
    with pytest.raises(InputError, match="--format lerobot"):
        DatasetExport(source=there, format="robomimic", videos=True)
    with pytest.raises(InputError, match="share in"):
        DatasetExport(source=there, valid_share=1.0)


def test_a_source_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing of this name"):
        DatasetImport(source=tmp_path / "nowhere", output=tmp_path / "set").run(QUIET)
    assert not (tmp_path / "set").exists()
