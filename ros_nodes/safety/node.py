"""`safety`: a guard between commands and the arm's controller.

In: `~/follow_joint_trajectory` (action), `~/joint_trajectory` (streamed points), `~/heartbeat` (std_msgs/Empty),
`joint_states`. Out: the controller's action and topic. Services: `~/stop`, `~/reset` (Trigger), `~/deadman` (SetBool).
A goal that is refused is accepted and aborted at once, because only a result can carry the reason.
The gripper is not guarded: it holds on when the arm is stopped, which drops nothing.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Literal

from control_msgs.action import FollowJointTrajectory
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import Empty
from std_srvs.srv import SetBool, Trigger
from trajectory_msgs.msg import JointTrajectory

from envs.arms import ArmModel
from geometry import InputError
from ros_nodes.arm_source import ArmSource
from ros_nodes.health import Health
from ros_nodes.messages.joints import carries_joints, joints_of
from ros_nodes.messages.stamps import seconds_of
from ros_nodes.parameters import declare_parameters
from ros_nodes.qos import COMMAND, SENSOR
from ros_nodes.running import run_node
from ros_nodes.safety.command import Command, read_command
from ros_nodes.safety.controller_link import ControllerLink
from ros_nodes.safety.findings import Cause, Finding
from ros_nodes.safety.guard_clock import GuardClock
from ros_nodes.safety.guarded_arm import GuardedArm
from ros_nodes.safety.settings import SafetySettings
from ros_nodes.steady_timer import steady_timer

_MOST_GOALS = 8
"""Each goal under way waits in a thread; the watch over the arm must never lack one."""

_SHOWN_S = 5.0


class SafetyNode(Node):
    """The guard's ends on the wire; `GuardedArm` does the work."""

    def __init__(self, **node_options: Any) -> None:
        super().__init__("safety", **node_options)
        self.parameters = declare_parameters(self, SafetySettings)
        settings = self.parameters.current
        self._guard_clock, self._guard_clock_lock = GuardClock(), threading.Lock()
        self._model: ArmModel | None = None
        self._ended = False
        goals = ReentrantCallbackGroup()
        self._link = ControllerLink(
            self, settings.controller_action, settings.controller_topic, settings.joint_names, goals
        )
        self.health = Health(self)
        self._arm = GuardedArm(
            settings,
            self._link,
            self.health,
            clock=self._guard_s,
            alive=lambda: bool(self.context.ok()) and not self._ended,
            log=lambda line: self.get_logger().warning(line),
        )
        self.parameters.on_change(self._reconfigure)
        self._source = ArmSource(self, settings, self._on_arm, lambda why: self.health.report("arm", "error", why))
        self._make_inputs(goals)
        self._watcher = steady_timer(self, 1.0 / settings.monitor_rate_hz, self._watch)

    def wind_down(self) -> None:
        """Stop the arm if it moves on our behalf; called before the callbacks end."""
        self._arm.wind_down()

    def destroy_node(self) -> None:
        """End the goals under way (the controller's go on, unless `wind_down` stopped them), and free what was made."""
        self._watcher.cancel()
        self._ended = True
        self._arm.close()
        self.health.close()
        self._server.destroy()
        self._link.close()
        super().destroy_node()

    def _make_inputs(self, goals: ReentrantCallbackGroup) -> None:
        signals, stream = MutuallyExclusiveCallbackGroup(), MutuallyExclusiveCallbackGroup()
        self.create_subscription(JointState, "joint_states", self._on_joint_states, SENSOR, callback_group=signals)
        self.create_subscription(Empty, "~/heartbeat", lambda _: self._arm.heartbeat(), SENSOR, callback_group=signals)
        self.create_subscription(JointTrajectory, "~/joint_trajectory", self._on_points, COMMAND, callback_group=stream)
        self.create_service(Trigger, "~/stop", self._on_stop, callback_group=goals)
        self.create_service(Trigger, "~/reset", self._on_reset, callback_group=goals)
        self.create_service(SetBool, "~/deadman", self._on_deadman, callback_group=goals)
        self._server = ActionServer(
            self,
            FollowJointTrajectory,
            "~/follow_joint_trajectory",
            lambda handle: self._arm.goal(handle, self._read(handle.request.trajectory)),
            callback_group=goals,
            goal_callback=self._on_goal,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
        )

    def _on_goal(self, _: Any) -> GoalResponse:
        if self._arm.goals < _MOST_GOALS:
            return GoalResponse.ACCEPT
        self.get_logger().warning(f"a goal is rejected: {_MOST_GOALS} have not ended yet")
        return GoalResponse.REJECT

    def _guard_s(self) -> float:
        """The guard's time: simulated where the node uses that, else the steady clock's."""
        with self._guard_clock_lock:
            wall_s = time.monotonic()
            if self.get_parameter("use_sim_time").value:
                now_s = seconds_of(self.get_clock().now())
                return self._guard_clock.read(now_s, "simulation" if now_s else "no /clock yet", wall_s)
            return self._guard_clock.read(wall_s, "steady", wall_s)

    def _watch(self) -> None:
        """Look at the arm, and say for a while that the clock jumped."""
        self._arm.watch()
        jump = self._guard_clock.jump
        if jump is None:
            return
        level: Literal["ok", "warn"] = "warn" if time.monotonic() - jump[1] < _SHOWN_S else "ok"
        if self.health.level("clock") != level:
            self.health.report("clock", level, f"ROS time jumped by {jump[0]:+.1f} s; timeouts go on as if it had not")

    def _read(self, message: JointTrajectory) -> Command | Finding:
        return read_command(message, self.parameters.current.joint_names, seconds_of(self.get_clock().now()))

    def _on_arm(self, model: ArmModel) -> None:
        self._model = model
        self._reconfigure(self.parameters.current, self.parameters.current)
        self.health.report("arm", "ok", f"{model.name} with {model.joints} joints")

    def _reconfigure(self, _: SafetySettings, new: SafetySettings) -> None:
        self._arm.reconfigure(new, new.rules(self._model))

    def _on_joint_states(self, message: JointState) -> None:
        names = self.parameters.current.joint_names
        if not carries_joints(message, names):
            return
        try:
            reading = joints_of(message, names)
        except InputError as error:
            self.health.report("joint_states", "error", str(error))
            return
        self.health.report_well("joint_states", "as they should be")
        self._arm.joint_state(reading)

    def _on_points(self, message: JointTrajectory) -> None:
        self._arm.points(message, self._read(message))

    def _on_stop(self, _: Any, response: Any) -> Any:
        self._arm.stop(Finding(Cause.REQUESTED, "~/stop"))
        response.success, response.message = True, "stopped until ~/reset"
        return response

    def _on_reset(self, _: Any, response: Any) -> Any:
        response.success, response.message = self._arm.reset()
        self.get_logger().info(f"reset: {response.message}")
        return response

    def _on_deadman(self, request: Any, response: Any) -> Any:
        self._arm.deadman(bool(request.data))
        response.success, response.message = True, "held" if request.data else "let go"
        return response


def main(args: list[str] | None = None) -> int:
    """Run the node."""
    return run_node(SafetyNode, args)
