"""LeRobotDataset v3.0: what is written, and that it comes back as it was."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from geometry import InputError
from policies.demonstrations import Episode, SetInfo
from policies.demonstrations.demonstration_set import DemonstrationSet
from policies.demonstrations.formats import LeRobotExport, LeRobotSet, export_lerobot, import_episodes, open_foreign

parquet = pytest.importorskip("pyarrow.parquet")

NAMES = {"observation": ("x", "y", "z"), "desired_goal": ("goal x", "goal y"), "pointcloud": (), "rgb": (), "depth": ()}


class Memory:
    """Episodes in memory, as an exporter takes them."""

    def __init__(self, info: SetInfo, episodes: Sequence[Episode]) -> None:
        self.info, self.episodes = info, episodes

    def __len__(self) -> int:
        return len(self.episodes)

    def __getitem__(self, index: int) -> Episode:
        return self.episodes[index]


def episode(number: int, steps: int, *, complete: bool = True, pictures: bool = True) -> Episode:
    rng = np.random.default_rng(number)
    rows = steps + complete
    seen: dict[str, Any] = {
        "observation": rng.normal(size=(rows, 3)).astype(np.float32),
        "desired_goal": np.tile(rng.normal(size=2), (rows, 1)).astype(np.float32),
        "pointcloud": rng.normal(size=(rows, 15)).astype(np.float32),
        "count": rng.integers(0, 9, rows),
    }
    if pictures:
        seen["rgb"] = rng.integers(0, 256, (rows, 3, 6, 8), dtype=np.uint8)
        seen["depth"] = rng.integers(0, 256, (rows, 1, 6, 8), dtype=np.uint8)
    return Episode(
        observations=seen,
        actions=rng.uniform(-1, 1, (steps, 2)).astype(np.float32),
        rewards=rng.normal(size=steps).astype(np.float32),
        success=number % 2 == 0,
        terminated=number == 2,
        task="stack the cubes" if number % 2 else "lift",
        provenance={"source": "expert", "seed": number, "note": "é"},
    )


def memory(lengths: Sequence[int] = (4, 7, 3), *, complete: bool = True, pictures: bool = True) -> Memory:
    episodes = [episode(i, n, complete=complete, pictures=pictures) for i, n in enumerate(lengths)]
    names = {key: NAMES.get(key, ()) for key in episodes[0].observations}
    info = SetInfo.of_episode(
        episodes[0], rate_hz=25.0, env="graspmimic/Lift-v0", action_names=("reach", "grip"), observation_names=names,
        action_low=(-1.0, -1.0), action_high=(1.0, 1.0),
    )  # fmt: skip
    return Memory(info, episodes)


def same(one: Episode, two: Episode) -> None:
    assert one.observations.keys() == two.observations.keys()
    tables = [(one.observations[key], two.observations[key], key) for key in one.observations]
    for a, b, what in [*tables, (one.actions, two.actions, "actions"), (one.rewards, two.rewards, "rewards")]:
        assert a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes(), what
    assert (one.success, one.terminated, one.task) == (two.success, two.terminated, two.task)
    assert dict(one.provenance) == dict(two.provenance)


@pytest.mark.parametrize("complete", [True, False])
def test_episodes_come_back_bit_for_bit(tmp_path: Path, complete: bool) -> None:
    source = memory(complete=complete)
    export_lerobot(source, tmp_path / "set")
    found = LeRobotSet(tmp_path / "set")
    assert [path.name for path in tmp_path.iterdir()] == ["set"]
    assert found.info.record() == source.info.record()
    assert len(found) == 3
    for number in (2, 0, 1):  # in any order
        same(source[number], found[number])
        assert found[number].complete is complete


def test_many_files_and_chunks(tmp_path: Path) -> None:
    source = memory([5, 6, 2, 9, 4, 1], pictures=False)
    export_lerobot(source, tmp_path / "set", LeRobotExport(data_file_mb=1e-6, files_per_chunk=2))
    files = sorted(str(p.relative_to(tmp_path / "set")) for p in (tmp_path / "set" / "data").rglob("*.parquet"))
    assert files == [f"data/chunk-{c:03d}/file-{f:03d}.parquet" for c in range(3) for f in range(2)]
    found = LeRobotSet(tmp_path / "set")
    for number in range(6):
        same(source[number], found[number])


def test_the_files_hold_what_the_format_says(tmp_path: Path) -> None:
    """Read with pyarrow and json alone; the numbers are worked out here."""
    source = memory()
    export_lerobot(source, tmp_path / "set")
    info = json.loads((tmp_path / "set/meta/info.json").read_text())
    assert (info["codebase_version"], info["fps"], info["total_episodes"]) == ("v3.0", 25, 3)
    assert (info["total_frames"], info["total_tasks"], info["splits"]) == (14, 2, {"train": "0:3"})
    features = info["features"]
    assert features["observation.state"] == {"dtype": "float32", "shape": [3], "names": ["x", "y", "z"]}
    assert features["observation.environment_state"]["names"] == ["goal x", "goal y"]
    assert features["observation.pointcloud"]["shape"] == [5, 3]
    assert features["observation.images.rgb"] == {
        "dtype": "image", "shape": [6, 8, 3], "names": ["height", "width", "channels"]
    }  # fmt: skip
    assert features["next.reward"]["shape"] == [1] and features["timestamp"]["dtype"] == "float32"

    table = parquet.read_table(tmp_path / "set/data/chunk-000/file-000.parquet")
    assert table.num_rows == 14
    assert table.column("frame_index").to_pylist() == [*range(4), *range(7), *range(3)]
    assert table.column("index").to_pylist() == list(range(14))
    assert table.column("episode_index").to_pylist() == [0] * 4 + [1] * 7 + [2] * 3
    assert table.column("task_index").to_pylist() == [0] * 4 + [1] * 7 + [0] * 3
    assert table.column("timestamp").to_pylist()[9] == np.float32(5 / 25)
    assert table.column("next.done").to_pylist() == [i in (3, 10, 13) for i in range(14)]
    assert table.column("next.success").to_pylist() == [i in (3, 13) for i in range(14)]
    assert np.array_equal(table.column("action").to_pylist()[4:11], source[1].actions)
    assert np.array_equal(
        table.column("observation.pointcloud").to_pylist()[2], source[0].observations["pointcloud"][2].reshape(5, 3)
    )
    picture = Image.open(io.BytesIO(table.column("observation.images.rgb").to_pylist()[5]["bytes"]))
    assert np.array_equal(np.asarray(picture), source[1].observations["rgb"][1].transpose(1, 2, 0))

    tasks = parquet.read_table(tmp_path / "set/meta/tasks.parquet")
    assert tasks.to_pylist() == [
        {"task_index": 0, "__index_level_0__": "lift"}, {"task_index": 1, "__index_level_0__": "stack the cubes"}
    ]  # fmt: skip
    assert json.loads(tasks.schema.metadata[b"pandas"])["index_columns"] == ["__index_level_0__"]
    row = parquet.read_table(tmp_path / "set/meta/episodes/chunk-000/file-000.parquet").to_pylist()[1]
    assert (row["dataset_from_index"], row["dataset_to_index"], row["length"]) == (4, 11, 7)
    assert row["tasks"] == ["stack the cubes"] and row["data/file_index"] == 0
    assert row["stats/action/max"] == source[1].actions.max(0).astype(np.float64).tolist()


def test_statistics_against_numpy(tmp_path: Path) -> None:
    source = memory()
    export_lerobot(source, tmp_path / "set")
    found = json.loads((tmp_path / "set/meta/stats.json").read_text())
    actions = np.concatenate([e.actions for e in source.episodes]).astype(np.float64)
    assert np.allclose(found["action"]["mean"], actions.mean(0)) and np.allclose(found["action"]["std"], actions.std(0))
    for name, share in (("q01", 0.01), ("q50", 0.5), ("q99", 0.99), ("min", 0.0), ("max", 1.0)):
        assert np.allclose(found["action"][name], np.quantile(actions, share, axis=0))
    assert found["action"]["count"] == [14]
    points = np.concatenate([e.observations["pointcloud"][: len(e)].reshape(-1, 3) for e in source.episodes])
    assert np.allclose(found["observation.pointcloud"]["mean"], points.mean(0), atol=1e-7)
    colour = np.concatenate([e.observations["rgb"][: len(e)] for e in source.episodes]) / 255.0
    assert np.shape(found["observation.images.rgb"]["mean"]) == (3, 1, 1)
    assert np.allclose(np.ravel(found["observation.images.rgb"]["mean"]), colour.mean((0, 2, 3)))
    assert np.allclose(np.ravel(found["observation.images.rgb"]["std"]), colour.std((0, 2, 3)))


def test_quantiles_of_very_many_rows_stay_close() -> None:
    from policies.demonstrations.formats.lerobot_statistics import RunningStatistics

    running, rng = RunningStatistics(), np.random.default_rng(0)
    parts = [rng.normal(i, 1.0, (70_001, 1)) for i in range(7)]
    for part in parts:
        running.add(part)
    found, rows = running.result(), np.concatenate(parts)
    assert np.allclose([found["mean"], found["std"]], [rows.mean(0), rows.std(0)])
    assert np.allclose([found["q10"], found["q90"]], np.quantile(rows, [0.1, 0.9], axis=0), atol=0.02)


def test_films(tmp_path: Path) -> None:
    """A film loses something: smooth pictures come back within a few grey levels, at the right places in the film."""
    ramp = np.linspace(0, 80, 32)
    episodes = []
    for number, steps in enumerate((5, 4)):
        level = 20 * np.arange(steps) + 60 * number
        pictures = np.broadcast_to((ramp + level[:, None])[:, None, None, :], (steps, 3, 16, 32)).astype(np.uint8)
        episodes.append(
            Episode(
                observations={"observation": np.zeros((steps, 1), np.float32), "rgb": pictures},
                actions=np.zeros((steps, 1), np.float32), rewards=np.zeros(steps, np.float32), success=True,
            )
        )  # fmt: skip
    info = SetInfo.of_episode(episodes[0], rate_hz=25.0)
    export_lerobot(Memory(info, episodes), tmp_path / "set", LeRobotExport(videos=True))
    described = json.loads((tmp_path / "set/meta/info.json").read_text())["features"]["observation.images.rgb"]
    assert described["dtype"] == "video" and described["info"]["video.fps"] == 25.0
    assert (tmp_path / "set/videos/observation.images.rgb/chunk-000/file-000.mp4").is_file()
    found = LeRobotSet(tmp_path / "set")
    for number in (1, 0):
        seen = found[number].observations["rgb"].astype(int)
        assert np.abs(seen - episodes[number].observations["rgb"]).max() <= 6


def test_odd_pictures_make_no_films(tmp_path: Path) -> None:
    source = memory()
    odd = {**source[0].observations, "rgb": np.zeros((5, 3, 5, 8), np.uint8)}
    first = Episode(observations=odd, actions=source[0].actions, rewards=source[0].rewards, success=True)
    with pytest.raises(InputError, match="even height and width"):
        export_lerobot(
            Memory(SetInfo.of_episode(first, rate_hz=25.0), [first]), tmp_path / "s", LeRobotExport(videos=True)
        )


def test_an_export_that_fails_leaves_nothing(tmp_path: Path) -> None:
    class Breaking(Memory):
        def __getitem__(self, index: int) -> Episode:
            if index == 2:
                raise InputError("disk", expected="a file", got="none")
            return super().__getitem__(index)

    source = memory()
    with pytest.raises(InputError, match="disk"):
        export_lerobot(Breaking(source.info, source.episodes), tmp_path / "set")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set/mine.txt").write_text("mine")
    with pytest.raises(InputError, match="new or empty"):
        export_lerobot(memory(), tmp_path / "set")


def edited(path: Path, change: dict[str, Any]) -> None:
    """Replace columns of a parquet file."""
    table = parquet.read_table(path)
    for name, values in change.items():
        kind = table.schema.field(name)
        place = table.schema.get_field_index(name)
        table = table.set_column(place, kind, [values])
    parquet.write_table(table, path)


def test_timestamps_off_the_grid_are_refused(tmp_path: Path) -> None:
    export_lerobot(memory(), tmp_path / "set")
    path = tmp_path / "set/data/chunk-000/file-000.parquet"
    times = parquet.read_table(path).column("timestamp").to_numpy().copy()
    times[6] += 5e-5
    edited(path, {"timestamp": times})
    assert len(LeRobotSet(tmp_path / "set")[1]) == 7  # within LeRobot's tolerance
    times[6] += 1e-4
    edited(path, {"timestamp": times})
    found = LeRobotSet(tmp_path / "set")
    assert len(found[0]) == 4
    with pytest.raises(
        InputError, match=r"episode 1: expected timestamps on the grid of 25 Hz, got 0.08015 s at frame 2"
    ):
        found[1]


def test_rows_of_another_episode_are_refused(tmp_path: Path) -> None:
    export_lerobot(memory(), tmp_path / "set")
    path = tmp_path / "set/data/chunk-000/file-000.parquet"
    index = parquet.read_table(path).column("episode_index").to_numpy().copy()
    index[4] = 0
    edited(path, {"episode_index": index})
    with pytest.raises(InputError, match="its own rows"):
        LeRobotSet(tmp_path / "set")[1]


def test_a_file_that_is_cut_off_is_refused_in_one_line(tmp_path: Path) -> None:
    export_lerobot(memory(), tmp_path / "set")
    path = tmp_path / "set/data/chunk-000/file-000.parquet"
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(InputError, match="rows of episode 0") as caught:
        LeRobotSet(tmp_path / "set")[0]
    assert "\n" not in str(caught.value)


def without_own(folder: Path) -> None:
    """Make a set look like somebody else's."""
    for path in folder.glob("meta/graspmimic*"):
        path.unlink()


