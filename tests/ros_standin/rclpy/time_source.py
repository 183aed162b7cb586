"""rclpy.time_source: /clock for the clocks of a node."""

from __future__ import annotations

from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import ROSClock
from rclpy.clock_type import ClockType
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.time import Time
from rosgraph_msgs.msg import Clock as ClockMessage

CLOCK_TOPIC = "/clock"
USE_SIM_TIME_NAME = "use_sim_time"


class TimeSource:
    """Follows the parameter `use_sim_time` of its node."""

    def __init__(self, node: Any, clock: ROSClock) -> None:
        self._node, self._clock = node, clock
        self._subscription: Any = None
        if not node.has_parameter(USE_SIM_TIME_NAME):
            node.declare_parameter(USE_SIM_TIME_NAME, False)
        self.ros_time_is_active = bool(node.get_parameter(USE_SIM_TIME_NAME).value)
        node.add_on_set_parameters_callback(self._on_parameters)

    @property
    def ros_time_is_active(self) -> bool:
        return self._clock.ros_time_is_active

    @ros_time_is_active.setter
    def ros_time_is_active(self, enabled: bool) -> None:
        if enabled == self._clock.ros_time_is_active:
            return
        self._clock._set_ros_time_is_active(enabled)
        if enabled:
            qos = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
            self._subscription = self._node.create_subscription(ClockMessage, CLOCK_TOPIC, self.clock_callback, qos)
        elif self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None

    def clock_callback(self, msg: ClockMessage) -> None:
        self._clock.set_ros_time_override(Time.from_msg(msg.clock, clock_type=ClockType.ROS_TIME))

    def _on_parameters(self, parameters: list[Parameter]) -> SetParametersResult:
        for parameter in parameters:
            if parameter.name == USE_SIM_TIME_NAME:
                if parameter.type_ != Parameter.Type.BOOL:
                    return SetParametersResult(successful=False, reason=f"'{USE_SIM_TIME_NAME}' must be a bool")
                self.ros_time_is_active = parameter.value
        return SetParametersResult(successful=True)
