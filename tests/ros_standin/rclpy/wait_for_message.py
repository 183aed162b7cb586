"""rclpy.wait_for_message."""

from __future__ import annotations

from typing import Any

from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile
from rclpy.task import Future


def wait_for_message(
    msg_type: Any, node: Any, topic: str, *, qos_profile: QoSProfile | int = 1, time_to_wait: float = -1
) -> tuple[bool, Any]:
    """The next message of a topic as (True, message); (False, None) if none comes in time."""
    future = Future()
    subscription = node.create_subscription(msg_type, topic, lambda message: future.set_result(message), qos_profile)
    before = node.executor
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    try:
        executor.spin_until_future_complete(future, time_to_wait)
    finally:
        executor.shutdown()
        node.destroy_subscription(subscription)
        node.executor = before
    return future.done(), future.result()
