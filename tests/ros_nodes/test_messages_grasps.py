"""Grasps as moveit_msgs/Grasp, PoseArray and markers; bytes by hand, there being no such definition in rosbags."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from moveit_msgs.msg import Grasp
from rclpy.serialization import deserialize_message, serialize_message
from scipy.spatial.transform import Rotation
from std_msgs.msg import Header
from visualization_msgs.msg import Marker

from geometry import PANDA_HAND, GripperSpec, InputError, transform_points
from perception.grasping import Grasps
from ros_nodes.messages.grasp_markers import grasp_markers
from ros_nodes.messages.grasps import grasp_messages, grasps_of, pose_array
from ros_nodes.messages.poses import matrix_from_pose
from ros_nodes.robot_settings import RobotSettings
from tests.ros_nodes.cdr import Cdr

PANDA = RobotSettings()
ROBOTIQ = RobotSettings(
    finger_joint_names=("knuckle",),
    gripper_max_width_m=0.14,
    gripper_open_position=0.0,
    gripper_closed_position=0.7,
)


def header() -> Header:
    message = Header(frame_id="world")
    message.stamp.sec, message.stamp.nanosec = 9, 8
    return message


def some_grasps(count: int = 12) -> Grasps:
    rng = np.random.default_rng(3)
    poses = np.tile(np.eye(4), (count, 1, 1))
    poses[:, :3, :3] = Rotation.random(count, random_state=1).as_matrix()
    poses[:, :3, 3] = rng.normal(size=(count, 3))
    return Grasps(
        poses=poses,
        widths_m=rng.uniform(0.0, 0.08, count),
        scores=rng.uniform(size=count),
        object_ids=np.arange(count) - 1,
    )


@pytest.mark.parametrize("robot", [PANDA, ROBOTIQ])
def test_there_and_back_through_bytes(robot: RobotSettings) -> None:
    grasps = some_grasps()
    sent = [serialize_message(message) for message in grasp_messages(grasps, header(), robot)]
    back = grasps_of([deserialize_message(data, Grasp) for data in sent], robot)
    np.testing.assert_allclose(back.poses, grasps.poses, atol=1e-12)
    np.testing.assert_allclose(back.widths_m, grasps.widths_m, atol=1e-12)
    np.testing.assert_array_equal(back.scores, grasps.scores)
    np.testing.assert_array_equal(back.object_ids, grasps.object_ids)
    assert back.frame == "world"


def test_one_grasp_as_bytes_written_by_hand() -> None:
    """From above: +z of the grasp frame is the world's -z, x stays; the fingers close along -y."""
    down = np.diag([1.0, -1.0, -1.0, 1.0])
    down[:3, 3] = 0.5, 0.1, 0.2
    grasps = Grasps(poses=down[None], widths_m=[0.06], scores=[0.75], object_ids=[7])
    (message,) = grasp_messages(grasps, header(), PANDA, approach_m=0.125, retreat_m=0.25, max_contact_force_n=20.0)
    fingers = ("panda_finger_joint1", "panda_finger_joint2")
    cdr = Cdr().text("grasp_000")
    for position in (0.03, 0.0):
        cdr.header(0, 0, "").put("I", 2).text(*fingers).put("I", 1)
        cdr.array("d", [position] * 2).put("III", 0, 0, 0).put("iI", 0, 0)
    cdr.header(9, 8, "world").put("ddd", 0.5, 0.1, 0.2).put("dddd", 1.0, 0.0, 0.0, 0.0).put("d", 0.75)
    cdr.header(9, 8, "world").put("ddd", 0.0, 0.0, -1.0).put("ff", 0.125, 0.0625)
    for _ in ("post_grasp_retreat", "post_place_retreat"):
        cdr.header(9, 8, "world").put("ddd", 0.0, 0.0, 1.0).put("ff", 0.25, 0.125)
    cdr.put("f", 20.0).put("I", 1).text("object_7")
    assert cdr.matches(message)
    np.testing.assert_allclose(grasps_of([deserialize_message(cdr.data, Grasp)], PANDA).poses[0], down, atol=1e-15)


def test_numbers_of_a_gripper_with_a_joint_angle() -> None:
    (message,) = grasp_messages(some_grasps(1)[:1], header(), ROBOTIQ)
    assert message.pre_grasp_posture.joint_names == ["knuckle"]
    width_m = float(some_grasps(1).widths_m[0])
    assert message.pre_grasp_posture.points[0].positions[0] == pytest.approx(0.7 - 0.7 * width_m / 0.14)
    assert message.grasp_posture.points[0].positions[0] == 0.7


def test_none_is_none() -> None:
    assert grasp_messages(Grasps(), header(), PANDA) == []
    assert len(grasps_of([], PANDA)) == 0


