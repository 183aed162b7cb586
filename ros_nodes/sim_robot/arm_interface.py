"""The arm's controller as ROS sees it: a FollowJointTrajectory action and a topic for streamed trajectories."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from control_msgs.action import FollowJointTrajectory
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from geometry import InputError
from ros_nodes.in_flight import InFlight
from ros_nodes.messages.stamps import header_at, seconds_of
from ros_nodes.qos import COMMAND
from ros_nodes.sim_robot.robot import SimRobot, default_tolerances
from ros_nodes.sim_robot.settings import SimRobotSettings
from ros_nodes.sim_robot.spline import JointMotion
from ros_nodes.sim_robot.ticket import Ticket
from ros_nodes.sim_robot.tolerances import JointTolerance, Tolerances
from ros_nodes.sim_robot.trajectory_controller import Tracking, TrajectoryOutcome
from ros_nodes.sim_robot.trajectory_request import ErrorCode, Point, TrajectoryRequest

_POLL_S = 0.005
_CLOSE_S = 1.0
_STOPPED = TrajectoryOutcome(ErrorCode.INVALID_GOAL, "the robot is shutting down")


class ArmInterface:
    """Offers the arm of a robot.

    Args:
        node: offers it.
        robot: the robot.
        settings: asked for the newest settings.
        closing: whether the node is about to end.
        on_trouble: told in one line why a goal was rejected.
    """

    def __init__(
        self,
        node: Node,
        robot: SimRobot,
        settings: Callable[[], SimRobotSettings],
        closing: Callable[[], bool],
        on_trouble: Callable[[str], None],
    ) -> None:
        self._on_trouble = on_trouble
        self._node, self._robot, self._settings, self._closing = node, robot, settings, closing
        group = ReentrantCallbackGroup()
        self._executing = InFlight()
        self._server = ActionServer(
            node,
            FollowJointTrajectory,
            "panda_arm_controller/follow_joint_trajectory",
            execute_callback=self._execute,
            goal_callback=self._on_goal,
            cancel_callback=lambda goal_handle: CancelResponse.ACCEPT,
            callback_group=group,
        )
        node.create_subscription(
            JointTrajectory, "panda_arm_controller/joint_trajectory", self._on_stream, COMMAND, callback_group=group
        )

    def close(self) -> None:
        """Offer it no longer, once the goals under way have ended; the node must be closing."""
        self._executing.wait_none(_CLOSE_S)
        self._server.destroy()

    def _on_goal(self, goal: Any) -> GoalResponse:
        problem = self._problem(goal)
        if problem:
            self._node.get_logger().warning(f"goal of the arm rejected: {problem}")
            self._on_trouble(f"rejected a goal: {problem}")
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    def _problem(self, goal: Any) -> str:
        if self._settings().controller_rejects:
            return "fault: the controller rejects"
        try:
            _tolerances(goal, self._settings())
        except InputError as error:
            return f"{ErrorCode.INVALID_GOAL.name}: {error}"
        refusal = self._robot.check(_request(goal.trajectory))
        return "" if refusal is None else f"{refusal.code.name}: {refusal.reason}"

    def _on_stream(self, message: Any) -> None:
        if not self._settings().controller_rejects:
            self._robot.stream(_request(message))

    def _execute(self, goal_handle: Any) -> Any:
        with self._executing:
            return self._carry_out(goal_handle)

    def _carry_out(self, goal_handle: Any) -> Any:
        ticket: Ticket[TrajectoryOutcome] = Ticket()
        goal = goal_handle.request
        self._robot.follow(_request(goal.trajectory), _tolerances(goal, self._settings()), ticket)
        outcome = self._wait(goal_handle, ticket)
        result = FollowJointTrajectory.Result(error_code=int(outcome.code), error_string=outcome.message)
        if not self._node.context.ok():
            return result
        if outcome.canceled:
            goal_handle.canceled()
        elif outcome.code == ErrorCode.SUCCESSFUL:
            goal_handle.succeed()
        else:
            goal_handle.abort()
            self._node.get_logger().warning(f"goal of the arm aborted: {outcome.code.name}: {outcome.message}")
        return result

    def _wait(self, goal_handle: Any, ticket: Ticket[TrajectoryOutcome]) -> TrajectoryOutcome:
        """Wait for the end, pass a cancel on, and tell how it goes."""
        told_s, asked = time.monotonic(), False
        while (outcome := ticket.wait(_POLL_S)) is None:
            if self._closing() or not self._node.context.ok():
                return ticket.outcome or _STOPPED
            if goal_handle.is_cancel_requested and not asked:
                self._robot.cancel(ticket)
                asked = True
            if time.monotonic() - told_s >= 1.0 / self._settings().feedback_rate_hz:
                told_s = time.monotonic()
                goal_handle.publish_feedback(self._feedback())
        return outcome

    def _feedback(self) -> Any:
        tracking: Tracking = self._robot.trajectory.tracking
        desired, actual = tracking.desired, tracking.actual
        error = JointMotion(desired.q - actual.q, desired.dq - actual.dq, desired.ddq - actual.ddq)
        return FollowJointTrajectory.Feedback(
            header=header_at(self._robot.time_ns, ""),
            joint_names=list(self._robot.trajectory.names),
            desired=_point(desired),
            actual=_point(actual),
            error=_point(error),
        )


def _request(message: Any) -> TrajectoryRequest:
    points = [
        Point(seconds_of(p.time_from_start), p.positions, p.velocities, p.accelerations, p.effort)
        for p in message.points
    ]
    return TrajectoryRequest(
        joint_names=list(message.joint_names), points=points, start_s=seconds_of(message.header.stamp) or None
    )


def _tolerances(goal: Any, settings: SimRobotSettings) -> Tolerances:
    path, at_goal = (
        [JointTolerance(t.name, t.position, t.velocity, t.acceleration) for t in entries]
        for entries in (goal.path_tolerance, goal.goal_tolerance)
    )
    goal_time_s = seconds_of(goal.goal_time_tolerance)
    return default_tolerances(settings).with_goal(settings.joint_names, path, at_goal, goal_time_s)


def _point(state: JointMotion) -> JointTrajectoryPoint:
    return JointTrajectoryPoint(
        positions=state.q.tolist(), velocities=state.dq.tolist(), accelerations=state.ddq.tolist()
    )
