"""A goal on the server's side: its state, and which changes of it are legal.

The real rclpy has this in action/server.py.
"""

from __future__ import annotations

import threading
from enum import Enum
from typing import Any

from action_msgs.msg import GoalStatus
from rclpy._rclpy_pybind11 import RCLError
from rclpy.task import Future


class GoalEvent(Enum):
    EXECUTE = 1
    CANCEL_GOAL = 2
    SUCCEED = 3
    ABORT = 4
    CANCELED = 5


_ACCEPTED, _EXECUTING = GoalStatus.STATUS_ACCEPTED, GoalStatus.STATUS_EXECUTING
_CANCELING = GoalStatus.STATUS_CANCELING
ACTIVE = (_ACCEPTED, _EXECUTING, _CANCELING)
_NEXT = {
    (_ACCEPTED, GoalEvent.EXECUTE): _EXECUTING,
    (_ACCEPTED, GoalEvent.CANCEL_GOAL): _CANCELING,
    (_EXECUTING, GoalEvent.CANCEL_GOAL): _CANCELING,
    (_EXECUTING, GoalEvent.SUCCEED): GoalStatus.STATUS_SUCCEEDED,
    (_EXECUTING, GoalEvent.ABORT): GoalStatus.STATUS_ABORTED,
    (_CANCELING, GoalEvent.SUCCEED): GoalStatus.STATUS_SUCCEEDED,
    (_CANCELING, GoalEvent.ABORT): GoalStatus.STATUS_ABORTED,
    (_CANCELING, GoalEvent.CANCELED): GoalStatus.STATUS_CANCELED,
}


class ServerGoalHandle:
    """What the callbacks of an action server get."""

    def __init__(self, action_server: Any, goal_info: Any, goal_request: Any) -> None:
        self._action_server, self.goal_info, self._goal_request = action_server, goal_info, goal_request
        self._lock = threading.Lock()
        self._status = _ACCEPTED
        self._destroyed = False
        self.result_future = Future()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ServerGoalHandle) and bytes(self.goal_id.uuid) == bytes(other.goal_id.uuid)

    __hash__ = object.__hash__

    @property
    def request(self) -> Any:
        return self._goal_request

    @property
    def goal_id(self) -> Any:
        return self.goal_info.goal_id

    @property
    def status(self) -> int:
        return GoalStatus.STATUS_UNKNOWN if self._destroyed else self._status

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE

    @property
    def is_cancel_requested(self) -> bool:
        return self.status == _CANCELING

    def update(self, event: GoalEvent) -> None:
        """Change the state; RCLError for a change that is not legal."""
        with self._lock:
            if self._destroyed:
                return
            after = _NEXT.get((self._status, event))
            if after is None:
                raise RCLError(
                    "Failed to update goal state: goal_handle attempted invalid transition from state "
                    f"{self._status} with event {event.name}"
                )
            self._status = after
        self._action_server.publish_status()

    def execute(self, execute_callback: Any = None) -> None:
        if not self.is_cancel_requested:
            self.update(GoalEvent.EXECUTE)
        self._action_server.notify_execute(self, execute_callback)

    def publish_feedback(self, feedback: Any) -> None:
        if not isinstance(feedback, self._action_server.action_type.Feedback):
            raise TypeError()
        if not self._destroyed:
            self._action_server.publish_feedback(self.goal_id, feedback)

    def succeed(self) -> None:
        self.update(GoalEvent.SUCCEED)

    def abort(self) -> None:
        self.update(GoalEvent.ABORT)

    def canceled(self) -> None:
        self.update(GoalEvent.CANCELED)

    def destroy(self) -> None:
        self._destroyed = True
