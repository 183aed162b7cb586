"""rclpy.task: futures, and callbacks or coroutines that an executor runs."""

from __future__ import annotations

import inspect
import threading
import warnings
import weakref
from collections.abc import Callable, Generator
from typing import Any


class Future:
    """A result that is there later; done callbacks run in the executor, where there is one."""

    def __init__(self, *, executor: Any = None) -> None:
        self._lock = threading.RLock()
        self._done = self._cancelled = False
        self._result: Any = None
        self._exception: BaseException | None = None
        self._callbacks: list[Callable[[Any], None]] = []
        self._waiters: list[Callable[[], None]] = []
        self._executor: Any = (lambda: None) if executor is None else weakref.ref(executor)

    def __await__(self) -> Generator[Any, None, Any]:
        while not self._done:
            yield self
        return self.result()

    def done(self) -> bool:
        return self._done

    def cancelled(self) -> bool:
        return self._cancelled

    def cancel(self) -> None:
        with self._lock:
            if self._done:
                return
            self._cancelled = True
        self._finish()

    def result(self) -> Any:
        """The result; None while there is none. Raises what the work raised."""
        if self._exception is not None:
            raise self._exception
        return self._result

    def exception(self) -> BaseException | None:
        return self._exception

    def set_result(self, result: Any) -> None:
        with self._lock:
            self._result, self._done, self._cancelled = result, True, False
        self._finish()

    def set_exception(self, exception: BaseException) -> None:
        with self._lock:
            self._exception, self._done, self._cancelled = exception, True, False
        self._finish()

    def add_done_callback(self, callback: Callable[[Any], Any]) -> None:
        with self._lock:
            if not self._done:
                self._callbacks.append(callback)
                return
        executor = self._executor()
        if executor is not None:
            executor.create_task(callback, self)
        else:
            callback(self)

    def remove_done_callback(self, callback: Callable[[Any], Any]) -> bool:
        with self._lock:
            kept = [known for known in self._callbacks if known != callback]
            removed = len(kept) != len(self._callbacks)
            self._callbacks = kept
        return removed

    def when_done(self, waiter: Callable[[], None]) -> None:
        """Call at once in the thread that finishes this future (not in rclpy: what executors wait with)."""
        with self._lock:
            if not (self._done or self._cancelled):
                self._waiters.append(waiter)
                return
        waiter()

    def set_executor(self, executor: Any) -> None:
        self._executor = weakref.ref(executor)

    def _finish(self) -> None:
        with self._lock:
            callbacks, self._callbacks = self._callbacks, []
            waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter()
        for callback in callbacks:
            self._call(callback)

    def _call(self, callback: Callable[[Any], Any]) -> None:
        executor = self._executor()
        if executor is not None:
            executor.create_task(callback, self)
            return
        try:
            callback(self)
        except Exception as error:  # there may be more callbacks to call
            warnings.warn(f"Unhandled exception in done callback: {error}", stacklevel=2)


class Task(Future):
    """A function or coroutine function that an executor calls until it is done."""

    def __init__(self, handler: Any, args: Any = None, kwargs: Any = None, executor: Any = None) -> None:
        super().__init__(executor=executor)
        self._handler, self._args, self._kwargs = handler, args or (), kwargs or {}
        self._coroutine: Any = None
        if inspect.iscoroutinefunction(handler):
            self._coroutine = handler(*self._args, **self._kwargs)
        self._step_lock = threading.Lock()

    def __call__(self) -> None:
        with self._step_lock:
            if self._done or self._cancelled:
                return
            try:
                self._step()
            except Exception as error:
                self.set_exception(error)

    def _step(self) -> None:
        if self._coroutine is None:
            self.set_result(self._handler(*self._args, **self._kwargs))
            return
        try:
            awaited = self._coroutine.send(None)
        except StopIteration as stop:
            self.set_result(stop.value)
            return
        executor = self._executor()
        if isinstance(awaited, Future) and executor is not None:
            awaited.when_done(lambda: executor.schedule(self))
        elif executor is not None:
            executor.schedule(self)

    def executing(self) -> bool:
        return self._step_lock.locked()

    def cancel(self) -> None:
        if self._coroutine is not None and not self.executing():
            self._coroutine.close()
        super().cancel()
