"""rclpy.service."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from rclpy.bus import type_name
from rclpy.entity import Entity, await_or_execute
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message, serialize_message


class RequestHeader(NamedTuple):
    """Whom to answer."""

    client: Any
    sequence: int


class Service(Entity):
    """Answers requests, one after the other."""

    def __init__(
        self,
        node: Any,
        srv_type: Any,
        srv_name: str,
        callback: Callable[..., Any],
        callback_group: Any,
        qos: QoSProfile,
    ) -> None:
        super().__init__(node, callback_group)
        self.srv_type, self.srv_name, self.callback, self.qos_profile = srv_type, srv_name, callback, qos
        self.type_name, self.node_name = type_name(srv_type), node.get_fully_qualified_name()
        self._queue: deque[tuple[RequestHeader, bytes]] = deque(maxlen=qos.kept)
        self._domain = node.context.domain
        self._domain.add("service", srv_name, self)

    @property
    def service_name(self) -> str:
        return self.srv_name

    def offer(self, header: RequestHeader, data: bytes) -> None:
        self._queue.append((header, data))
        self.wake()

    def is_ready(self) -> bool:
        return bool(self._queue)

    def take(self) -> Any:
        try:
            header, data = self._queue.popleft()
        except IndexError:
            return None
        return header, deserialize_message(data, self.srv_type.Request)

    async def run(self, taken: Any) -> None:
        header, request = taken
        self.send_response(await await_or_execute(self.callback, request, self.srv_type.Response()), header)

    def send_response(self, response: Any, header: RequestHeader) -> None:
        if not isinstance(response, self.srv_type.Response):
            raise TypeError(f"Expected {self.srv_type.Response}, got {type(response)}")
        header.client.offer(header.sequence, serialize_message(response))

    def destroy(self) -> None:
        self._domain.remove("service", self.srv_name, self)
        self._queue.clear()
