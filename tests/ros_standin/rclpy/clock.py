"""rclpy.clock: system, steady and ROS clocks, and what happens when one jumps."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from enum import IntEnum
from typing import Any

from rclpy.clock_type import ClockType
from rclpy.duration import Duration
from rclpy.exceptions import NotInitializedException
from rclpy.time import Time
from rclpy.utilities import get_default_context

__all__ = ["Clock", "ClockChange", "ClockType", "JumpHandle", "JumpThreshold", "ROSClock", "TimeJump"]


class ClockChange(IntEnum):
    ROS_TIME_NO_CHANGE = 1
    ROS_TIME_ACTIVATED = 2
    ROS_TIME_DEACTIVATED = 3
    SYSTEM_TIME_NO_CHANGE = 4


class JumpThreshold:
    """From which jump on a callback wants to know."""

    def __init__(
        self, *, min_forward: Duration | None, min_backward: Duration | None, on_clock_change: bool = True
    ) -> None:
        if min_forward is not None and min_forward.nanoseconds <= 0:
            raise ValueError("min_forward must be a positive non-zero duration")
        if min_backward is not None and min_backward.nanoseconds >= 0:
            raise ValueError("min_backward must be a negative non-zero duration")
        if min_forward is None and min_backward is None and not on_clock_change:
            raise ValueError("At least one jump threshold must be enabled")
        self.min_forward, self.min_backward, self.on_clock_change = min_forward, min_backward, on_clock_change

    def met_by(self, jump: TimeJump) -> bool:
        if jump.clock_change in (ClockChange.ROS_TIME_ACTIVATED, ClockChange.ROS_TIME_DEACTIVATED):
            return self.on_clock_change
        ahead = self.min_forward is not None and jump.delta >= self.min_forward
        return ahead or (self.min_backward is not None and jump.delta <= self.min_backward)


class TimeJump:
    """What a clock did."""

    def __init__(self, clock_change: ClockChange, delta: Duration) -> None:
        self.clock_change, self.delta = clock_change, delta


class JumpHandle:
    """Keeps a jump callback registered until `unregister`."""

    def __init__(
        self,
        clock: Clock,
        threshold: JumpThreshold,
        pre_callback: Callable[[], None] | None,
        post_callback: Callable[[TimeJump], None] | None,
    ) -> None:
        if pre_callback is None and post_callback is None:
            raise ValueError("One of pre_callback or post_callback must be callable")
        self.threshold, self.pre_callback, self.post_callback = threshold, pre_callback, post_callback
        self._clock: Clock | None = clock
        clock.jump_handles.append(self)

    def unregister(self) -> None:
        if self._clock is not None:
            self._clock.jump_handles.remove(self)
            self._clock = None

    def __enter__(self) -> JumpHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.unregister()


class Clock:
    """A clock of a kind; `Clock(clock_type=ClockType.ROS_TIME)` is a ROSClock."""

    def __new__(cls, *, clock_type: ClockType = ClockType.SYSTEM_TIME) -> Clock:
        if not isinstance(clock_type, ClockType):
            raise TypeError("Clock type must be a ClockType enum")
        return super().__new__(ROSClock if clock_type is ClockType.ROS_TIME else cls)

    def __init__(self, *, clock_type: ClockType = ClockType.SYSTEM_TIME) -> None:
        self._clock_type = clock_type
        self.jump_handles: list[JumpHandle] = []
        self.moved = threading.Condition()
        self.timers: weakref.WeakSet[Any] = weakref.WeakSet()

    @property
    def clock_type(self) -> ClockType:
        return self._clock_type

    def __repr__(self) -> str:
        return f"Clock(clock_type={self._clock_type.name})"

    def read_ns(self) -> int:
        return time.monotonic_ns() if self._clock_type is ClockType.STEADY_TIME else time.time_ns()

    def now(self) -> Time:
        return Time(nanoseconds=self.read_ns(), clock_type=self._clock_type)

    def create_jump_callback(
        self,
        threshold: JumpThreshold,
        *,
        pre_callback: Callable[[], None] | None = None,
        post_callback: Callable[[TimeJump], None] | None = None,
    ) -> JumpHandle:
        return JumpHandle(self, threshold, pre_callback, post_callback)

    def sleep_until(self, until: Time, context: Any = None) -> bool:
        """Block until the clock shows this time; False if the context was shut down or the kind of time changed."""
        if until.clock_type != self._clock_type:
            raise ValueError("until's clock type does not match this clock's type")
        context = context or get_default_context()
        if not context.ok():
            raise NotInitializedException()
        started_simulated = self.simulated
        context.on_shutdown(self.wake)
        with self.moved:
            while context.ok() and self.simulated == started_simulated:
                left = (until.nanoseconds - self.read_ns()) * 1e-9
                if left <= 0:
                    return True
                self.moved.wait(None if self.simulated else min(left, threading.TIMEOUT_MAX))
        return False

    def sleep_for(self, rel_time: Duration, context: Any = None) -> bool:
        return self.sleep_until(self.now() + rel_time, context)

    def wake(self) -> None:
        with self.moved:
            self.moved.notify_all()

    @property
    def simulated(self) -> bool:
        """Whether the time comes from /clock."""
        return False


class ROSClock(Clock):
    """System time, or the time of /clock where `use_sim_time` is set: 0 before its first message."""

    def __new__(cls) -> ROSClock:
        return object.__new__(cls)

    def __init__(self, **_: Any) -> None:
        super().__init__(clock_type=ClockType.ROS_TIME)
        self._active = False
        self._override = 0

    @property
    def simulated(self) -> bool:
        return self._active

    @property
    def ros_time_is_active(self) -> bool:
        return self._active

    def read_ns(self) -> int:
        return self._override if self._active else time.time_ns()

    def set_ros_time_override(self, moment: Time) -> None:
        if not isinstance(moment, Time):
            raise TypeError("Time must be specified as rclpy.time.Time.")
        if not self._active:
            self._override = moment.nanoseconds
            return
        delta = Duration(nanoseconds=moment.nanoseconds - self._override)
        self._jump(TimeJump(ClockChange.ROS_TIME_NO_CHANGE, delta), self._active, moment.nanoseconds)

    def _set_ros_time_is_active(self, enabled: bool) -> None:
        if enabled != self._active:
            change = ClockChange.ROS_TIME_ACTIVATED if enabled else ClockChange.ROS_TIME_DEACTIVATED
            self._jump(TimeJump(change, Duration()), enabled, self._override)

    def _jump(self, jump: TimeJump, active: bool, override: int) -> None:
        told = [handle for handle in list(self.jump_handles) if handle.threshold.met_by(jump)]
        for handle in told:
            if handle.pre_callback is not None:
                handle.pre_callback()
        before = self.read_ns()
        with self.moved:
            self._active, self._override = active, override
            self.moved.notify_all()
        for handle in told:
            if handle.post_callback is not None:
                handle.post_callback(jump)
        for timer in list(self.timers):
            timer.clock_moved(jump, before)
