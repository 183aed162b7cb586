"""Look-ups in TF at an image's time, against chains worked out by hand, and what is said where there is none."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile
from rosgraph_msgs.msg import Clock
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage

from geometry import transform
from ros_nodes.frames import Frames
from ros_nodes.messages.poses import stamped_transform
from ros_nodes.messages.stamps import stamp_of

if TYPE_CHECKING:
    from tests.ros_nodes.session import RosSession

STATIC = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
TURN = transform(np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), (1.0, 0.0, 0.0))


class Looker(Node):
    def __init__(self, **options: Any) -> None:
        super().__init__("looker", **options)
        self.frames = Frames(self)

    def destroy_node(self) -> None:
        self.frames.close()
        super().destroy_node()


class Sender(Node):
    """Says where things are."""

    def __init__(self, **options: Any) -> None:
        super().__init__("sender", **options)
        self.moving = self.create_publisher(TFMessage, "/tf", 10)
        self.fixed = self.create_publisher(TFMessage, "/tf_static", STATIC)
        self.clock = self.create_publisher(Clock, "/clock", 10)

    def tell(self, parent: str, child: str, T: Any, time_s: float | None = None, turn: float | None = None) -> None:
        header = Header(frame_id=parent, stamp=stamp_of(0.0 if time_s is None else time_s))
        message = stamped_transform(T, header, child)
        if turn is not None:
            message.transform.rotation.w = turn
        (self.fixed if time_s is None else self.moving).publish(TFMessage(transforms=[message]))


@pytest.fixture
def pair(ros: RosSession) -> tuple[Looker, Sender]:
    looker, sender = ros.start(Looker), ros.start(Sender)
    assert ros.wait_until(lambda: sender.moving.get_subscription_count() and sender.fixed.get_subscription_count())
    return looker, sender


def at(x: float) -> Any:
    return transform(translation=(x, 0.0, 0.0))


def test_a_chain_at_the_images_time(pair: tuple[Looker, Sender]) -> None:
    """The hand moves along x at 1 m/s; the camera sits on it; between two messages TF interpolates."""
    looker, sender = pair
    sender.tell("hand", "camera", TURN)
    sender.tell("world", "hand", at(10.0), 10.0)
    sender.tell("world", "hand", at(11.0), 11.0)
    found = looker.frames.lookup("world", "camera", stamp_of(10.25), timeout_s=5.0)
    assert found.problem == ""
    np.testing.assert_allclose(found.T, at(10.25) @ TURN, atol=1e-9)
    back = looker.frames.lookup("camera", "world", stamp_of(10.25), timeout_s=5.0)
    np.testing.assert_allclose(back.T @ found.T, np.eye(4), atol=1e-9)
    newest = looker.frames.lookup("world", "hand", Time(), timeout_s=5.0)
    np.testing.assert_allclose(newest.T, at(11.0), atol=1e-12)


def test_it_waits_for_what_is_on_its_way(pair: tuple[Looker, Sender]) -> None:
    looker, sender = pair
    sender.tell("world", "hand", at(1.0), 10.0)
    later = threading.Timer(0.1, lambda: sender.tell("world", "hand", at(2.0), 11.0))
    later.start()
    found = looker.frames.lookup("world", "hand", stamp_of(10.5), timeout_s=5.0)
    later.join()
    np.testing.assert_allclose(found.T, at(1.5), atol=1e-12)


def problem(looker: Looker, target: str, source: str, time_s: float, timeout_s: float = 0.05) -> str:
    found = looker.frames.lookup(target, source, stamp_of(time_s), timeout_s=timeout_s)
    assert found.T is None and found.problem and "\n" not in found.problem
    return found.problem


def test_what_is_said_where_there_is_no_transform(ros: RosSession, pair: tuple[Looker, Sender]) -> None:
    looker, sender = pair
    line = problem(looker, "world", "nowhere", 10.0)
    assert line.startswith("no transform from 'nowhere' to 'world' at 10.000 s after 0.05 s: ")
    assert "is the camera's pose published" in line
    for time_s in (10.0, 11.0):
        sender.tell("world", "hand", at(0.0), time_s)
    sender.tell("island", "tree", at(0.0))
    assert ros.wait_until(lambda: looker.frames.lookup("island", "tree", Time(), timeout_s=0.0).T is not None)
    assert looker.frames.lookup("world", "hand", stamp_of(11.0), timeout_s=5.0).T is not None
    assert "the image is newer than TF" in problem(looker, "world", "hand", 12.0)
    assert "the image is older than what TF keeps" in problem(looker, "world", "hand", 9.0)
    sender.tell("world", "foot", at(0.0), 10.0)
    assert looker.frames.lookup("world", "foot", stamp_of(10.0), timeout_s=5.0).T is not None
    assert "TF heard of it once only" in problem(looker, "world", "foot", 10.5)
    assert "does the message's frame_id name a frame of the tree" in problem(looker, "world", "tree", 10.5)
    assert "the stamp is -1.500 s" in problem(looker, "world", "hand", -1.5)
    start = time.monotonic()
    assert "not empty" in problem(looker, "world", "", 10.5, timeout_s=30.0)
    assert time.monotonic() - start < 10.0


def test_a_clock_that_jumps_back_makes_it_forget(ros: RosSession) -> None:
    sender = ros.start(Sender)
    looker = ros.start(Looker, parameter_overrides=[Parameter("use_sim_time", value=True)])
    assert ros.wait_until(lambda: all(p.get_subscription_count() for p in (sender.clock, sender.moving, sender.fixed)))

    def clock_at(time_s: float) -> bool:
        sender.clock.publish(Clock(clock=stamp_of(time_s)))
        return ros.wait_until(lambda: looker.get_clock().now().nanoseconds == round(time_s * 1e9))

    assert clock_at(100.0)
    sender.tell("hand", "camera", TURN)
    sender.tell("world", "hand", at(1.0), 100.0)
    assert looker.frames.lookup("world", "camera", stamp_of(100.0), timeout_s=5.0).T is not None
    assert clock_at(100.5) and looker.frames.lookup("world", "camera", Time(), timeout_s=0.0).T is not None
    assert clock_at(5.0)  # which may be read before those are told that asked for jumps
    assert ros.wait_until(lambda: looker.frames.lookup("world", "camera", Time(), timeout_s=0.0).T is None)
    sender.tell("world", "hand", at(2.0), 5.0)
    again = looker.frames.lookup("world", "camera", stamp_of(5.0), timeout_s=5.0)
    np.testing.assert_allclose(again.T, at(2.0) @ TURN, atol=1e-12)


def test_a_stamp_from_the_future_does_not_keep_the_present_out(ros: RosSession) -> None:
    """TF's buffer refuses what is far older than its newest: without forgetting, for as long as that lies ahead."""
    sender = ros.start(Sender)
    looker = ros.start(Looker, parameter_overrides=[Parameter("use_sim_time", value=True)])
    assert ros.wait_until(lambda: all(p.get_subscription_count() for p in (sender.clock, sender.moving, sender.fixed)))
    sender.clock.publish(Clock(clock=stamp_of(100.0)))
    assert ros.wait_until(lambda: looker.get_clock().now().nanoseconds == 100_000_000_000)
    for time_s in (130.0, 131.0):
        sender.tell("world", "hand", at(1.0), time_s)
    assert ros.wait_until(lambda: looker.frames.lookup("world", "hand", stamp_of(131.0), timeout_s=0.0).T is not None)
    line = problem(looker, "world", "hand", 100.0)
    assert "TF is stamped 31.0 s in the future: do its publisher's clock and this machine's agree?" in line
    sender.tell("world", "hand", at(2.0), 100.0)
    again = looker.frames.lookup("world", "hand", stamp_of(100.0), timeout_s=5.0)
    np.testing.assert_allclose(again.T, at(2.0), atol=1e-12)


def test_forgetting_on_request(pair: tuple[Looker, Sender]) -> None:
    looker, sender = pair
    sender.tell("world", "hand", at(1.0), 10.0)
    assert looker.frames.lookup("world", "hand", Time(), timeout_s=5.0).T is not None
    looker.frames.clear()
    assert looker.frames.lookup("world", "hand", Time(), timeout_s=0.0).T is None
