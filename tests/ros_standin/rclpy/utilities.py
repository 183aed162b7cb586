"""rclpy.utilities."""

from __future__ import annotations

import threading
from typing import Any

from rclpy.constants import S_TO_NS

_lock = threading.Lock()
_default: Any = None


def get_default_context(*, shutting_down: bool = False) -> Any:
    """The context of `rclpy.init()`; after its shutdown a new one."""
    global _default
    from rclpy.context import Context

    with _lock:
        if _default is None:
            _default = Context()
        found = _default
        if shutting_down:
            _default = None
    return found


def ok(*, context: Any = None) -> bool:
    return bool((context or get_default_context()).ok())


def shutdown(*, context: Any = None) -> None:
    (get_default_context(shutting_down=True) if context is None else context).shutdown()


def try_shutdown(*, context: Any = None) -> None:
    found = get_default_context() if context is None else context
    if found.ok():
        shutdown(context=context)


def get_rmw_implementation_identifier() -> str:
    return "rmw_stand_in"


def timeout_sec_to_nsec(timeout_sec: float | None) -> int:
    return -1 if timeout_sec is None or timeout_sec < 0 else int(float(timeout_sec) * S_TO_NS)
