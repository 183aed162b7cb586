"""Free motions through MoveIt's move_action, where it is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moveit_msgs.action import MoveGroup
from moveit_msgs.msg import Constraints, JointConstraint, MoveItErrorCodes
from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node

from geometry import FloatArray
from policies import Motion, RobotStopped
from ros_nodes.action_call import ActionCall, Watch
from ros_nodes.pick_server.settings import PickSettings

_TOLERANCE_RAD = 1e-3
_PLANNING_S = 5.0
_NOT_OURS = (MoveItErrorCodes.CONTROL_FAILED, MoveItErrorCodes.TIMED_OUT, MoveItErrorCodes.PREEMPTED)


class MoveItClient:
    """Goes to postures with MoveIt's planners and its own picture of the surroundings.

    Args:
        node: whose executor serves the client.
        settings: the newest ones.
        group: a reentrant callback group.
    """

    def __init__(self, node: Node, settings: Callable[[], PickSettings], group: CallbackGroup) -> None:
        self._settings = settings
        self._call = ActionCall(node, MoveGroup, "move_action", label="move_group of MoveIt", group=group)

    def go_to(self, q: FloatArray, watch: Watch) -> Motion:
        """Go to a posture (n,) and wait until the arm is there.

        Raises:
            RobotStopped: from `watch`, where MoveIt is not there, or where its controller fails.
        """
        settings = self._settings()
        handle = self._call.begin(_goal(q, settings), timeout_s=settings.server_timeout_s, watch=watch)
        end = self._call.finish(handle, timeout_s=settings.server_timeout_s, watch=watch)
        code = end.result.error_code.val
        if end.succeeded and code == MoveItErrorCodes.SUCCESS:
            return Motion(True)
        said = f"MoveIt did not reach the posture (error {code})"
        if code in _NOT_OURS:
            raise RobotStopped("control", said)
        return Motion(False, reason=said)

    def close(self) -> None:
        """Free the client."""
        self._call.close()


def _goal(q: FloatArray, settings: PickSettings) -> Any:
    goal = MoveGroup.Goal()
    request = goal.request
    request.group_name = settings.moveit_group
    request.num_planning_attempts = 3
    request.allowed_planning_time = _PLANNING_S
    request.max_velocity_scaling_factor = settings.speed
    request.max_acceleration_scaling_factor = settings.speed
    request.start_state.is_diff = True  # plan from where the arm is
    request.goal_constraints = [
        Constraints(
            joint_constraints=[
                JointConstraint(
                    joint_name=name,
                    position=float(angle),
                    tolerance_above=_TOLERANCE_RAD,
                    tolerance_below=_TOLERANCE_RAD,
                    weight=1.0,
                )
                for name, angle in zip(settings.joint_names, q, strict=True)
            ]
        )
    ]
    goal.planning_options.planning_scene_diff.is_diff = True
    goal.planning_options.planning_scene_diff.robot_state.is_diff = True
    return goal
