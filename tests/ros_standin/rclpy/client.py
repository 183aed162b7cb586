"""rclpy.client."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from typing import Any

from rclpy.bus import type_name
from rclpy.entity import Entity, refuse_destroyed
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message, serialize_message
from rclpy.service import RequestHeader
from rclpy.task import Future


class Client(Entity):
    """Asks a service; the answer arrives while the client's own node is spun."""

    def __init__(self, node: Any, srv_type: Any, srv_name: str, qos_profile: QoSProfile, callback_group: Any) -> None:
        super().__init__(node, callback_group)
        self.srv_type, self.srv_name, self.qos_profile = srv_type, srv_name, qos_profile
        self.type_name, self.node_name = type_name(srv_type), node.get_fully_qualified_name()
        self._context = node.context
        self._domain = self._context.domain
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._pending: dict[int, Future] = {}
        self._answers: deque[tuple[int, bytes]] = deque()
        self._destroyed = False
        self._domain.add("client", srv_name, self)

    @property
    def service_name(self) -> str:
        return self.srv_name

    def _servers(self) -> list[Any]:
        return [one for one in self._domain.find("service", self.srv_name) if one.type_name == self.type_name]

    def service_is_ready(self) -> bool:
        refuse_destroyed(self._destroyed)
        return bool(self._servers())

    def wait_for_service(self, timeout_sec: float | None = None) -> bool:
        with self._domain.changed:
            self._domain.changed.wait_for(lambda: self.service_is_ready() or not self._context.ok(), timeout_sec)
        return self._context.ok() and self.service_is_ready()

    def call_async(self, request: Any) -> Future:
        future = Future()
        with self._lock:
            self._pending[self.send(request)] = future
        future.add_done_callback(self.remove_pending_request)
        return future

    def send(self, request: Any) -> int:
        """Send a request; the number by which its answer will be known."""
        if not isinstance(request, self.srv_type.Request):
            raise TypeError(f"Expected {self.srv_type.Request}, got {type(request)}")
        refuse_destroyed(self._destroyed)
        data = serialize_message(request)
        sequence = next(self._numbers)
        for server in self._servers()[:1]:
            server.offer(RequestHeader(self, sequence), data)
        return sequence

    def expect(self, sequence: int, future: Future) -> Future:
        """Have the answer to a request put into a future."""
        with self._lock:
            self._pending[sequence] = future
        future.add_done_callback(self.remove_pending_request)
        return future

    def call(self, request: Any, timeout_sec: float | None = None) -> Any:
        """Block until the answer is there; some other thread must spin this client's node."""
        done = threading.Event()
        future = self.call_async(request)
        future.when_done(done.set)
        if not done.wait(timeout_sec):
            self.remove_pending_request(future)
            raise TimeoutError()
        return future.result()

    def remove_pending_request(self, future: Future) -> None:
        with self._lock:
            for sequence, known in list(self._pending.items()):
                if known is future:
                    del self._pending[sequence]

    def offer(self, sequence: int, data: bytes) -> None:
        if not self._destroyed:
            self._answers.append((sequence, data))
            self.wake()

    def is_ready(self) -> bool:
        return bool(self._answers)

    def take(self) -> Any:
        try:
            sequence, data = self._answers.popleft()
        except IndexError:
            return None
        return sequence, deserialize_message(data, self.srv_type.Response)

    async def run(self, taken: Any) -> None:
        sequence, response = taken
        with self._lock:
            future = self._pending.get(sequence)
        if future is not None:
            node = self.node
            if node is not None and node.executor is not None:
                future.set_executor(node.executor)
            future.set_result(response)

    def destroy(self) -> None:
        self._destroyed = True
        self._domain.remove("client", self.srv_name, self)
        self._answers.clear()
