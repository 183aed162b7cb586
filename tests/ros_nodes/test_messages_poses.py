"""Poses, transforms and stamps against bytes written by hand and turns worked out by hand."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Pose, PoseStamped, Transform
from rclpy.serialization import deserialize_message, serialize_message
from rclpy.time import Time as RclpyTime
from scipy.spatial.transform import Rotation
from std_msgs.msg import Header

from geometry import InputError
from ros_nodes.messages.poses import (
    matrix_from_pose,
    matrix_from_transform,
    pose_from_matrix,
    stamped_transform,
    transform_from_matrix,
)
from ros_nodes.messages.stamps import duration_of, header_at, nanoseconds_of, seconds_of, stamp_of
from tests.ros_nodes.cdr import HEADER, STORE, Cdr

QUARTER = np.array([[0.0, -1.0, 0.0, 1.0], [1.0, 0.0, 0.0, -2.0], [0.0, 0.0, 1.0, 0.5], [0.0, 0.0, 0.0, 1.0]])
"""A quarter turn about z, which takes x to y, and an offset."""
SEVEN = (1.0, -2.0, 0.5, 0.0, 0.0, np.sqrt(0.5), np.sqrt(0.5))
WRITTEN = HEADER + struct.pack("<7d", *SEVEN)


@pytest.mark.parametrize(
    ("kind", "name", "read"),
    [(Pose, "Pose", matrix_from_pose), (Transform, "Transform", matrix_from_transform)],
)
def test_reading_seven_numbers(kind: Any, name: str, read: Any) -> None:
    for message in (deserialize_message(WRITTEN, kind), STORE.deserialize_cdr(WRITTEN, f"geometry_msgs/msg/{name}")):
        np.testing.assert_allclose(read(message), QUARTER, atol=1e-15)


@pytest.mark.parametrize("make", [pose_from_matrix, transform_from_matrix])
def test_writing_seven_numbers(make: Any) -> None:
    body = serialize_message(make(QUARTER))[4:]
    np.testing.assert_allclose(struct.unpack("<7d", body[:56]), SEVEN, atol=1e-15)


def test_a_transform_for_tf() -> None:
    header = Header(frame_id="base")
    header.stamp.sec = 3
    sent = stamped_transform(np.eye(4), header, "camera")
    expected = Cdr().header(3, 0, "base").text("camera").put("d" * 7, 0, 0, 0, 0, 0, 0, 1)
    assert expected.matches(sent)


def test_stamped_messages_are_taken_too() -> None:
    message = PoseStamped(pose=pose_from_matrix(QUARTER))
    np.testing.assert_allclose(matrix_from_pose(message), QUARTER, atol=1e-15)
    stamped = stamped_transform(QUARTER, Header(), "camera")
    np.testing.assert_allclose(matrix_from_transform(stamped), QUARTER, atol=1e-15)


def test_there_and_back() -> None:
    rng = np.random.default_rng(0)
    for rotation in (*Rotation.random(20, random_state=0), Rotation.from_euler("y", np.pi)):
        T = np.eye(4)
        T[:3, :3], T[:3, 3] = rotation.as_matrix(), rng.normal(size=3)
        np.testing.assert_allclose(matrix_from_pose(pose_from_matrix(T)), T, atol=1e-14)


def pose(x: float, quat_xyzw: tuple[float, ...]) -> Any:
    names = ("x", "y", "z", "w")
    return SimpleNamespace(
        position=SimpleNamespace(x=x, y=0.0, z=0.0),
        orientation=SimpleNamespace(**dict(zip(names, quat_xyzw, strict=True))),
    )


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (pose(0.0, (0.0, 0.0, 0.0, 0.0)), "a quaternion of length 1, got length 0 ([0.0, 0.0, 0.0, 0.0]); normalise"),
        (pose(0.0, (0.0, 0.0, 1.0, 1.0)), "got length 1.414"),
        (pose(float("nan"), (0.0, 0.0, 0.0, 1.0)), "expected finite numbers, got [nan, 0.0, 0.0]"),
        (pose(0.0, (0.0, 0.0, 0.0, float("inf"))), "expected finite numbers"),
    ],
)
def test_bad_poses_are_told_in_one_line(message: Any, said: str) -> None:
    with pytest.raises(InputError) as caught:
        matrix_from_pose(message)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_quaternion_rounded_by_its_sender_is_taken() -> None:
    rounded = matrix_from_pose(pose(0.0, (0.0, 0.0, 0.7071, 0.7071)))
    np.testing.assert_allclose(rounded[:3, :3], QUARTER[:3, :3], atol=1e-12)


def test_bad_matrices() -> None:
    for T in (np.eye(3), np.full((4, 4), np.nan)):
        with pytest.raises(InputError, match=r"a finite \(4, 4\) transform"):
            pose_from_matrix(T)


def test_stamps_to_the_nanosecond() -> None:
    message = Time(sec=1_700_000_000, nanosec=123_456_789)
    assert nanoseconds_of(message) == 1_700_000_000_123_456_789
    assert header_at(1_700_000_000_123_456_789, "world").stamp == message
    assert nanoseconds_of(RclpyTime(nanoseconds=17)) == 17
    assert seconds_of(Time(sec=2, nanosec=250_000_000)) == 2.25
    assert seconds_of(duration_of(-0.25)) == -0.25
    read = STORE.deserialize_cdr(HEADER + struct.pack("<iI", 7, 500_000_000), "builtin_interfaces/msg/Time")
    assert seconds_of(read) == 7.5


@pytest.mark.parametrize(
    ("seconds", "sec", "nanosec"),
    [(0.0, 0, 0), (1.5, 1, 500_000_000), (-0.25, -1, 750_000_000), (2.9999999999, 3, 0), (1e-9, 0, 1)],
)
def test_seconds_to_stamps(seconds: float, sec: int, nanosec: int) -> None:
    assert (stamp_of(seconds).sec, stamp_of(seconds).nanosec) == (sec, nanosec)
    assert serialize_message(duration_of(seconds))[4:12] == struct.pack("<iI", sec, nanosec)


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), 3e9, -3e9])
def test_no_stamp(seconds: float) -> None:
    with pytest.raises(InputError, match="finite seconds"):
        stamp_of(seconds)
