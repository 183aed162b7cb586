"""What the nodes rely on in rclpy: these tests pass on a real rclpy, and so show that the stand-in follows it."""

from __future__ import annotations

from std_msgs.msg import String


def test_message_arrives(ros):
    received = ros.collect(String, "chatter")
    publisher = ros.node("talker").create_publisher(String, "chatter", 10)
    assert ros.wait_until(lambda: publisher.get_subscription_count() == 1)
    publisher.publish(String(data="hello"))
    assert ros.wait_until(lambda: received)
    assert received[0].data == "hello"
