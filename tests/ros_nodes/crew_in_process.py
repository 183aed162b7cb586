"""Nodes in the test's own process: for the stand-in, which knows no other."""

from __future__ import annotations

import traceback
from typing import Any
from weakref import WeakSet

from rclpy.action import ActionServer
from rclpy.action.client import ClientGoalHandle
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.task import Future

from geometry import InputError
from tests.ros_nodes.hurts import add_hurts
from tests.ros_nodes.session import RosSession
from tests.ros_standin.launching import PlannedNode, node_class


class CrewInProcess:
    """Starts and ends nodes in the session's context.

    Args:
        ros: the session.
    """

    def __init__(self, ros: RosSession) -> None:
        self._ros = ros
        self._running: dict[str, Any] = {}

    def start(self, planned: PlannedNode, parameters: dict[str, Any]) -> str:
        """Start a node; empty, or why it does not start."""
        overrides = [
            Parameter(name, value=list(value) if isinstance(value, tuple) else value)
            for name, value in parameters.items()
        ]
        kind = node_class(planned.executable)
        try:
            node = self._ros.start(kind, cli_args=planned.cli_args(), parameter_overrides=overrides)
        except InputError as error:
            _free_half_made(kind, error)
            return str(error)
        add_hurts(node)
        self._running[planned.executable] = node
        return ""

    def stop(self, name: str) -> None:
        """End a node as SIGINT does."""
        node = self._running.pop(name)
        getattr(node, "wind_down", lambda: None)()
        self._ros.stop(node)

    def kill(self, name: str) -> None:
        """End a node as SIGKILL does: nothing more that it says is heard."""
        node = self._running.pop(name)
        _mute(node)
        self._ros.stop(node)

    def close(self) -> None:
        """The session ends them."""
        self._running.clear()


def _free_half_made(kind: type, error: InputError) -> None:
    """What the end of its process does for a node that did not start."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        made = frame.f_locals.get("self")
        if isinstance(made, kind):
            Node.destroy_node(made)
            return


def _mute(node: Any) -> None:
    """Cut a node's wires: its topics, answers, cancels and results reach nobody any more."""
    _dead_nodes.add(node)
    if hasattr(node, "_wishes"):
        node._wishes.refuse_all = _to_nobody
    for publisher in list(node.publishers):
        publisher.publish = _to_nobody
    for service in list(node.services):
        service.send_response = _to_nobody
    for server in vars(node).values():
        if isinstance(server, ActionServer):
            handles = getattr(server, "_goal_handles", None) or getattr(server, "_handles", {})
            for handle in handles.values():
                future = getattr(handle, "_result_future", None) or handle.result_future
                future.set_result = _to_nobody


def _to_nobody(*_: Any) -> None:
    """What a dead process says."""


_dead_nodes: WeakSet[Any] = WeakSet()
_alive_cancel = ClientGoalHandle.cancel_goal_async


def _cancel_unless_dead(handle: Any) -> Any:
    client = handle._action_client
    owner = client.node if hasattr(client, "node") else client._node
    return Future() if owner in _dead_nodes else _alive_cancel(handle)


ClientGoalHandle.cancel_goal_async = _cancel_unless_dead
