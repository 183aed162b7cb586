"""One goal of an action, watched while it runs, and canceled for sure when the work has to stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from action_msgs.msg import GoalStatus
from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node

from policies import RobotStopped
from ros_nodes.absence import Absence
from ros_nodes.action_client import ActionClient
from ros_nodes.waiting import wait_for, wait_until

Watch = Callable[[], None]
_PERIOD_S = 0.01
_LOOK_S = 0.25
_GONE_S = 1.0


class ActionEnd(NamedTuple):
    """How a goal ended."""

    status: int
    """action_msgs/GoalStatus."""
    result: Any
    """The action's result."""

    @property
    def succeeded(self) -> bool:
        """Whether the server says so."""
        return self.status == GoalStatus.STATUS_SUCCEEDED


class ActionCall:
    """A client for one action. Every method waits by polling: for threads of an executor with more than one.

    `watch` is called every few milliseconds and raises `RobotStopped` to end the wait; the goal is then canceled, and
    the cancel's confirmation awaited.

    Args:
        node: whose executor serves the client.
        action_type: the action's class.
        name: the action's name.
        label: what it is for people, for example "arm controller".
        group: a reentrant callback group.
    """

    def __init__(self, node: Node, action_type: Any, name: str, *, label: str, group: CallbackGroup) -> None:
        self._client = ActionClient(node, action_type, name, callback_group=group)
        self._label, self._name = label, node.resolve_service_name(name)

    @property
    def there(self) -> bool:
        """Whether a server is there."""
        return bool(self._client.server_is_ready())

    def begin(self, goal: Any, *, timeout_s: float, watch: Watch) -> Any:
        """Send a goal.

        Returns:
            rclpy's handle of the accepted goal.
        Raises:
            RobotStopped: if there is no server, no answer within `timeout_s` of the wall clock, or a refusal. A goal
                that is accepted after that is canceled at once.
        """
        self._await_server(timeout_s, watch)
        sent = self._client.send_goal_async(goal)
        try:
            wait_until(sent.done, timeout_s=timeout_s, watch=watch)
            handle = wait_for(sent, timeout_s=0.0)
        except RobotStopped:
            sent.add_done_callback(_cancel_late)
            raise
        if handle is None:
            sent.add_done_callback(_cancel_late)
            raise RobotStopped("communication", f"the {self._label} has not answered for {timeout_s:g} s")
        if not handle.accepted:
            raise RobotStopped("control", f"the {self._label} rejects the goal")
        return handle

    def finish(self, handle: Any, *, timeout_s: float, watch: Watch) -> ActionEnd:
        """Wait for a goal's end.

        Raises:
            RobotStopped: from `watch`, or because the server has gone. The reason says whether the server has
                confirmed, within `timeout_s` of the wall clock, that the goal is over.
        """
        future = handle.get_result_async()
        try:
            self._watch_until_done(future, watch)
        except RobotStopped as stop:
            confirmed = _cancel(handle, future, timeout_s, self._absence().gone)
            how = "has confirmed the stop" if confirmed else "HAS NOT CONFIRMED THE STOP"
            raise RobotStopped(stop.kind, f"{stop.reason}; the {self._label} {how}") from None
        response = future.result()
        if response.status == GoalStatus.STATUS_UNKNOWN:
            raise RobotStopped("communication", f"the {self._label} does not know the goal any more: was it restarted?")
        return ActionEnd(response.status, response.result)

    def close(self) -> None:
        """Free the client."""
        self._client.destroy()

    def _await_server(self, timeout_s: float, watch: Watch) -> None:
        if not wait_until(lambda: self.there, timeout_s=timeout_s, watch=watch):
            raise RobotStopped("communication", f"there is no {self._label}: no action server {self._name}")

    def _absence(self) -> Absence:
        return Absence(lambda: self.there, after_s=_GONE_S, look_s=_LOOK_S)

    def _watch_until_done(self, future: Any, watch: Watch) -> None:
        absence = self._absence()
        while not future.done():
            watch()
            if absence.gone():
                raise RobotStopped("communication", f"the {self._label} has gone in mid-motion")
            time.sleep(_PERIOD_S)


def _cancel(handle: Any, result: Any, timeout_s: float, gone: Callable[[], bool]) -> bool:
    """Whether the goal is known to be over; a server that ends in the same moment, as by Ctrl-C, is not waited for."""
    try:
        handle.cancel_goal_async()
    except RuntimeError:  # of rclpy: the context or the client is gone
        return False
    wait_for(result, timeout_s=timeout_s, until=gone)
    return bool(result.done())


def _cancel_late(sent: Any) -> None:
    if sent.cancelled() or sent.exception() is not None:
        return
    handle = sent.result()
    if handle is not None and handle.accepted:
        handle.cancel_goal_async()
