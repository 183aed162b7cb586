"""`CallbackThreads`: spins nodes, each callback in a thread, with an end that can be waited for."""

from __future__ import annotations

import os
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import rclpy
from rclpy.context import Context
from rclpy.executors import Executor, ExternalShutdownException, ShutdownException, TimeoutException
from rclpy.logging import get_logger
from rclpy.node import Node

_LOOK_S = 0.1
_MISSES, _MISS_S = 50, 0.01
_LOGGER = "graspmimic"
_RCLPY = str(Path(rclpy.__file__).parent) + os.sep


class CallbackThreads:
    """Runs callbacks as rclpy's MultiThreadedExecutor does, and does what a node on a robot needs beyond that.

    - `stop` waits for the callbacks under way. rclpy 7.1's executor does not: its callbacks go on while their node is
      destroyed.
    - What a callback raises is told at once, not when some other callback is started.
    - Nothing ends because rclpy meets what another thread has just destroyed (a subscription at a lifecycle node's
      deactivation, a context), nor by any other error in which no callback took part (an answer to who went away):
      that is a warning in the log.
    - No more callbacks are taken than there are threads, so that none is queued twice.

    Attributes:
        executor: what nodes are added to.

    Args:
        threads: callbacks that may run at the same time, those that wait for others included; a thread is made only
            when it is needed.
        context: None is rclpy's default one.
        on_error: called with what a callback raised, in that callback's thread, or with what broke the spinning.
        on_end: called when the spinning has ended, whatever the reason.
    """

    def __init__(
        self,
        threads: int,
        *,
        context: Context | None = None,
        on_error: Callable[[Exception], None],
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        self.executor = Executor(context=context)
        self._context = self.executor.context
        self._count, self._free = threads, threading.Semaphore(threads)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="callback")
        self._on_error, self._on_end = on_error, on_end
        self._ending, self._stopped, self._misses = threading.Event(), False, 0
        self._spinner = threading.Thread(target=self._spin, name="executor")

    def add_node(self, node: Node) -> None:
        """Let a node's callbacks run; before or after `start`."""
        self.executor.add_node(node)

    def start(self) -> None:
        """Spin from now on."""
        self._spinner.start()

    def stop(self, timeout_s: float) -> bool:
        """Start no further callback and wait for those under way; False where that took longer than `timeout_s`."""
        self._ending.set()
        self.executor.wake()
        self._spinner.join()
        self._pool.shutdown(wait=False)
        deadline = time.monotonic() + timeout_s
        ended = all(self._free.acquire(timeout=max(0.0, deadline - time.monotonic())) for _ in range(self._count))
        self._stopped = True
        self._pool.shutdown(wait=ended)
        self.executor.shutdown()
        return ended

    def _spin(self) -> None:
        try:
            while not self._ending.is_set() and self._context.ok():
                if self._free.acquire(timeout=_LOOK_S):
                    self._start_next()
        except Exception as error:
            self._on_error(error)
        finally:
            self._on_end()

    def _start_next(self) -> None:
        """Give a callback that is ready to the thread that was kept free for it; give it back where none is."""
        task = None
        try:
            task, *_ = self.executor.wait_for_ready_callbacks(_LOOK_S)
            self._misses = 0
        except (TimeoutException, ShutdownException, ExternalShutdownException):
            self._misses = 0
        except RuntimeError:  # something was destroyed, or the context shut down, while rclpy looked at it
            self._misses += 1
            if self._context.ok() and self._misses > _MISSES:
                raise
            time.sleep(_MISS_S)  # soon it is not to be seen any more
        if task is None:
            self._free.release()
        else:
            self._pool.submit(self._run, task).add_done_callback(lambda _: self._free.release())

    def _run(self, task: Any) -> None:
        task()
        error = task.exception() if task.done() else None
        if error is None or self._stopped:
            return
        if _no_callback_took_part(error):
            if self._context.ok() and not _is_about_something_destroyed(error):
                text = " ".join(str(error).split())
                get_logger(_LOGGER).warning(f"rclpy failed by itself: {type(error).__name__}: {text}")
        elif self._context.ok() or not type(error).__module__.startswith("rclpy"):
            self._on_error(error)


def _is_about_something_destroyed(error: Exception) -> bool:
    return type(error).__name__ == "InvalidHandle"  # which lies in another module in each release


def _no_callback_took_part(error: Exception) -> bool:
    """Whether rclpy met this by itself; a TypeError may come of calling a callback that takes something else."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return not isinstance(error, TypeError) and all(one.f_code.co_filename.startswith(_RCLPY) for one in frames)
