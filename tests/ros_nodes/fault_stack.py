"""The whole running stack of pick.launch.py against the simulated robot, to be hurt and watched."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, get_args

from diagnostic_msgs.msg import DiagnosticArray
from moveit_msgs.action import Pickup
from moveit_msgs.msg import MoveItErrorCodes
from rcl_interfaces.srv import SetParameters
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from ros_nodes.messages.diagnostics import level_of
from ros_nodes.pick_server.ending import Code
from tests.ros_nodes.crew import crew_for, score_of
from tests.ros_nodes.motion_record import MotionRecord
from tests.ros_nodes.session import GoalRun, RosSession
from tests.ros_standin.launching import LaunchPlan, read_launch_file

LAUNCH = Path(__file__).resolve().parents[2] / "launch"
ORDER = ("sim_robot", "grasp_detector", "safety", "pick_server")
SPEED = 1.0
_HEARD_S = 20.0
PICKUP = "/pick_server/pickup"
_CODES = {getattr(MoveItErrorCodes, name): name for name in get_args(Code)}


class Said(NamedTuple):
    """One status on /diagnostics."""

    at_s: float
    component: str
    level: str
    message: str


class FaultStack:
    """The nodes, each of which can be killed and started again: processes on a real rclpy, else in this process.

    Args:
        ros: the session that they run in, or beside.
        arguments: of the launch file.
        parameters: of all nodes, over those of the launch file.
    """

    def __init__(self, ros: RosSession, arguments: dict[str, str], **parameters: Any) -> None:
        self.ros = ros
        self.plan: LaunchPlan = read_launch_file(LAUNCH / "pick.launch.py", arguments)
        self._parameters = parameters
        self._crew = crew_for(ros)
        self.started_s: dict[str, float] = {}
        """Since when each node runs, s of the monotonic clock."""
        self.run: Any = None
        """The pickup that was sent last."""
        self.relay: Any = None
        """The subscription that feeds hurt messages on."""
        self.deadman: Any = None
        """The timer that holds the deadman."""
        self.hurt_s = 0.0
        """When the last fault came, where that was later than its injection began; s of the monotonic clock."""
        self.said: list[Said] = []
        self._newest: dict[str, Said] = {}
        group = MutuallyExclusiveCallbackGroup()
        ros.probe.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 200, callback_group=group)
        self.motion = MotionRecord(ros)
        for name in ORDER:
            self.start(name)
        self.await_well()

    def start(self, name: str, *, remaps: dict[str, str] | None = None, **parameters: Any) -> str:
        """Start one node as the launch file describes it, or with other parameters and topics; why it does not."""
        planned = self.plan.node(name)
        planned = replace(planned, remappings=tuple({**dict(planned.remappings), **(remaps or {})}.items()))
        now_s = time.monotonic()
        problem = self._crew.start(planned, {**planned.parameters, **self._parameters, **parameters})
        if not problem:
            self.started_s[name] = now_s
            self.ros.wait_until(lambda: self._heard_of(name), _HEARD_S)
        return problem

    def _heard_of(self, name: str) -> bool:
        """Whether a node has spoken since it was started: its predecessor, if killed, is still listed as a server."""
        since_s = self.started_s[name]
        return any(s.at_s > since_s for s in list(self._newest.values()) if s.component.startswith(f"{name}: "))

    def stop(self, name: str) -> None:
        """End a node as SIGINT does."""
        del self.started_s[name]
        self._crew.stop(name)

    def kill(self, name: str) -> None:
        """End a node as SIGKILL does: nothing more that it says is heard."""
        del self.started_s[name]
        self._crew.kill(name)

    def close(self) -> None:
        """End all nodes."""
        self._crew.close()

    def runs(self, name: str) -> bool:
        """Whether a node runs."""
        return name in self.started_s

    @property
    def detects(self) -> bool:
        """Whether the detector has said that it is active."""
        said = self.newest("grasp_detector: lifecycle")
        since_s = self.started_s.get("grasp_detector", float("inf"))
        return said is not None and said.at_s > since_s and said.message == "active"

    def await_well(self, timeout_s: float = 60.0) -> bool:
        """Wait until the detector is active and nobody complains any more."""
        return self.ros.wait_until(lambda: self.detects and not self.complaints(), timeout_s)

    def complaints(self) -> list[str]:
        """What is not well by the newest words of each component, but for how the last task ended."""
        newest = [said for said in list(self._newest.values()) if said.component != "pick_server: task"]
        return [f"{said.component}: {said.message}" for said in newest if said.level != "ok"]

    def newest(self, component: str) -> Said | None:
        """The newest words of a component."""
        return self._newest.get(component)

    def reset(self, timeout_s: float = 6.0) -> tuple[bool, str]:
        """Release the guard; whether it could be, and its answer."""
        end = time.monotonic() + timeout_s
        while True:
            done, why = self.trigger("/safety/reset")
            if done or time.monotonic() > end:
                return done, why
            time.sleep(0.2)

    def set(self, node: str, **values: Any) -> tuple[bool, str]:
        """Set parameters at run time; whether all were taken, and why not."""
        made = [Parameter(name, value=value).to_parameter_msg() for name, value in values.items()]
        request = SetParameters.Request(parameters=made)
        results = self.ros.call(SetParameters, f"/{node}/set_parameters", request, timeout_s=20.0).results
        return all(result.successful for result in results), "; ".join(r.reason for r in results if r.reason)

    def hurt(self, node: str, how: str) -> None:
        """Do something to a node from within (see `hurts`)."""
        done, why = self.trigger(f"/{node}/hurt/{how}", timeout_s=90.0)
        assert done, why

    def trigger(self, name: str, timeout_s: float = 60.0) -> tuple[bool, str]:
        """Call a Trigger service."""
        answer = self.ros.call(Trigger, name, timeout_s=timeout_s)
        return bool(answer.success), str(answer.message)

    def send(self, **goal: Any) -> GoalRun:
        """Begin a pickup."""
        return self.ros.send_goal(Pickup, PICKUP, Pickup.Goal(**goal), timeout_s=20.0)

    def score(self) -> dict[str, Any]:
        """The simulation's own count."""
        return score_of(self.ros)

    def phases(self, run: GoalRun) -> list[str]:
        """What a pickup has begun so far."""
        return [feedback.state for feedback in run.feedback]

    def _on_diagnostics(self, message: Any) -> None:
        now_s = time.monotonic()
        said = [Said(now_s, each.name, level_of(each), each.message) for each in message.status]
        self.said.extend(said)
        self._newest.update({each.component: each for each in said})


def campaign_stack(ros: RosSession) -> FaultStack:
    """The stack as launched, with motions at half speed, so that there is time to hurt them.

    In one process all nodes share an interpreter, and pause together now and then: fewer images are taken, joint
    states and heartbeats may be older, and answers may take longer.
    """
    patient: dict[str, Any] = {
        "depth_rate_hz": 6.0,
        "color_rate_hz": 0.5,
        "joint_states_timeout_s": 6.0,
        "stale_after_s": 1.0,
        "heartbeat_timeout_s": 1.0,
        "controller_timeout_s": 6.0,
        "server_timeout_s": 6.0,
    }
    arguments = {"sim": "true", "real_time_factor": str(SPEED), "speed": "0.5"}
    return FaultStack(ros, arguments, planner_timeout_s=8.0, request_timeout_s=6.0, **(patient if ros.standin else {}))


def ending_of(answer: tuple[int, Any]) -> tuple[str, str]:
    """Name of a pickup's error code, and its message."""
    code = answer[1].error_code
    return _CODES.get(code.val, str(code.val)), str(getattr(code, "message", ""))