def test_a_set_of_somebody_else(tmp_path: Path) -> None:
    source = memory()
    export_lerobot(source, tmp_path / "set")
    without_own(tmp_path / "set")
    found = LeRobotSet(tmp_path / "set")
    assert found.info.action_names == ("reach", "grip") and found.info.rate_hz == 25.0
    got, was = found[1], source[1]
    assert set(got.observations) == {"observation", "environment_state", "pointcloud", "rgb", "depth", "count"}
    assert np.array_equal(got.observations["rgb"], was.observations["rgb"][:7])
    assert got.observations["pointcloud"].shape == (7, 5, 3)
    assert (found[0].success, got.success) == (True, False)
    assert got.provenance["source"] == "lerobot" and not got.complete


def test_the_older_layout_is_read(tmp_path: Path) -> None:
    """v2.1 by its own rules: a file an episode, episodes.jsonl."""
    import pyarrow

    root = tmp_path / "old"
    (root / "meta").mkdir(parents=True)
    features = {
        "observation.state": {"dtype": "float32", "shape": [2], "names": {"motors": ["a", "b"]}},
        "action": {"dtype": "float64", "shape": [2], "names": None},
        "language": {"dtype": "string", "shape": [1], "names": None},
    } | {name: {"dtype": "int64", "shape": [1], "names": None} for name in ("frame_index", "episode_index")}
    info = {
        "codebase_version": "v2.1", "fps": 10, "chunks_size": 1, "robot_type": "arm", "features": features,
        "data_path": "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet", "video_path": None,
    }  # fmt: skip
    (root / "meta/info.json").write_text(json.dumps(info))
    rows = [{"episode_index": i, "tasks": [f"task {i}"], "length": 3 + i} for i in range(2)]
    (root / "meta/episodes.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    for i in range(2):
        steps = 3 + i
        table = pyarrow.table(
            {
                "observation.state": [[float(t), i] for t in range(steps)],
                "action": [[0.5, t / 10] for t in range(steps)],
                "language": ["go"] * steps,
                "timestamp": [t / 10 for t in range(steps)],
                "frame_index": list(range(steps)),
                "episode_index": [i] * steps,
            }
        )
        path = root / f"data/chunk-{i:03d}/episode_{i:06d}.parquet"
        path.parent.mkdir(parents=True)
        parquet.write_table(table, path)
    found = LeRobotSet(root)
    assert found.left_out == ("language",)
    assert found.info.observation_names == {"observation": ("a", "b")}
    assert [len(found[i]) for i in range(2)] == [3, 4] and found[1].task == "task 1"
    assert found[1].observations["observation"].tolist() == [[0, 1], [1, 1], [2, 1], [3, 1]]
    assert found[1].actions.dtype == np.float32 and found[1].provenance["success"] == "assumed"
    info["codebase_version"] = "v1.6"
    (root / "meta/info.json").write_text(json.dumps(info))
    with pytest.raises(InputError, match="codebase_version v1.6"):
        LeRobotSet(root)


def test_a_set_that_lerobot_wrote(shared_data: Path) -> None:
    """Written by lerobot 0.4.4; the oracle is pyarrow's table, sliced by hand."""
    folder = shared_data / "lerobot_v3_sample"
    table = parquet.read_table(folder / "data/chunk-000/file-000.parquet").to_pydict()
    found = open_foreign(folder)
    assert len(found) == 20 and found.info.rate_hz == 20.0
    assert found.info.action_names == ("x", "y", "z", "rx", "ry", "rz", "grip")
    for number in (0, 13, 19):
        rows = [i for i, n in enumerate(table["episode_index"]) if n == number]
        got = found[number]
        assert got.task == "lift the cube" and len(got) == len(rows) == 80
        assert np.array_equal(got.actions, np.array([table["action"][i] for i in rows], np.float32))
        state = [table["observation.state"][i] for i in rows]
        assert np.array_equal(got.observations["observation"], np.array(state, np.float32))
        other = [table["observation.environment_state"][i] for i in rows]
        assert np.array_equal(got.observations["environment_state"], np.array(other, np.float32))


def test_import_goes_on_where_it_was_left(tmp_path: Path) -> None:
    source = memory()
    export_lerobot(source, tmp_path / "there")
    assert import_episodes(open_foreign(tmp_path / "there"), tmp_path / "here") == 3
    (tmp_path / "here/episodes/episode_000001.npz").unlink()
    assert import_episodes(open_foreign(tmp_path / "there"), tmp_path / "here") == 1
    found = DemonstrationSet.open(tmp_path / "here")
    for number in range(3):
        same(source[number], found[number])


def test_what_is_of_no_format_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing of this name"):
        open_foreign(tmp_path / "nowhere")
    (tmp_path / "dataset.json").write_text("{}")
    with pytest.raises(InputError, match="own"):
        open_foreign(tmp_path)
