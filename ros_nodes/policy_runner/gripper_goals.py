"""Openings as goals of a gripper action, the newest one only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from control_msgs.action import GripperCommand
from rclpy.node import Node

from ros_nodes.action_client import ActionClient
from ros_nodes.policy_runner.gripper_gate import GripperGate
from ros_nodes.policy_runner.settings import PolicyRunnerSettings


class GripperGoals:
    """Sends an opening when it is worth it; a newer goal takes the place of the one under way.

    Args:
        node: sends them.
        settings: of the gripper.
        group: of the client's callbacks.
        on_problem: told in one line that a goal could not be sent or was not accepted.
    """

    def __init__(
        self, node: Node, settings: PolicyRunnerSettings, group: Any, on_problem: Callable[[str], None]
    ) -> None:
        self._settings, self._on_problem = settings, on_problem
        self._gate = GripperGate(settings.gripper_threshold_m, settings.gripper_max_width_m)
        self._client = ActionClient(node, GripperCommand, settings.gripper_action, callback_group=group)

    @property
    def ready(self) -> bool:
        """Whether a gripper is there."""
        return bool(self._client.server_is_ready())

    def begin(self) -> None:
        """The next opening is sent, whatever it is."""
        self._gate.forget()

    def want(self, opening_m: float) -> None:
        """Send an opening if it differs enough from the last."""
        opening = self._gate.command(opening_m)
        if opening is None:
            return
        if not self.ready:
            self._gate.forget()
            self._on_problem(f"{self._settings.gripper_action}: no gripper is there")
            return
        goal = GripperCommand.Goal()
        goal.command.position = float(self._settings.gripper_command_position(opening))
        goal.command.max_effort = float(self._settings.gripper_effort_n)
        self._client.send_goal_async(goal).add_done_callback(self._answered)

    def close(self) -> None:
        """Free the client."""
        self._client.destroy()

    def _answered(self, future: Any) -> None:
        handle = None if future.cancelled() else future.result()
        if handle is None or not handle.accepted:
            self._gate.forget()
            self._on_problem(f"{self._settings.gripper_action}: the goal was rejected")
