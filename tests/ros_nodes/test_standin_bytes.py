"""What the nodes rely on in serialised messages; these tests hold for a real rclpy, too."""

from __future__ import annotations

from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from tests.ros_nodes.cdr import Cdr


def test_bytes_may_be_longer_than_their_message(ros):
    """What is sent ends with a gap of 3 bytes at most; `serialize_message` may add more (Fast DDS does, here by 8)."""
    message = JointState(name=["elbow"], position=[0.5])
    true = Cdr().header(0, 0, "").put("I", 1).text("elbow").array("d", [0.5]).array("d", []).array("d", []).data
    node, sent = ros.node("listener"), []
    node.create_subscription(JointState, "joints", sent.append, 10, raw=True)
    publisher = node.create_publisher(JointState, "joints", 10)
    assert ros.wait_until(lambda: publisher.get_subscription_count() == 1)
    publisher.publish(message)
    assert ros.wait_until(lambda: sent)
    assert len(true) <= len(sent[0]) <= len(true) + 3
    made = serialize_message(message)
    assert len(made) >= len(true) and (len(made) > len(sent[0]) or not ros.standin)
    for data in (made, sent[0], true + b"\xab" * 8):
        assert deserialize_message(data, JointState) == message


def test_what_another_process_sends_is_filled_up_to_four_bytes(ros):
    node, sent = ros.node("listener"), []
    node.create_subscription(String, "words", sent.append, 10, raw=True)
    publisher = node.create_publisher(String, "words", 10)
    assert ros.wait_until(lambda: publisher.get_subscription_count() == 1)
    publisher.publish(String(data="hello"))
    assert ros.wait_until(lambda: sent)
    assert sent[0] in (serialize_message(String(data="hello")) + bytes(gap) for gap in range(4))
    assert len(sent[0]) % 4 == 0 or not ros.standin, "all nodes of the stand-in are as if in processes of their own"
