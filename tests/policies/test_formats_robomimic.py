"""robomimic's HDF5: what is written, and that it comes back as it was."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geometry import InputError
from policies.demonstrations import DemonstrationSet, Episode, SetInfo
from policies.demonstrations.formats import (
    RobomimicExport,
    RobomimicSet,
    export_robomimic,
    foreign_format,
    import_episodes,
)

h5py = pytest.importorskip("h5py")


class Memory:
    """Episodes in memory, as an exporter takes them."""

    def __init__(self, info: SetInfo, episodes: list[Episode]) -> None:
        self.info, self.episodes = info, episodes

    def __len__(self) -> int:
        return len(self.episodes)

    def __getitem__(self, index: int) -> Episode:
        return self.episodes[index]


def memory(count: int = 4, *, complete: bool = True, bound: float = 1.0) -> Memory:
    rng, episodes = np.random.default_rng(3), []
    for number in range(count):
        steps = 3 + number
        rows = steps + complete
        seen = {
            "observation": rng.normal(size=(rows, 3)).astype(np.float32),
            "rgb": rng.integers(0, 256, (rows, 3, 5, 7), dtype=np.uint8),
            "hwc": rng.integers(0, 256, (rows, 5, 7, 3), dtype=np.uint8),
            "pointcloud": rng.normal(size=(rows, 12)).astype(np.float32),
        }
        episodes.append(
            Episode(
                observations=seen, actions=rng.uniform(-bound, bound, (steps, 2)).astype(np.float32),
                rewards=rng.normal(size=steps).astype(np.float32), success=number != 1, terminated=number == 2,
                task=f"task {number}", provenance={"source": "expert", "seed": number},
            )
        )  # fmt: skip
    info = SetInfo.of_episode(
        episodes[0], rate_hz=25.0, env="graspmimic/Lift-v0", env_options={"action": "position"},
        action_low=(-bound,) * 2, action_high=(bound,) * 2,
    )  # fmt: skip
    return Memory(info, episodes)


def export(source: Memory, path: Path, **settings: Any) -> None:
    export_robomimic(source, path, RobomimicExport(**settings), rng=np.random.default_rng(0))


@pytest.mark.parametrize("complete", [True, False])
def test_episodes_come_back_bit_for_bit(tmp_path: Path, complete: bool) -> None:
    source = memory(12, complete=complete)  # more than ten: demo_10 stands after demo_9, not after demo_1
    export(source, tmp_path / "set.hdf5")
    found = RobomimicSet(tmp_path / "set.hdf5")
    assert found.info.record() == source.info.record() and len(found) == 12
    for number in (11, 0, 2):
        was, got = source[number], found[number]
        for key, table in was.observations.items():
            assert got.observations[key].dtype == table.dtype
            assert got.observations[key].tobytes() == table.tobytes() and got.observations[key].shape == table.shape
        assert got.actions.tobytes() == was.actions.tobytes() and got.rewards.tobytes() == was.rewards.tobytes()
        assert (got.success, got.terminated, got.task) == (was.success, was.terminated, was.task)
        assert dict(got.provenance) == dict(was.provenance)


def test_the_file_holds_what_the_format_says(tmp_path: Path) -> None:
    """Read with h5py alone."""
    source = memory()
    export(source, tmp_path / "set.hdf5", valid_share=0.25)
    with h5py.File(tmp_path / "set.hdf5") as file:
        data = file["data"]
        assert data.attrs["total"] == 3 + 4 + 5 + 6 and set(data) == {f"demo_{i}" for i in range(4)}
        env = json.loads(data.attrs["env_args"])
        assert env == {"env_name": "graspmimic/Lift-v0", "type": 2, "env_kwargs": {"action": "position"}}
        demo, was = data["demo_1"], source[1]
        assert demo.attrs["num_samples"] == 4
        assert np.array_equal(demo["actions"], was.actions) and np.abs(demo["actions"][:]).max() <= 1.0
        assert demo["dones"][:].tolist() == [0, 0, 0, 1] and demo["states"].shape[0] == 4
        assert np.array_equal(demo["obs/observation"], was.observations["observation"][:4])
        assert np.array_equal(demo["next_obs/observation"], was.observations["observation"][1:])
        assert np.array_equal(demo["obs/rgb"], was.observations["rgb"][:4].transpose(0, 2, 3, 1))
        train, valid = (set(name.decode() for name in file[f"mask/{which}"]) for which in ("train", "valid"))
        assert len(valid) == 1 and train | valid == set(data) and not train & valid


def test_actions_are_scaled_to_one_and_back(tmp_path: Path) -> None:
    source = memory(bound=0.25)
    export(source, tmp_path / "set.hdf5")
    with h5py.File(tmp_path / "set.hdf5") as file:
        assert np.allclose(file["data/demo_0/actions"], 4.0 * source[0].actions, atol=1e-6)
    found = RobomimicSet(tmp_path / "set.hdf5")
    assert np.allclose(found[3].actions, source[3].actions, atol=1e-7)


def test_actions_without_bounds_are_refused(tmp_path: Path) -> None:
    source = memory(bound=2.0)
    source.info = dataclasses.replace(source.info, action_low=(), action_high=())
    with pytest.raises(InputError, match=r"actions within \[-1, 1\]"):
        export(source, tmp_path / "set.hdf5")
    assert list(tmp_path.iterdir()) == []


def written_by_somebody_else(path: Path, *, rewards: bool) -> None:
    """As robomimic's own converters write: float64, images channels last, sparse rewards."""
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        data = file.create_group("data")
        data.attrs["env_args"] = json.dumps({"env_name": "Lift", "type": 1, "env_kwargs": {"control_freq": 10}})
        data.attrs["total"] = 9
        for number, steps in enumerate((4, 5)):
            demo = data.create_group(f"demo_{number}")
            demo.attrs["num_samples"] = steps
            demo["actions"] = rng.uniform(-1, 1, (steps, 7))
            if rewards:
                demo["rewards"] = (np.arange(steps) == (steps - 1 if number else -1)).astype(np.float64)
            seen = rng.normal(size=(steps + 1, 3))
            demo["obs/robot0_eef_pos"], demo["next_obs/robot0_eef_pos"] = seen[:-1], seen[1:]
            pictures = rng.integers(0, 256, (steps + 1, 8, 8, 3), dtype=np.uint8)
            demo["obs/agentview_image"], demo["next_obs/agentview_image"] = pictures[:-1], pictures[1:]
        file["mask/train"] = np.array(["demo_1"], dtype="S")


