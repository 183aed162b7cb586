"""Bags become episodes of a set: MCAP and SQLite, of the recorder and of other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from policies.demonstrations import DemonstrationSet
from ros_nodes.demo_recorder.bag_to_dataset import main
from tests.ros_nodes.task_stream import play
from tests.ros_nodes.test_demo_recorder_bag import write
from tests.ros_nodes.test_demo_recorder_core import core_for, record

rosbags = pytest.importorskip("rosbags", reason="the extra [ros] brings it")
ROS_ARGS = ["--ros-args", "-r", "objects:=/sim_robot/objects", "-p", "settle_s:=0.05"]


def in_sqlite(bag: Path, folder: Path) -> Path:
    """The same messages in rosbag2's older storage."""
    from rosbags.highlevel import AnyReader
    from rosbags.rosbag2 import StoragePlugin, Writer

    with (
        AnyReader([bag]) as reader,
        Writer(folder, version=8, storage_plugin=StoragePlugin.SQLITE3) as writer,
    ):
        topics = {
            one.topic: writer.add_connection(one.topic, one.msgtype, typestore=reader.typestore)
            for one in reader.connections
        }
        for connection, received_ns, data in reader.messages():
            writer.write(topics[connection.topic], received_ns, data)
    return folder


def test_bags_of_both_storages_give_the_episode_that_was_recorded_live(ros: Any, tmp_path: Path) -> None:
    played = play("PickPlace", 3)
    live = record(core_for("PickPlace"), played, success=True)
    bag = write(ros, tmp_path / "bag", played)
    older = in_sqlite(bag, tmp_path / "older")
    assert main([str(bag), str(older), "--output", str(tmp_path / "set"), *ROS_ARGS]) == 0
    found = DemonstrationSet.open(tmp_path / "set")
    assert live is not None and len(found) == 2
    for number, name in enumerate(("bag", "older")):
        episode = found[number]
        np.testing.assert_array_equal(episode.actions, live.actions)
        for key, table in live.observations.items():
            np.testing.assert_allclose(episode.observations[key], table, atol=1e-6)
        assert episode.success and episode.task == "bring the cube" and episode.provenance["bag"] == name


def test_a_bag_without_marks_is_told_its_task_and_outcome(ros: Any, tmp_path: Path) -> None:
    bag = write(ros, tmp_path / "bag", play("PickPlace", 3), marks=False)
    given = [*ROS_ARGS, "-p", "task:=bring it", "-p", "actions_from:=motion", "-p", f"folder:={tmp_path / 'set'}"]
    assert main([str(bag), "--success", "no", *given]) == 0
    episode = DemonstrationSet.open(tmp_path / "set")[0]
    assert not episode.success and episode.task == "bring it" and len(episode) >= 40


def test_what_cannot_be_imported_is_said_in_one_line(ros: Any, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    bag = write(ros, tmp_path / "bag", play("Reach", 3, steps=3))
    output = ["--output", str(tmp_path / "set")]
    assert main([str(tmp_path / "none"), *output]) == 2
    assert main([str(bag), *output, "--ros-args", "-r", "action:=/policy_runner/action"]) == 2
    assert main([str(bag), *output, "--ros-args", "-p", "rate_hz:=-1.0"]) == 2
    told = [line for line in capfd.readouterr().err.splitlines() if "[FATAL]" in line]
    assert len(told) == 3
    assert "expected the folder of a bag" in told[0] and "parameter rate_hz" in told[2]
    assert "nothing on /objects, /policy_runner/action; remap the topics" in told[1]
    assert not (tmp_path / "set").exists()
