"""The node `table_clearer`: sends pickups and places until nothing is left, then tells how it went."""

from __future__ import annotations

import threading
import time
from typing import Any

from moveit_msgs.action import Pickup
from moveit_msgs.msg import MoveItErrorCodes
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from std_msgs.msg import String
from std_srvs.srv import Trigger

from policies import RobotStopped
from ros_nodes.action_call import ActionCall, Watch
from ros_nodes.health import Health
from ros_nodes.messages.stamps import seconds_of
from ros_nodes.parameters import declare_parameters
from ros_nodes.qos import LATCHED
from ros_nodes.running import run_node
from ros_nodes.steady_timer import steady_timer
from ros_nodes.table_clearer.settings import ClearSettings
from ros_nodes.table_clearer.tally import Tally
from ros_nodes.waiting import wait_for, wait_until

_CANCEL_S = 10.0
_ASK_AGAIN_S = 0.5
_NOT_YET = ("ROBOT_STATE_STALE", "SENSOR_INFO_STALE", "FRAME_TRANSFORM_FAILURE", "COMMUNICATION_FAILURE")
"""How a pickup ends while a robot or a camera has just been started."""
_STOP_S = 12.0
_NAMES = {value: name for name in dir(MoveItErrorCodes) if isinstance(value := getattr(MoveItErrorCodes, name), int)}


class TableClearerNode(Node):
    """Clears a table once, or each time that `~/clear` is called.

    Args:
        node_options: for rclpy's Node.
    """

    def __init__(self, **node_options: Any) -> None:
        super().__init__("table_clearer", **node_options)
        self.parameters = declare_parameters(self, ClearSettings)
        self._health = Health(self)
        self._busy, self._stopping, self._closing = threading.Lock(), threading.Event(), threading.Event()
        group = ReentrantCallbackGroup()
        server = self.parameters.current.pick_server
        self._pickup = ActionCall(self, Pickup, f"{server}/pickup", label="pick server", group=group)
        self._place = self.create_client(Trigger, f"{server}/place", callback_group=group)
        self._summary = self.create_publisher(String, "~/summary", LATCHED)
        self.create_service(Trigger, "~/clear", self._on_clear, callback_group=group)
        self.create_service(Trigger, "~/stop", self._on_stop, callback_group=group)
        self._start = None
        if self.parameters.current.autostart:
            self._start = steady_timer(self, 0.0, self._on_start, group)

    def wind_down(self) -> None:
        """Cancel what is being done, with the executor still running."""
        self._closing.set()
        wait_until(lambda: not self._busy.locked(), timeout_s=_STOP_S)

    def destroy_node(self) -> None:
        """Stop and free everything."""
        self.wind_down()
        self._health.close()
        self._pickup.close()
        super().destroy_node()

    def _on_start(self) -> None:
        assert self._start is not None
        self._start.cancel()
        self._clear()

    def _on_clear(self, _request: Any, response: Any) -> Any:
        """Clear the table; the answer comes at the end, its message is the summary as JSON."""
        tally = self._clear()
        response.success = tally is not None and tally.stop in ("nothing left", "out of reach")
        response.message = "busy: the table is being cleared" if tally is None else tally.summary()
        return response

    def _on_stop(self, _request: Any, response: Any) -> Any:
        """Cancel the pickup at hand and stop clearing."""
        response.success = self._busy.locked()
        response.message = "stopping" if response.success else "nothing is being done"
        self._stopping.set()
        return response

    def _clear(self) -> Tally | None:
        if self._closing.is_set() or not self._busy.acquire(blocking=False):
            return None
        try:
            self._stopping.clear()
            settings = self.parameters.current
            tally = Tally(settings, lambda: seconds_of(self.get_clock().now()))
            self._health.report("clearing", "ok", "begun")
            patient_until = time.monotonic() + settings.server_timeout_s
            while tally.stop is None:
                self._one(tally, settings, patient_until)
        finally:
            self._busy.release()
        summary = tally.summary()
        self._health.report("clearing", "error" if tally.stop == "fault" else "ok", f"{tally.stop}: {tally.message}")
        if self.context.ok():
            self._summary.publish(String(data=summary))
        self.get_logger().info(f"the table is done: {summary}")
        return tally

    def _one(self, tally: Tally, settings: ClearSettings, patient_until: float) -> None:
        """One pickup, and its place; before the first, a robot or camera that is just starting is waited for."""
        watch = self._watch(settings.pickup_timeout_s)
        try:
            goal = Pickup.Goal(target_name=settings.target)
            handle = self._pickup.begin(goal, timeout_s=settings.server_timeout_s, watch=watch)
            result = self._pickup.finish(handle, timeout_s=_CANCEL_S, watch=watch).result
            code = result.error_code
            name = _NAMES.get(code.val, str(code.val))
            message = getattr(code, "message", name)
            if name in _NOT_YET and not tally.begun and time.monotonic() < patient_until:
                self._health.report("clearing", "warn", f"waits: {message}")
                self._closing.wait(_ASK_AGAIN_S)
                return
            if not tally.picked(name, message, result.planning_time):
                return
        except RobotStopped as stop:
            tally.fault(stop.reason, canceled=stop.kind == "canceled")
            return
        self._put_down(tally, settings)

    def _put_down(self, tally: Tally, settings: ClearSettings) -> None:
        """Have what is held placed; where that fails it is tried once more, since it may still be held."""
        for last in (False, True):
            sent = self._place.call_async(Trigger.Request())
            answer = wait_for(sent, timeout_s=settings.pickup_timeout_s, until=self._over)
            if answer is None:
                tally.fault("the place has not ended", canceled=self._over())
                return
            if answer.success or last:
                tally.placed(answer.success, answer.message)
                self._health.report("clearing", "ok", answer.message)
                return

    def _over(self) -> bool:
        return self._stopping.is_set() or self._closing.is_set() or not self.context.ok()

    def _watch(self, timeout_s: float) -> Watch:
        deadline = time.monotonic() + timeout_s

        def watch() -> None:
            if self._over():
                raise RobotStopped("canceled", "stopped")
            if time.monotonic() >= deadline:
                raise RobotStopped("timeout", f"the pickup has not ended within {timeout_s:g} s")

        return watch


def main(args: list[str] | None = None) -> int:
    """Run the node."""
    return run_node(TableClearerNode, args)
