"""The pick server with a fake arm and a fake planner, for tests."""

from __future__ import annotations

from typing import Any

from action_msgs.msg import GoalStatus
from diagnostic_msgs.msg import DiagnosticArray
from moveit_msgs.action import Pickup
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from ros_nodes.messages.diagnostics import level_of
from ros_nodes.pick_server.node import PickServerNode
from tests.ros_nodes.fake_arm import FakeArm
from tests.ros_nodes.fake_planner import FakePlanner, grasp


class Stage:
    """Everything that a pick needs; parameters of the server as keywords."""

    def __init__(self, ros, *, start: bool = True, **parameters: Any) -> None:
        self.ros = ros
        self.arm = ros.start(FakeArm)
        self.planner = ros.start(FakePlanner)
        names = {"arm_action": "/arm/follow_joint_trajectory", "gripper_action": "/gripper/gripper_action"}
        patient = {"server_timeout_s": 1.0, "rest_timeout_s": 1.0, "joint_states_timeout_s": 5.0}
        given = {**names, **patient, **parameters}
        self._overrides = [Parameter(name, value=value) for name, value in given.items()]
        if start:
            self.start()

    def start(self, **more: Any) -> None:
        overrides = [*self._overrides, *(Parameter(name, value=value) for name, value in more.items())]
        self.server = self.ros.start(PickServerNode, parameter_overrides=overrides)

    def send(self, *grasps, **fields):
        return self.ros.send_goal(Pickup, "pick_server/pickup", Pickup.Goal(possible_grasps=list(grasps), **fields))

    def pick(self, *grasps, timeout_s: float = 20.0, **fields) -> tuple[int, int, str, Any]:
        """Status, error code, message, result."""
        status, result = self.send(*grasps, **fields).result(timeout_s)
        return status, result.error_code.val, result.error_code.message, result

    def works(self) -> bool:
        """Whether the next goal goes through."""
        return self.pick(grasp())[0] == GoalStatus.STATUS_SUCCEEDED

    def trigger(self, name: str) -> tuple[bool, str]:
        answer = self.ros.call(Trigger, f"pick_server/{name}", timeout_s=20.0)
        return answer.success, answer.message

    def diagnostics(self) -> dict[str, tuple[str, str]]:
        """Level and message of each component, kept up to date."""
        newest: dict[str, tuple[str, str]] = {}

        def take(message: DiagnosticArray) -> None:
            newest.update({status.name: (level_of(status), status.message) for status in message.status})

        self.ros.probe.create_subscription(DiagnosticArray, "/diagnostics", take, 50)
        return newest
