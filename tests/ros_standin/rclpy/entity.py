"""What an executor waits for: subscriptions, timers, services, clients, actions and guard conditions.

Not a module of the real rclpy.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from typing import Any

from rclpy._rclpy_pybind11 import InvalidHandle


async def await_or_execute(callback: Callable[..., Any], *args: Any) -> Any:
    """Await a callback if it is a coroutine function, else call it."""
    if inspect.iscoroutinefunction(callback):
        return await callback(*args)
    return callback(*args)


def refuse_destroyed(destroyed: bool) -> None:
    """Raise what rclpy raises where a handle is used after its end."""
    if destroyed:
        raise InvalidHandle("cannot use Destroyable because destruction was requested")


class Entity:
    """One source of callbacks of a node, in a callback group."""

    def __init__(self, node: Any, callback_group: Any) -> None:
        self._node = weakref.ref(node)
        self.callback_group = callback_group
        callback_group.add_entity(self)
        self.scheduled = False
        """Whether an executor has chosen it, but not taken its data yet."""

    @property
    def node(self) -> Any:
        return self._node()

    def wake(self) -> None:
        """Tell the executor that something is there to do."""
        node = self._node()
        executor = None if node is None else node.executor
        if executor is not None:
            executor.wake()

    def is_ready(self) -> bool:
        """Whether there is something to take."""
        raise NotImplementedError

    def take(self) -> Any:
        """Take it; None if another thread was faster."""
        raise NotImplementedError

    async def run(self, taken: Any) -> None:
        """Call the user's callback with it."""
        raise NotImplementedError

    def seconds_left(self) -> float | None:
        """Time until it may become ready without being woken; None for never."""
        return None
