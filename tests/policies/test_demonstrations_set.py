"""Sets of demonstrations on disk: what goes in comes out, bit for bit, and what is broken is named."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

from geometry import InputError
from policies.demonstrations import DemonstrationSet, DemonstrationWriter, Episode, SetInfo


def make_episode(seed: int = 0, steps: int = 5, *, looks: int | None = None, **changes: Any) -> Episode:
    rng = np.random.default_rng(seed)
    rows = steps + 1 if looks is None else looks
    made: dict[str, Any] = {
        "observations": {
            "observation": rng.standard_normal((rows, 3)).astype(np.float32),
            "pointcloud": rng.standard_normal((rows, 12)).astype(np.float32),
            "rgb": rng.integers(0, 256, (rows, 3, 4, 5), dtype=np.uint8),
        },
        "actions": rng.uniform(-1, 1, (steps, 2)).astype(np.float32),
        "rewards": rng.standard_normal(steps).astype(np.float32),
        "success": bool(seed % 2),
        "task": "bring it",
        "provenance": {"source": "expert", "seed": seed},
    }
    return Episode(**(made | changes))


def make_info(**known: Any) -> SetInfo:
    return SetInfo.of_episode(make_episode(), rate_hz=25.0, **known)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A set of episodes 0, 1, 2 and 7."""
    writer = DemonstrationWriter(tmp_path / "set", make_info())
    for number in (7, 0, 2, 1):
        writer.add(make_episode(number, steps=3 + number), number)
    return tmp_path / "set"


def assert_same(ours: Episode, theirs: Episode) -> None:
    assert ours.observations.keys() == theirs.observations.keys()
    for key, table in ours.observations.items():
        assert table.dtype == theirs.observations[key].dtype and np.array_equal(table, theirs.observations[key])
    assert np.array_equal(ours.actions, theirs.actions) and np.array_equal(ours.rewards, theirs.rewards)
    assert (ours.success, ours.terminated, ours.task) == (theirs.success, theirs.terminated, theirs.task)
    assert dict(ours.provenance) == dict(theirs.provenance)


def test_a_set_gives_back_what_went_in(folder: Path) -> None:
    read = DemonstrationSet.open(folder)
    assert read.numbers == (0, 1, 2, 7) and len(read) == 4
    for number, episode in zip(read.numbers, read, strict=True):
        assert_same(episode, make_episode(number, steps=3 + number))
    assert read.steps == 3 + 4 + 5 + 10 and read.success == 0.5
    assert read.info == make_info()
    assert [told.task for told in read.summaries] == ["bring it"] * 4


def test_rows_without_a_last_look_are_kept_too(tmp_path: Path) -> None:
    episode = make_episode(3, steps=4, looks=4)
    DemonstrationWriter(tmp_path, make_info()).add(episode)
    assert_same(DemonstrationSet.open(tmp_path)[0], episode)
    assert not DemonstrationSet.open(tmp_path)[0].complete


def test_parts_of_a_set(folder: Path) -> None:
    read = DemonstrationSet.open(folder)
    assert read.first(2).numbers == (0, 1) and read[1:3].numbers == (1, 2)
    assert read.select([7, 0]).numbers == (7, 0) and read[-1].provenance["seed"] == 7
    both = DemonstrationSet.merged([read, read.first(1)])
    assert both.numbers == (0, 1, 2, 7, 0) and both.steps == read.steps + 3
    for call in (lambda: read.first(5), lambda: read.first(0), lambda: read.select([3]), lambda: both.select([0])):
        with pytest.raises(InputError):
            call()


def test_a_writer_goes_on_where_another_stopped(folder: Path) -> None:
    writer = DemonstrationWriter(folder, make_info())
    assert writer.numbers == (0, 1, 2, 7) and writer.has(7) and not writer.has(3)
    assert writer.add(make_episode(3), 3) == 3
    assert writer.add(make_episode(4)) == 8 and writer.add(make_episode(5)) == 9
    assert DemonstrationSet.open(folder).numbers == (0, 1, 2, 3, 7, 8, 9)