def test_a_file_of_somebody_else(tmp_path: Path) -> None:
    path = tmp_path / "low_dim.hdf5"
    written_by_somebody_else(path, rewards=True)
    assert foreign_format(path) == "robomimic"
    found = RobomimicSet(path)
    assert found.info.rate_hz == 10.0 and found.info.action_low == (-1.0,) * 7
    with h5py.File(path) as file:
        demo = file["data/demo_1"]
        got = found[1]
        assert got.complete and got.observations["robot0_eef_pos"].dtype == np.float32
        assert np.array_equal(got.observations["robot0_eef_pos"][:-1], demo["obs/robot0_eef_pos"][:].astype(np.float32))
        assert np.array_equal(got.observations["robot0_eef_pos"][-1], demo["next_obs/robot0_eef_pos"][-1].astype("f4"))
        assert got.observations["agentview_image"].shape == (6, 3, 8, 8)
        assert np.array_equal(got.observations["agentview_image"][0, 2], demo["obs/agentview_image"][0, :, :, 2])
    assert [found[i].success for i in range(2)] == [False, True] and got.task == "Lift"
    assert len(RobomimicSet(path, "train")) == 1
    with pytest.raises(InputError, match="mask one of train, got test"):
        RobomimicSet(path, "test")
    import_episodes(found, tmp_path / "set")
    assert len(DemonstrationSet.open(tmp_path / "set")) == 2


def test_without_rewards_success_is_assumed_and_said(tmp_path: Path) -> None:
    written_by_somebody_else(tmp_path / "set.hdf5", rewards=False)
    got = RobomimicSet(tmp_path / "set.hdf5")[0]
    assert got.success and got.provenance["success"] == "assumed" and not got.rewards.any()


def test_a_broken_file_is_one_line(tmp_path: Path) -> None:
    export(memory(), tmp_path / "set.hdf5")
    whole = (tmp_path / "set.hdf5").read_bytes()
    (tmp_path / "cut.hdf5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="expected an HDF5 file"):
        RobomimicSet(tmp_path / "cut.hdf5")
    with h5py.File(tmp_path / "other.hdf5", "w") as file:
        file["something"] = 1
    with pytest.raises(InputError, match="a robomimic file"):
        RobomimicSet(tmp_path / "other.hdf5")


def test_two_episodes_make_one_for_each_mask(tmp_path: Path) -> None:
    export(memory(2), tmp_path / "set.hdf5", valid_share=0.01)
    assert (len(RobomimicSet(tmp_path / "set.hdf5", "train")), len(RobomimicSet(tmp_path / "set.hdf5", "valid"))) == (
        1,
        1,
    )
