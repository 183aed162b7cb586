"""The one thread that owns the simulated world: it steps it, and does what others ask for in between."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar

T = TypeVar("T")
_JOIN_S = 10.0


class PhysicsThread:
    """Calls `begin` once, `advance` again and again, and `end` once, all in one thread.

    Args:
        begin: makes the world.
        advance: steps it.
        end: frees it.
        on_error: told of what `begin` or `advance` raised; the thread then ends.
    """

    def __init__(
        self,
        begin: Callable[[], None],
        advance: Callable[[], None],
        end: Callable[[], None],
        *,
        on_error: Callable[[BaseException], None],
    ) -> None:
        self._begin, self._advance, self._end, self._on_error = begin, advance, end, on_error
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="physics", daemon=True)

    @property
    def closing(self) -> bool:
        """Whether it has been asked to end."""
        return self._closing.is_set()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def wait_ready(self, timeout_s: float) -> bool:
        """Wait until the world is there, or cannot be made; whether it was not too long."""
        return self._ready.wait(timeout_s)

    def between_steps(self, job: Callable[[], T]) -> Future[T]:
        """Have a job done between two calls of `advance`; it may take long, the world stands still meanwhile."""
        future: Future[T] = Future()
        if self.closing:
            future.cancel()
        else:
            self._jobs.put((job, future))
        return future

    def stop(self) -> None:
        """Have it end after the step at hand, without waiting for that; from any thread."""
        self._closing.set()

    def close(self) -> bool:
        """End after the step at hand; whether the thread has ended. Twice is harmless."""
        self._closing.set()
        if self._thread.ident is not None and threading.current_thread() is not self._thread:
            self._thread.join(_JOIN_S)
        self._drop_jobs()
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._begin()
            self._ready.set()
            while not self.closing:
                self._do_jobs()
                self._advance()
        except Exception as error:  # whatever it is, the node must hear of it and the world must be freed
            self._on_error(error)
        finally:
            self._closing.set()
            self._ready.set()
            self._end()
            self._drop_jobs()

    def _do_jobs(self) -> None:
        while not self._jobs.empty():
            job, future = self._jobs.get()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(job())
            except Exception as error:  # the asker gets it
                future.set_exception(error)

    def _drop_jobs(self) -> None:
        while not self._jobs.empty():
            self._jobs.get()[1].cancel()


def outcome_of(future: Future[T], timeout_s: float) -> T | None:
    """The job's result; None where it was dropped or took longer than `timeout_s`.

    Raises:
        Exception: what the job raised.
    """
    try:
        return future.result(timeout_s)
    except (CancelledError, TimeoutError):
        return None
