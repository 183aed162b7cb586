"""`wait_for` and `wait_until`: wait inside a callback, by looking again and again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

_PERIOD_S = 0.002
_LOOK_S = 0.01


def wait_for(future: Any, *, timeout_s: float, until: Callable[[], bool] | None = None) -> Any:
    """Wait for an rclpy future by polling it, while other threads of the executor fulfil it.

    For callbacks in a ReentrantCallbackGroup under a MultiThreadedExecutor, and for threads of one's own; under a
    single-threaded executor, or where the client's callbacks share the caller's exclusive group, the future would
    never be done and this waits in vain.

    Args:
        future: what `call_async`, `send_goal_async`, `get_result_async` or `cancel_goal_async` returned.
        timeout_s: longest wait in seconds of the wall clock, which goes on where simulated time stands still.
        until: asked again and again; where it says True, the wait is given up: a cancel, a shutdown.
    Returns:
        The future's result, or None where the time was up, `until` said so, or the future was cancelled.
    Raises:
        Exception: what the future holds in place of a result.
    """
    deadline = time.monotonic() + timeout_s
    while not future.done():
        if time.monotonic() >= deadline or (until is not None and until()):
            return None
        time.sleep(_PERIOD_S)
    return None if future.cancelled() else future.result()


def wait_until(is_so: Callable[[], bool], *, timeout_s: float, watch: Callable[[], None] = lambda: None) -> bool:
    """Wait until something is so; whether it is in time.

    Args:
        is_so: asked again and again.
        timeout_s: longest wait in seconds of the wall clock.
        watch: called in between; what it raises ends the wait.
    """
    deadline = time.monotonic() + timeout_s
    while not is_so():
        watch()
        if time.monotonic() >= deadline:
            return False
        time.sleep(_LOOK_S)
    return True
