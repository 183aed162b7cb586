"""The lines of a node's logger as messages on /rosout.

Not a module of the real rclpy, where rcl does this.
"""

from __future__ import annotations

from typing import Any

from rcl_interfaces.msg import Log
from rclpy.qos import DurabilityPolicy, QoSProfile


class Rosout:
    """Publishes for one node."""

    def __init__(self, node: Any) -> None:
        self._context, self._clock = node.context, node.get_clock()
        qos = QoSProfile(depth=1000, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._publisher = node.create_publisher(Log, "/rosout", qos)

    def publish(self, name: str, severity: int, message: str) -> None:
        """Silent once the node or its context is gone, when lines still go to stderr."""
        if self._context.ok() and not self._publisher.destroyed:
            stamp = self._clock.now().to_msg()
            self._publisher.publish(Log(stamp=stamp, level=int(severity), name=name, msg=message))