def test_bad_messages_are_told_in_one_line() -> None:
    messages = grasp_messages(some_grasps(3), header(), PANDA)
    messages[1].pre_grasp_posture.points = []
    with pytest.raises(InputError, match="Grasp grasp_001: pre_grasp_posture: expected a point with positions"):
        grasps_of(messages, PANDA)
    messages = grasp_messages(some_grasps(2), header(), PANDA)
    messages[1].grasp_pose = type(messages[1].grasp_pose)()
    with pytest.raises(InputError, match=r"all in one frame, got \['', 'world'\]"):
        grasps_of(messages, PANDA)
    messages = grasp_messages(some_grasps(1), header(), PANDA)
    messages[0].grasp_pose.pose.orientation.w = 5.0
    with pytest.raises(InputError, match="a quaternion of length 1"):
        grasps_of(messages, PANDA)


def test_objects_of_other_people_are_no_numbers_of_ours() -> None:
    messages = grasp_messages(some_grasps(1), header(), PANDA)
    messages[0].allowed_touch_objects = ["table", "object_", "object_4"]
    assert np.asarray(grasps_of(messages, PANDA).object_ids).tolist() == [4]
    messages[0].allowed_touch_objects = ["table"]
    assert np.asarray(grasps_of(messages, PANDA).object_ids).tolist() == [-1]


def test_the_pose_array_has_the_grasp_frames_as_they_are() -> None:
    grasps = some_grasps(5)
    message = pose_array(grasps, header())
    assert message.header.frame_id == "world" and message.header.stamp.sec == 9
    np.testing.assert_allclose([matrix_from_pose(pose) for pose in message.poses], grasps.poses, atol=1e-14)


def corners(marker: Any) -> np.ndarray:
    points = np.array([[point.x, point.y, point.z] for point in marker.points])
    return transform_points(matrix_from_pose(marker.pose), points)


def test_markers_fill_the_grippers_boxes() -> None:
    """Each box of the gripper's description: its corners are there, and its surface is closed and of its area."""
    grasps = some_grasps(6)
    removing, *markers = grasp_markers(grasps, header(), limit=4).markers
    assert removing.action == Marker.DELETEALL and len(markers) == 4
    assert [marker.id for marker in markers] == [0, 1, 2, 3]
    best = grasps.top(4)
    for marker, pose, width_m in zip(markers, best.poses, best.widths_m, strict=True):
        assert marker.type == Marker.TRIANGLE_LIST and marker.scale.x == marker.scale.y == marker.scale.z == 1.0
        triangles = (corners(marker) - pose[:3, 3]) @ pose[:3, :3]
        for (lower, upper), of_box in zip(
            PANDA_HAND.boxes(round(width_m, 3)), triangles.reshape(5, 12, 3, 3), strict=True
        ):
            np.testing.assert_allclose(of_box.min(axis=(0, 1)), lower, atol=1e-9)
            np.testing.assert_allclose(of_box.max(axis=(0, 1)), upper, atol=1e-9)
            outwards = np.cross(of_box[:, 1] - of_box[:, 0], of_box[:, 2] - of_box[:, 0])
            x, y, z = upper - lower
            assert np.linalg.norm(outwards, axis=1).sum() / 2 == pytest.approx(2 * (x * y + y * z + z * x))
            assert np.einsum("ij,ij->", of_box[:, 0], outwards) / 6 == pytest.approx(x * y * z)


def test_the_best_is_green_and_the_worst_red() -> None:
    grasps = some_grasps(3)
    markers = grasp_markers(grasps, header()).markers[1:]
    assert (markers[0].color.g, markers[0].color.r) == (1.0, 0.0)
    assert (markers[2].color.g, markers[2].color.r) == (0.0, 1.0)
    assert markers[0].lifetime.sec == 2 and markers[0].header.frame_id == "world"
    (_, alone) = grasp_markers(grasps[0], header()).markers
    assert alone.color.g == 1.0


def test_no_grasps_still_remove_the_old_markers() -> None:
    message = grasp_markers(Grasps(), header())
    assert [marker.action for marker in message.markers] == [Marker.DELETEALL]
    assert serialize_message(message)


def test_another_gripper_looks_different() -> None:
    wide = GripperSpec(name="wide", max_width_m=0.2)
    grasps = Grasps(poses=np.eye(4)[None], widths_m=[0.15], scores=[1.0])
    (_, panda), (_, other) = (grasp_markers(grasps, header(), gripper=g).markers for g in (PANDA_HAND, wide))
    assert corners(panda)[:, 1].max() < 0.11 and corners(other)[:12, 1].min() == pytest.approx(0.075)
