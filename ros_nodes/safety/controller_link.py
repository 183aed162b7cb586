"""The connection to the arm's controller: goals, streamed points, braking motions, cancels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from control_msgs.action import FollowJointTrajectory
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from trajectory_msgs.msg import JointTrajectory

from geometry import FloatArray
from ros_nodes.action_client import ActionClient
from ros_nodes.messages.joints import trajectory_message
from ros_nodes.qos import COMMAND


class ControllerLink:
    """What the guard sends to the controller, and whether it is there.

    Args:
        node: the guard's.
        action: name of its FollowJointTrajectory action.
        topic: name of its JointTrajectory topic.
        joint_names: the arm's.
        group: of the callbacks that bring answers; must run beside a goal's execution.
    """

    def __init__(
        self, node: Node, action: str, topic: str, joint_names: tuple[str, ...], group: ReentrantCallbackGroup
    ) -> None:
        self.action, self.topic, self._joint_names = action, topic, joint_names
        self._client = ActionClient(node, FollowJointTrajectory, action, callback_group=group)
        self._publisher = node.create_publisher(JointTrajectory, topic, COMMAND)

    @property
    def ready(self) -> bool:
        """Whether the action server is there."""
        return bool(self._client.server_is_ready())

    @property
    def listens(self) -> bool:
        """Whether anybody takes streamed points."""
        return self._publisher.get_subscription_count() > 0

    def send_goal(self, goal: Any, on_feedback: Callable[[Any], None]) -> Any:
        """Send a goal; the future of its handle."""
        return self._client.send_goal_async(goal, feedback_callback=lambda message: on_feedback(message.feedback))

    def send_points(self, message: JointTrajectory) -> None:
        """Pass on a message of a stream."""
        self._publisher.publish(message)

    def brake(self, motion: tuple[FloatArray, FloatArray, FloatArray]) -> None:
        """Send a braking motion: times (m,), positions and speeds (m, n)."""
        self._publisher.publish(trajectory_message(*motion, self._joint_names))

    def close(self) -> None:
        """Let go of the action."""
        self._client.destroy()
