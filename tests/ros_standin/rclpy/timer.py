"""rclpy.timer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from rclpy.clock import Clock, ClockChange, TimeJump
from rclpy.entity import Entity, await_or_execute, refuse_destroyed
from rclpy.exceptions import ROSInterruptException, TimerCancelledError


class Timer(Entity):
    """Calls back each period of its clock; behind time, it skips whole periods instead of catching up."""

    def __init__(
        self, node: Any, callback: Callable[[], Any], callback_group: Any, period_ns: int, clock: Clock, autostart: bool
    ) -> None:
        super().__init__(node, callback_group)
        if period_ns < 0:
            raise ValueError("timer period must be non-negative")
        self.callback, self.clock, self._period_ns = callback, clock, period_ns
        self._lock = threading.RLock()
        self._canceled, self.destroyed = not autostart, False
        self._last = clock.read_ns()
        self._next = self._last + period_ns
        clock.timers.add(self)

    @property
    def timer_period_ns(self) -> int:
        return self._period_ns

    @timer_period_ns.setter
    def timer_period_ns(self, value: int) -> None:
        self._period_ns = int(value)
        self.wake()

    def is_ready(self) -> bool:
        return not self._canceled and self.clock.read_ns() >= self._next

    def is_canceled(self) -> bool:
        refuse_destroyed(self.destroyed)
        return self._canceled

    def cancel(self) -> None:
        refuse_destroyed(self.destroyed)
        self._canceled = True

    def reset(self) -> None:
        refuse_destroyed(self.destroyed)
        with self._lock:
            self._canceled = False
            self._next = self.clock.read_ns() + self._period_ns
        self.wake()

    def time_since_last_call(self) -> int:
        return self.clock.read_ns() - self._last

    def time_until_next_call(self) -> int | None:
        if self._canceled:
            raise TimerCancelledError()
        return self._next - self.clock.read_ns()

    def destroy(self) -> None:
        self._canceled = self.destroyed = True
        self.clock.timers.discard(self)

    def take(self) -> bool | None:
        with self._lock:
            if not self.is_ready():
                return None
            now = self._last = self.clock.read_ns()
            self._next += self._period_ns
            if self._next < now:
                missed = 0 if self._period_ns == 0 else 1 + (now - self._next - 1) // self._period_ns
                self._next = self._next + missed * self._period_ns if self._period_ns else now
            return True

    async def run(self, taken: Any) -> None:
        await await_or_execute(self.callback)

    def seconds_left(self) -> float | None:
        if self._canceled or self.scheduled or self.clock.simulated or not self.callback_group.can_execute(self):
            return None
        return (self._next - self.clock.read_ns()) * 1e-9

    def clock_moved(self, jump: TimeJump, before_ns: int) -> None:
        """Keep the time left over a change of the kind of time; start anew after a jump to before the last call."""
        now = self.clock.read_ns()
        with self._lock:
            if jump.clock_change != ClockChange.ROS_TIME_NO_CHANGE:
                if now != 0:
                    self._next = now + (self._next - before_ns)
                    self._last = now
            elif now < self._last:
                self._last, self._next = now, now + self._period_ns
        self.wake()


class Rate:
    """Sleeps in step with a timer; something else must spin the node."""

    def __init__(self, timer: Timer, *, context: Any) -> None:
        self._timer, self._context = timer, context
        self._tick = threading.Condition()
        self._ticks = 0
        self._destroyed = False
        timer.callback = self._ticked
        context.on_shutdown(self._wake)

    def _ticked(self) -> None:
        self._ticks += 1
        self._wake()

    def _wake(self) -> None:
        with self._tick:
            self._tick.notify_all()

    def destroy(self) -> None:
        self._destroyed = True
        self._timer.destroy()
        self._wake()

    def sleep(self) -> None:
        if self._destroyed or not self._context.ok() or self._timer.is_canceled():
            raise ROSInterruptException()
        with self._tick:
            seen = self._ticks
            self._tick.wait_for(lambda: self._ticks != seen or self._destroyed or not self._context.ok())
        if self._destroyed or not self._context.ok():
            raise ROSInterruptException()