def test_a_number_is_given_once(folder: Path) -> None:
    writer = DemonstrationWriter(folder, make_info())
    for number in (7, -1):
        with pytest.raises(InputError, match="no episode has"):
            writer.add(make_episode(1), number)


@pytest.mark.parametrize("known", [{"rate_hz": 20.0}, {"env": "other"}, {"action_names": ("a", "b")}])
def test_another_set_is_neither_written_to_nor_merged(folder: Path, tmp_path: Path, known: dict[str, Any]) -> None:
    (name,) = known
    other = SetInfo.of_episode(make_episode(), **({"rate_hz": 25.0} | known))
    with pytest.raises(InputError, match=name):
        DemonstrationWriter(folder, other)
    DemonstrationWriter(tmp_path / "other", other).add(make_episode())
    with pytest.raises(InputError, match=name):
        DemonstrationSet.merged([DemonstrationSet.open(folder), DemonstrationSet.open(tmp_path / "other")])


@pytest.mark.parametrize(
    "change",
    [
        {"actions": np.zeros((5, 3), np.float32)},
        {"observations": {"observation": np.zeros((5, 3), np.float32)}},
        {"observations": {**make_episode().observations, "observation": np.zeros((6, 3))}},
        {"provenance": {"source": object()}},
        {"provenance": {"score": float("nan")}},
    ],
)
def test_an_episode_that_does_not_belong_is_refused(folder: Path, change: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        DemonstrationWriter(folder, make_info()).add(make_episode(**change))
    assert DemonstrationSet.open(folder).numbers == (0, 1, 2, 7)


def test_the_same_episode_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        DemonstrationWriter(tmp_path / name, make_info()).add(make_episode())
    files = [tmp_path / name / "episodes" / "episode_000000.npz" for name in "ab"]
    assert files[0].read_bytes() == files[1].read_bytes()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def foreign(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04 something else")


def no_header(path: Path) -> None:
    rewrite(path, header=None)


def odd_header(path: Path) -> None:
    rewrite(path, header=np.array('{"steps": "many"}'))


def listed_header(path: Path) -> None:
    rewrite(path, header=np.array("[]"))


def rewrite(path: Path, **changes: Any) -> None:
    arrays = {**np.load(path), **changes}
    np.savez(path, **{name: table for name, table in arrays.items() if table is not None})


@pytest.mark.parametrize("damage", [cut, empty, foreign, no_header, odd_header, listed_header])
def test_a_broken_file_is_named_when_the_set_is_opened(folder: Path, damage: Callable[[Path], None]) -> None:
    damage(folder / "episodes" / "episode_000002.npz")
    with pytest.raises(InputError, match=r"episode_000002\.npz.*delete this file"):
        DemonstrationSet.open(folder)


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    at = data.index(b"rgb") + 100
    data[at : at + 8] = bytes(255 - byte for byte in data[at : at + 8])
    path.write_bytes(data)


def with_nan(path: Path) -> None:
    rewrite(path, actions=np.full((5, 2), np.nan, np.float32))


def other_rows(path: Path) -> None:
    rewrite(path, rewards=np.zeros(9, np.float32))


def no_actions(path: Path) -> None:
    rewrite(path, actions=None)


def with_objects(path: Path) -> None:
    rewrite(path, actions=np.array([object()], dtype=object))


@pytest.mark.parametrize("damage", [flipped, with_nan, other_rows, no_actions, with_objects])
def test_broken_tables_are_named_when_they_are_read(folder: Path, damage: Callable[[Path], None]) -> None:
    damage(folder / "episodes" / "episode_000002.npz")
    read = DemonstrationSet.open(folder)
    assert_same(read[0], make_episode(0, steps=3))
    with pytest.raises(InputError, match=r"episode_000002\.npz"):
        read[2]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "graspmimic demonstrations", "version": 1}', "no"])
def test_a_broken_head_is_named(folder: Path, text: str) -> None:
    (folder / "dataset.json").write_text(text)
    with pytest.raises(InputError, match=r"dataset\.json"):
        DemonstrationSet.open(folder)
    with pytest.raises(InputError, match=r"dataset\.json"):
        DemonstrationWriter(folder, make_info())


@pytest.mark.parametrize(
    ("field", "value"),
    [("rate_hz", 0), ("rate_hz", "fast"), ("action_names", []), ("unknown", 1), ("observation_shapes", None)],
)
def test_a_wrong_field_of_the_head_is_named(folder: Path, field: str, value: Any) -> None:
    path = folder / "dataset.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    with pytest.raises(InputError, match=r"dataset\.json"):
        DemonstrationSet.open(folder)


def test_no_set_is_told_from_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="collect"):
        DemonstrationSet.open(tmp_path)
    DemonstrationWriter(tmp_path, make_info())
    with pytest.raises(InputError, match="at least one episode"):
        DemonstrationSet.open(tmp_path)


