"""The stand-in's tf2 against matrices and scipy's rotations; listener and broadcasters also on a real ROS."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp

pytest.importorskip("rosbags")

from tests.ros_standin.messages import message_modules
from tests.ros_standin.tf2 import tf2_modules

TF2 = tf2_modules()["tf2_ros"]
TransformStamped = message_modules()["geometry_msgs.msg"].TransformStamped
WORDING = "Lookup would require extrapolation into the"


def random_pose(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    T = np.eye(4)
    T[:3, :3] = Rotation.from_quat(rng.normal(size=4)).as_matrix()
    T[:3, 3] = rng.normal(size=3)
    return T


def stamped(parent: str, child: str, time_s: float, T: np.ndarray, kind=TransformStamped):
    message = kind()
    message.header.frame_id, message.child_frame_id = parent, child
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(round(time_s * 1e9), 10**9)
    rotation, translation = message.transform.rotation, message.transform.translation
    rotation.x, rotation.y, rotation.z, rotation.w = Rotation.from_matrix(T[:3, :3]).as_quat().tolist()
    translation.x, translation.y, translation.z = T[:3, 3].tolist()
    return message


def matrix(message) -> np.ndarray:
    rotation, translation = message.transform.rotation, message.transform.translation
    T = np.eye(4)
    T[:3, :3] = Rotation.from_quat([rotation.x, rotation.y, rotation.z, rotation.w]).as_matrix()
    T[:3, 3] = translation.x, translation.y, translation.z
    return T


def at(time_s: float) -> SimpleNamespace:
    """What of a rclpy Time counts."""
    return SimpleNamespace(nanoseconds=round(time_s * 1e9))


def seconds(stamp) -> float:
    return stamp.sec + stamp.nanosec * 1e-9


WORLD_ARM = random_pose(1), random_pose(2)
WORLD_DESK, DESK_CUP, ARM_HAND = random_pose(3), random_pose(4), random_pose(5)


@pytest.fixture
def buffer():
    """World -> arm (1 s, 3 s) -> hand (static), world -> desk (1 s, 2 s) -> cup (static), and a tree of its own."""
    tree = TF2.Buffer()
    tree.set_transform(stamped("world", "arm", 3.0, WORLD_ARM[1]), "test")
    tree.set_transform(stamped("world", "arm", 1.0, WORLD_ARM[0]), "test")
    for time_s in (1.0, 2.0):
        tree.set_transform(stamped("world", "desk", time_s, WORLD_DESK), "test")
    tree.set_transform_static(stamped("desk", "cup", 7.0, DESK_CUP), "test")
    tree.set_transform_static(stamped("arm", "hand", 0.0, ARM_HAND), "test")
    tree.set_transform(stamped("moon", "rover", 1.0, np.eye(4)), "test")
    return tree


def world_arm(ratio: float) -> np.ndarray:
    T = np.eye(4)
    turns = Slerp([0.0, 1.0], Rotation.from_matrix([T_arm[:3, :3] for T_arm in WORLD_ARM]))
    T[:3, :3] = turns(ratio).as_matrix()
    T[:3, 3] = (1 - ratio) * WORLD_ARM[0][:3, 3] + ratio * WORLD_ARM[1][:3, 3]
    return T


def test_lookup_walks_through_the_common_ancestor_and_interpolates(buffer):
    for time_s in (1.0, 1.2, 1.999, 2.0):
        T_world_arm = world_arm((time_s - 1.0) / 2.0)
        T_world_cup = WORLD_DESK @ DESK_CUP
        for target, source, expected in (
            ("world", "arm", T_world_arm),
            ("hand", "world", np.linalg.inv(T_world_arm @ ARM_HAND)),
            ("hand", "cup", np.linalg.inv(T_world_arm @ ARM_HAND) @ T_world_cup),
            ("cup", "hand", np.linalg.inv(T_world_cup) @ T_world_arm @ ARM_HAND),
            ("cup", "cup", np.eye(4)),
        ):
            found = buffer.lookup_transform(target, source, at(time_s))
            np.testing.assert_allclose(matrix(found), expected, atol=1e-12)
            assert (found.header.frame_id, found.child_frame_id) == (target, source)
            assert seconds(found.header.stamp) == pytest.approx(time_s, abs=1e-9)


def test_interpolation_takes_the_shorter_way_round(buffer):
    other = stamped("world", "arm", 3.0, WORLD_ARM[1])
    rotation = other.transform.rotation
    rotation.x, rotation.y, rotation.z, rotation.w = -rotation.x, -rotation.y, -rotation.z, -rotation.w
    negated = TF2.Buffer()
    for message in (stamped("world", "arm", 1.0, WORLD_ARM[0]), other):
        negated.set_transform(message, "test")
    for tree in (buffer, negated):
        np.testing.assert_allclose(matrix(tree.lookup_transform("world", "arm", at(1.4))), world_arm(0.2), atol=1e-12)


def test_time_zero_is_the_latest_common_time(buffer):
    found = buffer.lookup_transform("hand", "cup", at(0.0))
    assert seconds(found.header.stamp) == 2.0
    np.testing.assert_allclose(
        matrix(found), np.linalg.inv(world_arm(0.5) @ ARM_HAND) @ WORLD_DESK @ DESK_CUP, atol=1e-12
    )
    assert seconds(buffer.lookup_transform("world", "hand", at(0.0)).header.stamp) == 3.0
    assert seconds(buffer.lookup_transform("desk", "cup", at(0.0)).header.stamp) == 0.0
    np.testing.assert_allclose(matrix(buffer.lookup_transform("desk", "cup", at(99.0))), DESK_CUP, atol=1e-12)


@pytest.mark.parametrize(
    ("target", "source", "time_s", "kind", "wording"),
    [
        ("cup", "hand", 2.5, "Extrapolation", f"{WORDING} future.  Requested time 2.500000 but the latest data is at"),
        (
            "world",
            "hand",
            3.5,
            "Extrapolation",
            r"time 3.000000, when looking up .* from frame \[hand\] to .* \[world\]",
        ),
        ("cup", "hand", 0.5, "Extrapolation", f"{WORDING} past.  Requested time 0.500000 but the earliest data is at"),
        ("moon", "rover", 2.0, "Extrapolation", "at time 2.000000, but only time 1.000000 is in the buffer"),
        ("world", "spoon", 1.0, "Lookup", '"spoon" passed to lookupTransform argument source_frame does not exist. '),
        ("spoon", "world", 0.0, "Lookup", '"spoon" passed to lookupTransform argument target_frame does not exist. '),
        ("rover", "cup", 0.0, "Connectivity", "between 'rover' and 'cup' because they are not part of the same tree"),
        ("rover", "cup", 1.0, "Connectivity", "Tf has two or more unconnected trees"),
        ("", "cup", 1.0, "InvalidArgument", "argument target_frame - in tf2 frame_ids cannot be empty"),
        ("cup", "/hand", 1.0, "InvalidArgument", "Invalid argument \"/hand\" .* cannot start with a '/'"),
    ],
)
def test_what_cannot_be_answered(buffer, target, source, time_s, kind, wording):
    with pytest.raises(TF2.TransformException, match=wording) as problem:
        buffer.lookup_transform(target, source, at(time_s))
    assert type(problem.value) is getattr(TF2, f"{kind}Exception")
    possible, why = buffer.can_transform(target, source, at(time_s), return_debug_tuple=True)
    assert not possible and why
    assert not buffer.can_transform(target, source, at(time_s))


def test_times_may_be_messages_and_nothing_else(buffer):
    stamp = buffer.lookup_transform("hand", "cup", at(1.5)).header.stamp
    assert buffer.lookup_transform("hand", "cup", stamp) == buffer.lookup_transform("hand", "cup", at(1.5))
    with pytest.raises(TypeError, match="time must have"):
        buffer.lookup_transform("hand", "cup", 1.5)


def test_two_times_by_way_of_a_fixed_frame(buffer):
    found = buffer.lookup_transform_full("arm", at(2.0), "arm", at(1.0), "world")
    np.testing.assert_allclose(matrix(found), np.linalg.inv(world_arm(0.5)) @ WORLD_ARM[0], atol=1e-12)


def test_clear_forgets_all_but_static(buffer):
    buffer.clear()
    assert buffer.can_transform("desk", "cup", at(1.0))
    assert not buffer.can_transform("world", "desk", at(1.0))
    buffer.set_transform(stamped("world", "desk", 0.5, WORLD_DESK), "test")  # before what was there
    assert buffer.can_transform("world", "cup", at(0.5))


def test_the_cache_is_as_long_as_it_was_told():
    short = TF2.Buffer(cache_time=at(2.0))
    for time_s in (1.0, 2.0, 3.5):
        short.set_transform(stamped("world", "arm", time_s, WORLD_ARM[0]), "test")
    assert not short.can_transform("world", "arm", at(1.5))
    assert short.can_transform("world", "arm", at(2.0))
    short.set_transform(stamped("world", "arm", 1.4, WORLD_ARM[0]), "test")
    assert not short.can_transform("world", "arm", at(1.7))


@pytest.mark.parametrize("spoil", ["quaternion", "nan", "self", "parent"])
def test_nonsense_is_ignored(spoil):
    tree = TF2.Buffer()
    message = stamped("world", "arm", 1.0, WORLD_ARM[0])
    if spoil == "quaternion":
        message.transform.rotation.w += 0.5
    elif spoil == "nan":
        message.transform.translation.x = float("nan")
    else:
        message.header.frame_id = "arm" if spoil == "self" else ""
    tree.set_transform(message, "test")
    assert not tree.can_transform("world", "arm", at(0.0))


def test_a_loop_is_an_error_and_not_an_endless_one():
    tree = TF2.Buffer()
    for parent, child in (("a", "b"), ("b", "c"), ("c", "a")):
        tree.set_transform_static(stamped(parent, child, 0.0, np.eye(4)), "test")
    tree.set_transform_static(stamped("d", "e", 0.0, np.eye(4)), "test")
    for time_s in (0.0, 1.0):
        for target, source in (("e", "a"), ("a", "e")):
            with pytest.raises(TF2.LookupException, match="contains a loop"):
                tree.lookup_transform(target, source, at(time_s))


def test_a_frame_with_a_new_parent(buffer):
    buffer.set_transform(stamped("desk", "arm", 4.0, WORLD_ARM[0]), "test")
    np.testing.assert_allclose(matrix(buffer.lookup_transform("world", "arm", at(3.5))), WORLD_ARM[1], atol=1e-12)
    np.testing.assert_allclose(matrix(buffer.lookup_transform("desk", "arm", at(4.0))), WORLD_ARM[0], atol=1e-12)


def test_listener_and_broadcasters(ros):
    """Static transforms reach listeners that come later; a waiting look-up gets what arrives meanwhile."""
    import tf2_ros
    from geometry_msgs.msg import TransformStamped as Message
    from rclpy.duration import Duration
    from rclpy.time import Time

    sender = ros.node("sender")
    fixed = tf2_ros.StaticTransformBroadcaster(sender)
    fixed.sendTransform(
        [stamped("desk", "cup", 0.0, DESK_CUP, Message), stamped("arm", "hand", 0.0, ARM_HAND, Message)]
    )
    moving = tf2_ros.TransformBroadcaster(sender)
    tree = tf2_ros.Buffer()
    listener = tf2_ros.TransformListener(tree, ros.node("listener"))
    assert ros.wait_until(
        lambda: tree.can_transform("cup", "desk", Time()) and tree.can_transform("hand", "arm", Time())
    )
    times_s = iter(range(1, 10_000))

    def send() -> None:
        now_s = 0.1 * next(times_s)
        moving.sendTransform(stamped("world", "arm", now_s, WORLD_ARM[0], Message))
        moving.sendTransform([stamped("world", "desk", now_s, WORLD_DESK, Message)])

    sender.create_timer(0.01, send)
    expected = np.linalg.inv(WORLD_DESK @ DESK_CUP) @ WORLD_ARM[0] @ ARM_HAND
    found = tree.lookup_transform("cup", "hand", Time(seconds=3.0), timeout=Duration(seconds=10.0))
    np.testing.assert_allclose(matrix(found), expected, atol=1e-9)
    with pytest.raises(tf2_ros.LookupException):
        tree.lookup_transform("cup", "spoon", Time(), timeout=Duration(seconds=0.05))
    listener.unregister()


def test_a_buffer_with_a_node_is_cleared_when_its_clock_jumps_back(ros):
    if not ros.standin:
        pytest.skip("tests the stand-in; early patches of Humble and Jazzy do otherwise")
    import tf2_ros
    from geometry_msgs.msg import TransformStamped as Message
    from rclpy.parameter import Parameter
    from rclpy.time import Time
    from rosgraph_msgs.msg import Clock

    node = ros.node("listener", parameter_overrides=[Parameter("use_sim_time", value=True)])
    tree = tf2_ros.Buffer(node=node)
    clock = ros.node("clock").create_publisher(Clock, "/clock", 10)

    def show(time_s: int) -> None:
        message = Clock()
        message.clock.sec = time_s

        def shown() -> bool:
            clock.publish(message)
            return node.get_clock().now().nanoseconds == time_s * 10**9

        assert ros.wait_until(shown)

    show(100)
    tree.set_transform(stamped("world", "arm", 99.0, WORLD_ARM[0], Message), "test")
    show(101)
    assert tree.can_transform("world", "arm", Time())
    show(5)
    assert ros.wait_until(lambda: not tree.can_transform("world", "arm", Time()))
