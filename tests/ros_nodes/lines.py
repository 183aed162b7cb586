"""Counts lines of this project's message code as they are run: a loop in Python shows, however fast the machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def lines_run(work: Callable[[], Any], inside: str = "ros_nodes/messages") -> int:
    """How many lines of the files below `inside` run during `work`."""
    count = 0

    def on_line(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return on_line

    def on_call(frame: FrameType, event: str, _argument: Any) -> Any:
        return on_line if inside in frame.f_code.co_filename and "tests" not in frame.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(on_call)
    try:
        work()
    finally:
        sys.settrace(before)
    return count