def test_a_full_disk_loses_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, writer = np.savez_compressed, DemonstrationWriter(folder, make_info())

    def full(file: Any, **arrays: Any) -> None:
        real(file, **{name: arrays[name] for name in list(arrays)[:2]})
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = sorted(path.name for path in folder.rglob("*"))
    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(InputError, match="No space left.*make room"):
        writer.add(make_episode(3), 3)
    assert sorted(path.name for path in folder.rglob("*")) == before
    monkeypatch.undo()
    writer.add(make_episode(3), 3)
    assert_same(DemonstrationSet.open(folder)[3], make_episode(3))


def test_an_episode_appears_by_its_last_act_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    writer, before = DemonstrationWriter(folder, make_info()), sorted(folder.rglob("*"))
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(InputError):
        writer.add(make_episode(3), 3)
    assert sorted(folder.rglob("*")) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="can be written"):
        DemonstrationWriter(tmp_path / "set", make_info())


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "set").write_text("")
    with pytest.raises(InputError, match="can be written"):
        DemonstrationWriter(tmp_path / "set", make_info())


def test_an_environment_tells_what_its_numbers_are() -> None:
    env = gymnasium.make("envs:graspmimic/PickPlace-v0", observation="state+pointcloud")
    info = SetInfo.of_env(env)
    assert (info.env, info.rate_hz) == ("graspmimic/PickPlace-v0", 25.0)
    assert info.env_options == {"observation": "state+pointcloud"}
    assert info.action_names[0] == "hand displacement x" and info.action_low == (-1.0,) * 4
    space = env.observation_space
    assert info.observation_shapes == {key: box.shape for key, box in space.items()}  # type: ignore[attr-defined]
    assert info.observation_names["pointcloud"] == () and "pointcloud" not in info.observation_low
    assert info.observation_names["observation"][7] == "cube position x"
    assert np.float32(info.observation_high["observation"]).tolist() == space["observation"].high.tolist()  # type: ignore[index]
    assert SetInfo.of_record(json.loads(json.dumps(info.record()))) == info
    env.close()


def test_a_bare_vector_and_a_foreign_environment_have_names(point_mass: Any) -> None:
    with gymnasium.make("envs:graspmimic/Lift-v0") as env:
        assert list(SetInfo.of_env(env).observation_names) == ["observation"]
    info = SetInfo.of_env(point_mass())
    assert info.env == "" and info.action_names == ("action 0", "action 1")
    assert info.observation_low["desired_goal"] == (-1.0, -1.0)


def test_options_that_json_cannot_hold_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="JSON"):
        DemonstrationWriter(tmp_path, make_info(env_options={"camera": object()}))


@pytest.mark.parametrize(
    "known",
    [
        {"rate_hz": float("nan")},
        {"action_names": ()},
        {"action_low": (0.0, 0.0)},
        {"action_low": (0.0,), "action_high": (1.0,)},
        {"observation_names": {"observation": ("x", "y", "z")}},
        {"observation_names": {"observation": ("x",), "pointcloud": (), "rgb": ()}},
        {"observation_low": {"observation": (0.0, 0.0, 0.0)}},
    ],
)
def test_what_does_not_fit_is_refused(known: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        SetInfo.of_episode(make_episode(), **({"rate_hz": 25.0} | known))
