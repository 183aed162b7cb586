"""`Health`: what each part of a node says of itself, on /diagnostics and in the log."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from ros_nodes.messages.diagnostics import Level, diagnostic_array, diagnostic_status

_PERIOD_S = 1.0
_LOG_AGAIN_S = 10.0


@dataclass
class _Report:
    """The last words of one component."""

    level: Level
    message: str
    values: dict[str, Any] = field(default_factory=dict)
    at_s: float = 0.0
    within_s: float | None = None
    logged_s: float = -1e9


class Health:
    """The node's diagnostics: a status for each component, named `<node>: <component>`.

    Published once a second of the wall clock, which goes on where simulated time stands still, and at once when a
    component's level changes. A change is also logged, once. Thread-safe.

    Args:
        node: whose name, clock and logger are used.
        hardware_id: what hardware this is about, for example a camera's serial number.
    """

    def __init__(self, node: Node, hardware_id: str = "") -> None:
        self._node, self._hardware_id = node, hardware_id
        self._reports: dict[str, _Report] = {}
        self._lock = threading.RLock()
        self._closed = False
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._timer = node.create_timer(
            _PERIOD_S,
            self._on_timer,
            callback_group=MutuallyExclusiveCallbackGroup(),
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )

    def expect(self, component: str, within_s: float) -> None:
        """Have a component count as stale where it has not reported for `within_s`, or not yet at all."""
        with self._lock:
            report = self._reports.setdefault(component, _Report("stale", "nothing yet", at_s=time.monotonic()))
            report.within_s = within_s

    def report(self, component: str, level: Level, message: str, **values: Any) -> None:
        """Say how a component is.

        Args:
            component: short name of a part of the node: "camera", "arm".
            level: "ok", "warn", "error" or "stale".
            message: one line for a person.
            values: more, as text beside it.
        """
        now = time.monotonic()
        with self._lock:
            before = self._reports.get(component)
            within_s = None if before is None else before.within_s
            new = _Report(level, message, dict(values), now, within_s)
            if before is not None:
                new.logged_s = before.logged_s
            self._reports[component] = new
            changed = before is None or before.level != level
            said_else = before is not None and before.message != message and level != "ok"
            if (changed and (before is not None or level != "ok")) or (said_else and now - new.logged_s > _LOG_AGAIN_S):
                new.logged_s = now
                self._log(component, level, message)
            if changed:
                self._publish([component])

    def level(self, component: str) -> Level | None:
        """The component's level as it would be published now; None where nothing is known of it."""
        with self._lock:
            report = self._reports.get(component)
            return None if report is None else self._as_of_now(report)[0]

    def close(self) -> None:
        """Publish and log no more; for `destroy_node`."""
        with self._lock:
            self._closed = True
            self._timer.cancel()

    def _on_timer(self) -> None:
        with self._lock:
            self._publish(list(self._reports))

    def _publish(self, components: list[str]) -> None:
        if self._closed or not components or not self._node.context.ok():
            return
        name = self._node.get_name()
        statuses = []
        for component in components:
            report = self._reports[component]
            level, message = self._as_of_now(report)
            statuses.append(
                diagnostic_status(
                    f"{name}: {component}", level, message, hardware_id=self._hardware_id, values=report.values
                )
            )
        self._publisher.publish(diagnostic_array(statuses, self._node.get_clock().now().to_msg()))

    @staticmethod
    def _as_of_now(report: _Report) -> tuple[Level, str]:
        age_s = time.monotonic() - report.at_s
        if report.within_s is None or age_s <= report.within_s:
            return report.level, report.message
        return "stale", f"nothing for {age_s:.1f} s; last: {report.message}"

    def _log(self, component: str, level: Level, message: str) -> None:
        """Log by level; each on a line of its own, since rclpy ties a line of code to one severity."""
        if self._closed:
            return
        logger = self._node.get_logger()
        if level == "ok":
            logger.info(f"{component}: {message}")
        elif level == "warn":
            logger.warning(f"{component}: {message}")
        else:
            logger.error(f"{component}: {message}")
