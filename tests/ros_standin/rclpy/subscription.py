"""rclpy.subscription."""

from __future__ import annotations

import inspect
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from rclpy.bus import type_name
from rclpy.entity import Entity, await_or_execute, refuse_destroyed
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message

MessageInfo = dict


def _wants_info(callback: Callable[..., Any]) -> bool:
    signature = inspect.signature(callback)
    for count in (1, 2):
        try:
            signature.bind(*[object()] * count)
        except TypeError:
            continue
        return count == 2
    raise RuntimeError(
        "Subscription.__init__(): callback should be either be callable with one argument "
        "(to get only the message) or two (to get message and message info)"
    )


def _padded(data: bytes) -> bytes:
    """As it comes from another process: RTPS fills up to a multiple of four bytes."""
    return data + bytes(-len(data) % 4)


class Subscription(Entity):
    """A queue of serialised messages; what does not fit pushes the oldest out."""

    def __init__(
        self,
        node: Any,
        msg_type: type,
        topic: str,
        callback: Any,
        callback_group: Any,
        qos_profile: QoSProfile,
        raw: bool,
    ) -> None:
        super().__init__(node, callback_group)
        self.msg_type, self.topic, self.qos_profile, self.raw = msg_type, topic, qos_profile, raw
        self.type_name, self.node_name = type_name(msg_type), node.get_fully_qualified_name()
        self.callback = callback
        self._logger = node.get_logger()
        self._queue: deque[tuple[bytes, dict[str, int]]] = deque(maxlen=qos_profile.kept)
        self._received = 0
        self.destroyed = False
        self._domain = node.context.domain
        with self._domain.locked():
            self._domain.add("subscription", topic, self)
            for publisher in self._domain.find("publisher", topic):
                publisher.match(self)

    @property
    def callback(self) -> Callable[..., Any]:
        return self._callback

    @callback.setter
    def callback(self, value: Callable[..., Any]) -> None:
        self._info_wanted = _wants_info(value)
        self._callback = value

    @property
    def topic_name(self) -> str:
        refuse_destroyed(self.destroyed)
        return self.topic

    def get_publisher_count(self) -> int:
        return sum(
            any(one is self for one in publisher.matched) for publisher in self._domain.find("publisher", self.topic)
        )

    def warn_incompatible(self, policy: str) -> None:
        self._logger.warning(
            f"New publisher discovered on topic '{self.topic}', offering incompatible QoS. "
            f"No messages will be received from it. Last incompatible policy: {policy}"
        )

    def offer(self, data: bytes, info: dict[str, int]) -> None:
        self._queue.append((data, info))
        self.wake()

    def is_ready(self) -> bool:
        return bool(self._queue)

    def take(self) -> Any:
        try:
            data, info = self._queue.popleft()
        except IndexError:
            return None
        self._received += 1
        received = {"received_timestamp": time.time_ns(), "reception_sequence_number": self._received}
        return _padded(data) if self.raw else deserialize_message(data, self.msg_type), {**info, **received}

    async def run(self, taken: Any) -> None:
        await await_or_execute(self._callback, *(taken if self._info_wanted else taken[:1]))

    def destroy(self) -> None:
        with self._domain.locked():
            self.destroyed = True
            self._domain.remove("subscription", self.topic, self)
            for publisher in self._domain.find("publisher", self.topic):
                publisher.unmatch(self)
        self._queue.clear()
