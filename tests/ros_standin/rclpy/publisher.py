"""rclpy.publisher."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from rclpy._rclpy_pybind11 import RCLError
from rclpy.bus import type_name
from rclpy.duration import Duration
from rclpy.entity import refuse_destroyed
from rclpy.qos import DurabilityPolicy, QoSProfile, incompatible_policy

from tests.ros_standin.messages import serialize


class Publisher:
    """Serialises at once, so that nothing is shared with who receives it."""

    def __init__(self, node: Any, msg_type: type, topic: str, qos_profile: QoSProfile) -> None:
        self._context, self._logger = node.context, node.get_logger()
        self.msg_type, self.topic, self.qos_profile = msg_type, topic, qos_profile
        self.type_name, self.node_name = type_name(msg_type), node.get_fully_qualified_name()
        self.destroyed = False
        self._count = 0
        self.matched: tuple[Any, ...] = ()
        latched = qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
        self._kept: deque[Any] | None = deque(maxlen=qos_profile.kept) if latched else None
        self._domain = self._context.domain
        with self._domain.locked():
            self._domain.add("publisher", topic, self)
            for subscription in self._domain.find("subscription", topic):
                self.match(subscription)

    @property
    def topic_name(self) -> str:
        refuse_destroyed(self.destroyed)
        return self.topic

    @property
    def logger_name(self) -> str:
        return self._logger.name

    def match(self, subscription: Any) -> None:
        """Connect to a subscription of this topic, or say why not."""
        if subscription.type_name != self.type_name:
            return
        policy = incompatible_policy(self.qos_profile, subscription.qos_profile)
        if policy:
            self._logger.warning(
                f"New subscription discovered on topic '{self.topic}', requesting incompatible QoS. "
                f"No messages will be sent to it. Last incompatible policy: {policy}"
            )
            subscription.warn_incompatible(policy)
            return
        self.matched = (*self.matched, subscription)
        if self._kept is not None and subscription.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL:
            for data, info in self._kept:
                subscription.offer(data, info)

    def unmatch(self, subscription: Any) -> None:
        self.matched = tuple(one for one in self.matched if one is not subscription)

    def publish(self, msg: Any) -> None:
        refuse_destroyed(self.destroyed)
        if not isinstance(msg, (self.msg_type, bytes)):
            raise TypeError(f"Expected {self.msg_type}, got {type(msg)}")
        if not self._context.ok():
            raise RCLError("Failed to publish: publisher's context is invalid")
        data = msg if isinstance(msg, bytes) else serialize(msg)
        with self._domain.locked():
            self._count += 1
            info = {"source_timestamp": time.time_ns(), "publication_sequence_number": self._count}
            if self._kept is not None:
                self._kept.append((data, info))
            receivers = self.matched
        for subscription in receivers:
            subscription.offer(data, info)

    def get_subscription_count(self) -> int:
        refuse_destroyed(self.destroyed)
        return len(self.matched)

    def assert_liveliness(self) -> None:
        """Alive as long as it is here."""

    def wait_for_all_acked(self, timeout: Duration | None = None) -> bool:
        return True

    def destroy(self) -> None:
        with self._domain.locked():
            self.destroyed = True
            self._domain.remove("publisher", self.topic, self)
            self.matched, self._kept = (), None

    def __enter__(self) -> Publisher:
        return self

    def __exit__(self, *_: object) -> None:
        self.destroy()
