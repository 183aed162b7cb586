"""Joint states and trajectories against bytes written by hand, read with the `rosbags` package's definitions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory

from geometry import InputError
from ros_nodes.messages.joints import carries_joints, joints_of, trajectory_arrays, trajectory_message
from tests.ros_nodes.cdr import STORE, Cdr

NAMES = ("a", "b", "c")


@pytest.fixture(params=["rosbags", "rclpy"])
def read(request: pytest.FixtureRequest) -> Any:
    def reader(cdr: Cdr, kind: Any, name: str) -> Any:
        return (
            deserialize_message(cdr.data, kind) if request.param == "rclpy" else STORE.deserialize_cdr(cdr.data, name)
        )

    return reader


@pytest.fixture
def state(read: Any) -> Any:
    def make(names: Any, q: Any, dq: Any = (), effort: Any = ()) -> Any:
        cdr = Cdr().header(4, 500_000_000, "").put("I", len(names)).text(*names)
        return read(cdr.array("d", q).array("d", dq).array("d", effort), JointState, "sensor_msgs/msg/JointState")

    return make


@pytest.fixture
def trajectory(read: Any) -> Any:
    def make(names: Any, points: Any) -> Any:
        cdr = Cdr().header(0, 0, "").put("I", len(names)).text(*names).put("I", len(points))
        for time_s, q, dq in points:
            sec = int(time_s // 1.0)
            cdr.array("d", q).array("d", dq).array("d", ()).array("d", ())
            cdr.put("iI", sec, round((time_s - sec) * 1e9))
        return read(cdr, JointTrajectory, "trajectory_msgs/msg/JointTrajectory")

    return make


def test_joints_in_the_order_asked_for(state: Any) -> None:
    message = state(["finger", "c", "a", "b"], [9.0, 3.0, 1.0, 2.0], [90.0, 30.0, 10.0, 20.0], [0.9, 0.3, 0.1, 0.2])
    reading = joints_of(message, NAMES)
    assert reading.q.tolist() == [1.0, 2.0, 3.0] and reading.dq.tolist() == [10.0, 20.0, 30.0]
    assert reading.effort.tolist() == [0.1, 0.2, 0.3] and reading.time_s == 4.5


def test_what_is_not_told_is_nan(state: Any) -> None:
    reading = joints_of(state(["a", "b", "c"], [1.0, 2.0, 3.0]), ["b"])
    assert reading.q.tolist() == [2.0] and np.isnan(reading.dq).all() and np.isnan(reading.effort).all()


def test_arm_and_gripper_may_come_apart(state: Any) -> None:
    message = state(["finger"], [0.04])
    assert carries_joints(message, ["finger"]) and not carries_joints(message, NAMES)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ((["a", "b"], [1.0, 2.0]), "joint names: expected ['a', 'b', 'c'], got ['a', 'b']"),
        ((["a", "b", "c"], [1.0, 2.0]), "position: expected 3 numbers, one a joint, got 2"),
        ((["a", "b", "c"], [1.0, 2.0, 3.0], [1.0]), "velocity: expected 3 numbers, one a joint, got 1"),
        (
            (["a", "b", "c"], [1.0, float("nan"), 3.0]),
            "position: expected finite numbers, got {'a': 1.0, 'b': nan, 'c': 3.0}",
        ),
        ((["a", "b", "c"], []), "got 0"),
    ],
)
def test_bad_states_are_told_in_one_line(state: Any, fields: Any, said: str) -> None:
    with pytest.raises(InputError) as caught:
        joints_of(state(*fields), NAMES)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_trajectory_is_sent_as_the_bytes_written_by_hand() -> None:
    q, dq = [[0.1, 0.2], [0.3, 0.4]], [[1.0, 2.0], [0.0, 0.0]]
    expected = Cdr().header(0, 0, "").put("I", 2).text("a", "b").put("I", 2)
    expected.array("d", q[0]).array("d", dq[0]).put("II", 0, 0).put("iI", 0, 0)
    expected.array("d", q[1]).array("d", dq[1]).put("II", 0, 0).put("iI", 1, 250_000_000)
    assert expected.matches(trajectory_message([0.0, 1.25], q, np.array(dq), ["a", "b"]))
    without = Cdr().header(0, 0, "").put("I", 1).text("a").put("I", 1).array("d", [0.5]).put("III", 0, 0, 0)
    without.put("iI", 2, 0)
    assert without.matches(trajectory_message([2.0], [[0.5]], None, ["a"]))


def test_a_trajectory_is_read_in_the_order_asked_for(trajectory: Any) -> None:
    message = trajectory(["b", "a"], [(0.0, [2.0, 1.0], [0.2, 0.1]), (0.5, [4.0, 3.0], [])])
    times_s, q, dq = trajectory_arrays(message, ["a", "b"])
    assert times_s.tolist() == [0.0, 0.5] and q.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert dq[0].tolist() == [0.1, 0.2] and np.isnan(dq[1]).all()


@pytest.mark.parametrize(
    ("names", "points", "said"),
    [
        (["a"], [(0.0, [1.0], [])], "joint names: expected ['a', 'b'], got ['a']"),
        (["a", "b", "c"], [(0.0, [1.0] * 3, [])], "got ['a', 'b', 'c']; use the parameter file"),
        (["a", "a"], [(0.0, [1.0] * 2, [])], "got ['a', 'a']"),
        (["a", "b"], [], "points: expected one point or more, got none"),
        (["a", "b"], [(0.0, [], [])], "positions: expected 2 numbers, one a joint, got 0"),
        (["a", "b"], [(0.0, [1.0, float("inf")], [])], "positions: expected finite numbers"),
        (["a", "b"], [(0.5, [0.0] * 2, []), (0.5, [1.0] * 2, [])], "times from 0 s that increase, got [0.5, 0.5]"),
        (["a", "b"], [(-1.0, [0.0] * 2, [])], "times from 0 s"),
        (["a", "b"], [(1.0, [0.0] * 2, [0.0])], "velocities: expected 2 numbers"),
    ],
)
def test_bad_trajectories_are_told_in_one_line(trajectory: Any, names: Any, points: Any, said: str) -> None:
    with pytest.raises(InputError) as caught:
        trajectory_arrays(trajectory(names, points), ["a", "b"])
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_what_is_no_trajectory_is_not_sent() -> None:
    for q, dq in (([[0.0]], None), ([[0.0, np.nan]], None), ([[0.0, 0.0]], [[0.0]])):
        with pytest.raises(InputError, match=r"\(1, 2\) finite numbers"):
            trajectory_message([0.0], q, dq, ["a", "b"])
