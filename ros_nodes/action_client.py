"""`ActionClient`: rclpy's, which loses no answer."""

from __future__ import annotations

import threading
from typing import Any

import rclpy.action


class ActionClient(rclpy.action.ActionClient):
    """rclpy's action client, for executors with more than one thread.

    rclpy 7.1 sends a question first and notes only then that it waits for the answer. Where another thread takes the
    answer in between, it is thrown away ("Ignoring unexpected goal response") and the future is never done: to a guard
    the controller seems dead, while the arm moves. Here answers wait until what is being asked has been noted. Later
    releases do so themselves; then this does no harm.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        self._asking = threading.Lock()
        super().__init__(*args, **options)

    def send_goal_async(self, *args: Any, **options: Any) -> Any:
        """Send a goal; the future of its handle."""
        with self._asking:
            return super().send_goal_async(*args, **options)

    def _cancel_goal_async(self, goal_handle: Any) -> Any:
        with self._asking:
            return super()._cancel_goal_async(goal_handle)

    def _get_result_async(self, goal_handle: Any) -> Any:
        with self._asking:
            return super()._get_result_async(goal_handle)

    async def execute(self, taken_data: Any) -> None:
        """Hand out what has come."""
        with self._asking:
            pass
        await super().execute(taken_data)
