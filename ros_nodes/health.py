"""`Health`: what each part of a node says of itself, on /diagnostics and in the log."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node

from ros_nodes.messages.diagnostics import Level, diagnostic_array, diagnostic_status
from ros_nodes.steady_timer import steady_timer

_PERIOD_S = 1.0
_SAY_AGAIN_S = 10.0


@dataclass
class _Component:
    """The last words of one component, and what was said of it."""

    level: Level
    message: str
    values: dict[str, Any] = field(default_factory=dict)
    said_level: Level = "ok"
    said_message: str = ""
    said_s: float = 0.0


class Health:
    """The node's diagnostics: a status for each component, named `<node>: <component>`.

    Published once a second of the wall clock, which goes on where simulated time stands still, and at once when a
    component's level changes. The log tells the change, once, and a new message at a bad level at most every ten
    seconds. Thread-safe.

    Args:
        node: whose name, clock and logger are used.
        hardware_id: what hardware this is about, for example a camera's serial number.
    """

    def __init__(self, node: Node, hardware_id: str = "") -> None:
        self._node, self._hardware_id = node, hardware_id
        self._components: dict[str, _Component] = {}
        self._lock = threading.RLock()
        self._closed = False
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._timer = steady_timer(node, _PERIOD_S, self._on_timer)

    def report(self, component: str, level: Level, message: str, **values: Any) -> None:
        """Say how a component is.

        Args:
            component: short name of a part of the node: "camera", "arm".
            level: "ok", "warn", "error" or "stale".
            message: one line for a person.
            values: more, shown as text beside it.
        """
        with self._lock:
            first = component not in self._components
            known = self._components.setdefault(component, _Component(level, message))
            known.level, known.message, known.values = level, message, values
            if self._tell(component) or first:
                self._publish([component])

    def report_well(self, component: str, message: str = "as it should be") -> None:
        """Say that a component is well again; nothing where nobody has said otherwise."""
        with self._lock:
            if self.level(component) not in (None, "ok"):
                self.report(component, "ok", message)

    def level(self, component: str) -> Level | None:
        """The component's level; None where nothing is known of it."""
        with self._lock:
            known = self._components.get(component)
            return None if known is None else known.level

    def close(self) -> None:
        """Publish and log no more; for `destroy_node`."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._timer.cancel()

    def _on_timer(self) -> None:
        with self._lock:
            for component in self._components:
                self._tell(component)
            self._publish(list(self._components))

    def _tell(self, component: str) -> bool:
        """Log what is new of a component; whether its level is."""
        known, now_s = self._components[component], time.monotonic()
        changed = known.level != known.said_level
        other_words = known.level in ("warn", "error") and known.message != known.said_message
        if changed or (other_words and now_s - known.said_s > _SAY_AGAIN_S):
            known.said_level, known.said_message, known.said_s = known.level, known.message, now_s
            self._log(known.level, f"{component}: {known.message}")
        return changed

    def _publish(self, components: list[str]) -> None:
        if self._closed or not components or not self._node.context.ok():
            return
        statuses = [self._status(component) for component in components]
        self._publisher.publish(diagnostic_array(statuses, self._node.get_clock().now().to_msg()))

    def _status(self, component: str) -> Any:
        known, name = self._components[component], f"{self._node.get_name()}: {component}"
        return diagnostic_status(name, known.level, known.message, hardware_id=self._hardware_id, values=known.values)

    def _log(self, level: Level, line: str) -> None:
        """Log by level; each on a line of its own, since rclpy ties a line of code to one severity."""
        if self._closed:
            return
        logger = self._node.get_logger()
        if level == "ok":
            logger.info(line)
        elif level == "warn":
            logger.warning(line)
        else:
            logger.error(line)
