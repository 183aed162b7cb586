"""rclpy.guard_condition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.entity import Entity, await_or_execute


class GuardCondition(Entity):
    """Calls back after each `trigger`."""

    def __init__(self, node: Any, callback: Callable[[], Any], callback_group: Any) -> None:
        super().__init__(node, callback_group)
        self.callback = callback
        self._triggered = False

    def trigger(self) -> None:
        self._triggered = True
        self.wake()

    def is_ready(self) -> bool:
        return self._triggered

    def take(self) -> bool | None:
        taken, self._triggered = self._triggered, False
        return taken or None

    async def run(self, taken: Any) -> None:
        await await_or_execute(self.callback)

    def destroy(self) -> None:
        self._triggered = False
