"""The gripper as ROS sees it: a GripperCommand action."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from control_msgs.action import GripperCommand
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node

from ros_nodes.in_flight import InFlight
from ros_nodes.sim_robot.gripper_controller import GripperOutcome
from ros_nodes.sim_robot.robot import SimRobot
from ros_nodes.sim_robot.settings import SimRobotSettings
from ros_nodes.sim_robot.ticket import Ticket

_POLL_S = 0.005
_CLOSE_S = 1.0


class GripperInterface:
    """Offers the gripper of a robot.

    Args:
        node: offers it.
        robot: the robot.
        settings: asked for the newest settings.
        closing: whether the node is about to end.
    """

    def __init__(
        self, node: Node, robot: SimRobot, settings: Callable[[], SimRobotSettings], closing: Callable[[], bool]
    ) -> None:
        self._node, self._robot, self._settings, self._closing = node, robot, settings, closing
        self._executing = InFlight()
        self._server = ActionServer(
            node,
            GripperCommand,
            "panda_gripper/gripper_action",
            execute_callback=self._execute,
            goal_callback=self._on_goal,
            cancel_callback=lambda goal_handle: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
        )

    def close(self) -> None:
        """Offer it no longer, once the goals under way have ended; the node must be closing."""
        self._executing.wait_none(_CLOSE_S)
        self._server.destroy()

    def _on_goal(self, goal: Any) -> GoalResponse:
        command = goal.command
        if math.isfinite(command.position) and math.isfinite(command.max_effort):
            return GoalResponse.ACCEPT
        self._node.get_logger().warning(
            f"goal of the gripper rejected: expected finite numbers, got position {command.position}, "
            f"max_effort {command.max_effort}"
        )
        return GoalResponse.REJECT

    def _execute(self, goal_handle: Any) -> Any:
        with self._executing:
            return self._carry_out(goal_handle)

    def _carry_out(self, goal_handle: Any) -> Any:
        settings, command = self._settings(), goal_handle.request.command
        ticket: Ticket[GripperOutcome] = Ticket()
        self._robot.move_gripper(settings.gripper_width_m(command.position), command.max_effort, ticket)
        outcome = self._wait(goal_handle, ticket)
        if outcome is None:
            if self._node.context.ok():
                goal_handle.abort()
            return GripperCommand.Result()
        if self._node.context.ok():
            self._close_goal(goal_handle, outcome)
        return GripperCommand.Result(
            position=settings.gripper_command_position(outcome.width_m),
            effort=float(outcome.effort_n),
            stalled=outcome.stalled,
            reached_goal=outcome.reached,
        )

    def _close_goal(self, goal_handle: Any, outcome: GripperOutcome) -> None:
        if outcome.canceled:
            goal_handle.canceled()
        elif outcome.reached or (outcome.stalled and self._settings().gripper_allow_stalling):
            goal_handle.succeed()
        else:
            goal_handle.abort()
            if not outcome.preempted:
                why = "something stopped the fingers" if outcome.stalled else "not there in time"
                self._node.get_logger().warning(
                    f"goal of the gripper aborted at an opening of {1e3 * outcome.width_m:.1f} mm: {why}"
                )

    def _wait(self, goal_handle: Any, ticket: Ticket[GripperOutcome]) -> GripperOutcome | None:
        asked = False
        while (outcome := ticket.wait(_POLL_S)) is None:
            if self._closing() or not self._node.context.ok():
                return ticket.outcome
            if goal_handle.is_cancel_requested and not asked:
                self._robot.cancel_gripper(ticket)
                asked = True
        return outcome
