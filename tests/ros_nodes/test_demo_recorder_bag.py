"""Bags of demonstrations: other tools read the same numbers out of them, and they give the same episode again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from control_msgs.msg import JointTolerance
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, Image, JointState, PointCloud2
from std_msgs.msg import Header, String
from tf2_msgs.msg import TFMessage
from trajectory_msgs.msg import JointTrajectory
from vision_msgs.msg import Detection3DArray

from geometry import InputError
from ros_nodes.demo_recorder.bag_episode import EPISODE_TOPIC, episode_of_bag, read_bag
from ros_nodes.demo_recorder.bag_file import BagFile
from ros_nodes.demo_recorder.bag_types import definition_of, type_name
from tests.ros_nodes.task_stream import BEGIN_S, ROBOT, TYPES, Played, play, tf_static, world_in_base
from tests.ros_nodes.test_demo_recorder_core import core_for, record

rosbags = pytest.importorskip("rosbags", reason="the extra [ros] brings it")
TOPICS = {"/joint_states": "joint_states", "/sim_robot/objects": "objects", "/goal": "goal", "/action": "action"}
STARTED_S = BEGIN_S + 0.5


def sent(ros: Any, messages: list[Any]) -> list[bytes]:
    """The bytes that a raw subscription gets of messages of one type from another process."""
    got: list[bytes] = []
    node, kind, qos = ros.probe, type(messages[0]), QoSProfile(depth=len(messages))
    topic = f"sent/{kind.__name__}"
    subscription = node.create_subscription(kind, topic, got.append, qos, raw=True)
    publisher = node.create_publisher(kind, topic, qos)
    assert ros.wait_until(lambda: publisher.get_subscription_count() == 1)
    for message in messages:
        publisher.publish(message)
    assert ros.wait_until(lambda: len(got) == len(messages), 20.0)
    node.destroy_subscription(subscription)
    node.destroy_publisher(publisher)
    return [data + bytes(-len(data) % 4) for data in got]  # within one process, Fast DDS leaves out RTPS's gap


def write(ros: Any, folder: Path, played: Played, *, marks: bool = True) -> Path:
    """The messages of a played task from the start of its recording on, as the recorder writes them."""
    bag = BagFile(folder)
    topic_of = {source: topic for topic, source in TOPICS.items()}
    for source, kind in TYPES.items():
        bag.add_topic(topic_of[source], kind)
    bag.add_topic("/tf_static", TFMessage, latched=True)
    bag.add_topic(EPISODE_TOPIC, String)
    bag.write("/tf_static", _ns(STARTED_S), *sent(ros, [tf_static()]))
    told = {"started_s": STARTED_S, "task": "bring the cube", "source": "policy"}
    if marks:
        bag.write_text(EPISODE_TOPIC, _ns(STARTED_S), json.dumps(told))
    heard = sorted((one for one in played.messages if one.received_s >= STARTED_S), key=lambda one: one.received_s)
    data_of = {kind: iter(sent(ros, [one.msg for one in heard if one.source == kind])) for kind in TYPES}
    for source, received_s, _ in heard:
        bag.write(topic_of[source], _ns(received_s), next(data_of[source]))
    if marks:
        ended = {"stopped_s": played.end_s, "success": True}
        bag.write_text(EPISODE_TOPIC, _ns(played.end_s), json.dumps(ended))
    bag.close()
    assert not bag.problem
    return folder


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)


def test_rosbags_and_the_mcap_reader_see_the_numbers_that_were_sent(ros: Any, tmp_path: Path) -> None:
    played = play("PickPlace", 3, steps=10)
    folder = write(ros, tmp_path / "bag", played)
    told_joints = [
        told.msg for told in played.messages if told.source == "joint_states" and told.received_s >= STARTED_S
    ]
    things = [told.msg for told in played.messages if told.source == "objects" and told.received_s >= STARTED_S]

    ours = [message.msg for message in read_bag(folder, {"/joint_states", "/sim_robot/objects"})]
    joints = [msg for msg in ours if hasattr(msg, "velocity")]
    assert len(joints) == len(told_joints) and len(ours) == 2 * len(told_joints)
    for got, want in zip(joints, told_joints, strict=True):
        assert list(got.name) == list(want.name) and got.header.stamp.nanosec == want.header.stamp.nanosec
        np.testing.assert_array_equal(got.position, np.asarray(want.position))

    reader = pytest.importorskip("mcap.reader", reason="Foxglove's reader, for tests")
    factory = pytest.importorskip("mcap_ros2.decoder", reason="Foxglove's decoder, for tests").DecoderFactory()
    with next(folder.glob("*.mcap")).open("rb") as file:
        found = list(reader.make_reader(file, decoder_factories=[factory]).iter_decoded_messages())
    by_topic: dict[str, list[Any]] = {}
    for _, channel, message, decoded in found:
        by_topic.setdefault(channel.topic, []).append((message, decoded))
    assert by_topic.keys() == {*TOPICS, "/tf_static", EPISODE_TOPIC}
    for (message, got), want in zip(by_topic["/joint_states"], told_joints, strict=True):
        np.testing.assert_array_equal(got.position, np.asarray(want.position))
        assert message.log_time == _ns(got.header.stamp.sec + got.header.stamp.nanosec * 1e-9 + 0.004)
    for (_, got), want in zip(by_topic["/sim_robot/objects"], things, strict=True):
        assert got.header.frame_id == "world" and got.detections[0].id == "cube"
        assert got.detections[0].bbox.center.position.z == want.detections[0].bbox.center.position.z
    assert json.loads(by_topic[EPISODE_TOPIC][1][1].data)["success"] is True


@pytest.mark.parametrize("actions_from", ["topic", "motion"])
def test_a_bag_gives_the_episode_that_was_recorded_live(ros: Any, tmp_path: Path, actions_from: str) -> None:
    played = play("PickPlace", 3)
    live = record(core_for("PickPlace", actions_from=actions_from), played, success=True)
    folder = write(ros, tmp_path / "bag", played)

    def make(frame_in_base: Any) -> Any:
        return core_for("PickPlace", frame_in_base, actions_from=actions_from)

    again = episode_of_bag(folder, make, TOPICS, base_frame=ROBOT.base_frame)
    assert live is not None and again is not None
    np.testing.assert_array_equal(again.actions, live.actions)
    np.testing.assert_array_equal(again.rewards, live.rewards)
    for key, table in live.observations.items():
        np.testing.assert_allclose(again.observations[key], table, atol=1e-6)
    assert again.success and again.task == "bring the cube" and again.provenance["source"] == "policy"
    assert again.provenance["began_s"] == pytest.approx(live.provenance["began_s"])


def test_a_bag_that_another_tool_recorded_tells_no_marks(ros: Any, tmp_path: Path) -> None:
    played = play("Push", 4)
    folder = write(ros, tmp_path / "bag", played, marks=False)
    episode = episode_of_bag(
        folder, lambda frames: core_for("Push", frames), TOPICS, base_frame=ROBOT.base_frame, task="push it"
    )
    assert episode is not None and episode.task == "push it"
    assert len(episode) >= 48 and episode.success == played.episode.success


def test_frames_that_move_are_where_they_were_last(tmp_path: Path) -> None:
    from geometry_msgs.msg import TransformStamped, Vector3

    from ros_nodes.demo_recorder.recorded_frames import RecordedFrames
    from ros_nodes.messages.stamps import stamp_of

    frames = RecordedFrames()
    frames.take(tf_static(), fixed=True)
    for x, stamp in ((1.0, 10.0), (2.0, 11.0)):
        moved = TransformStamped(header=Header(frame_id="panda_link0", stamp=stamp_of(stamp)), child_frame_id="camera")
        moved.transform.translation = Vector3(x=x, y=0.0, z=0.5)
        moved.transform.rotation.w = 1.0
        frames.take(TFMessage(transforms=[moved]), fixed=False)
    for time_s, x in ((9.0, 1.0), (10.5, 1.0), (11.0, 2.0)):
        T, problem = frames.pose("camera", "world", time_s)
        assert problem == "" and T is not None
        np.testing.assert_allclose(T[:3, 3], (x - 0.6, 0.0, 0.5))
    assert frames.pose("elsewhere", "world", 0.0)[1] == "the bag's TF does not join 'elsewhere' to 'world'"
    np.testing.assert_allclose(frames.pose("world", "panda_link0", 0.0)[0], world_in_base("world", None)[0])


@pytest.mark.parametrize(
    "kind", [JointState, Detection3DArray, TFMessage, Image, CameraInfo, PointCloud2, JointTrajectory, DiagnosticArray]
)
def test_definitions_made_from_classes_are_those_of_the_packages(kind: Any) -> None:
    """The hash over names and types of all fields, nested ones too, is the one that rosbags knows for the real type."""
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    from ros_nodes.demo_recorder.bag_types import definitions_of

    known = get_typestore(Stores.ROS2_HUMBLE)
    ours = get_typestore(Stores.EMPTY)
    found: dict[str, Any] = {}
    for name, text in definitions_of(kind):
        found |= get_types_from_msg(text, name)
    ours.register(found)
    name = type_name(kind)
    if name in known.fielddefs:
        assert ours.hash_rihs01(name) == known.hash_rihs01(name)
    else:  # vision_msgs is in no store of rosbags: the message is written and read instead
        assert name == "vision_msgs/msg/Detection3DArray"
        assert "vision_msgs/Detection3D[] detections" in definition_of(kind)


def test_a_bag_takes_nothing_that_it_cannot_write(ros: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bag = BagFile(tmp_path / "bag")
    with pytest.raises(InputError, match="a folder for a new bag"):
        BagFile(tmp_path / "bag")
    bag.add_topic("/x", JointTolerance)
    bag.write("/x", 1, *sent(ros, [JointTolerance(name="a")]))

    def full(*args: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bag._writer, "write", full)
    bag.write("/x", 2, b"")
    bag.write("/x", 3, b"")
    assert bag.count == 1 and "No space left on device; the bag ends here" in bag.problem
    bag.remove()
    bag.close()
    assert not (tmp_path / "bag").exists()
    with pytest.raises(InputError, match="the folder of a bag"):
        list(read_bag(tmp_path / "bag"))
