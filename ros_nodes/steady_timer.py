"""`steady_timer`: a timer that goes on where simulated time stands still."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.callback_groups import CallbackGroup, MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.node import Node


def steady_timer(node: Node, period_s: float, callback: Callable[[], None], group: CallbackGroup | None = None) -> Any:
    """A timer of the machine's steady clock; in a callback group of its own where none is given."""
    own = MutuallyExclusiveCallbackGroup() if group is None else group
    return node.create_timer(period_s, callback, callback_group=own, clock=Clock(clock_type=ClockType.STEADY_TIME))
