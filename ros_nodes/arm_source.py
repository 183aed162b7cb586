"""The arm as soon as it is known: at once for the built-in Panda, else when `robot_description` comes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from std_msgs.msg import String

from envs.arms import ArmModel
from geometry import InputError
from ros_nodes.arm_settings import ArmSettings, arm_of
from ros_nodes.qos import LATCHED


class ArmSource:
    """The arm as soon as it is known.

    Args:
        node: subscribes to `robot_description` where the settings want a URDF.
        settings: of the robot.
        on_arm: told of the arm: at once for the built-in Panda, else from the subscription's callback.
        on_problem: told in one line why a description cannot be used.
    """

    def __init__(
        self,
        node: Node,
        settings: ArmSettings,
        on_arm: Callable[[ArmModel], None] | None = None,
        on_problem: Callable[[str], None] | None = None,
    ) -> None:
        self._settings, self._on_arm, self._on_problem = settings, on_arm, on_problem or node.get_logger().error
        self._known = threading.Event()
        self._arm: ArmModel | None = None
        self._subscription: Any = None
        if settings.kinematics == "panda":
            self._take(None)
        else:
            self._subscription = node.create_subscription(
                String, "robot_description", lambda message: self._take(message.data), LATCHED
            )

    @property
    def arm(self) -> ArmModel:
        """The arm.

        Raises:
            InputError: while it is not known.
        """
        return arm_of(self._settings, None) if self._arm is None else self._arm

    def wait(self, timeout_s: float) -> bool:
        """Whether the arm is known, if need be after a while; not from the executor's only thread."""
        return self._known.wait(timeout_s)

    def _take(self, urdf: str | None) -> None:
        try:
            self._arm = arm_of(self._settings, urdf)
        except InputError as error:
            if self._settings.kinematics == "panda":
                raise
            self._on_problem(str(error))
            return
        self._known.set()
        if self._on_arm is not None:
            self._on_arm(self._arm)
