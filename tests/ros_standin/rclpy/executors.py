"""rclpy.executors."""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rclpy.entity import Entity, await_or_execute
from rclpy.task import Future, Task
from rclpy.utilities import get_default_context

__all__ = [
    "ConditionReachedException", "Executor", "ExternalShutdownException", "MultiThreadedExecutor", "ShutdownException",
    "SingleThreadedExecutor", "TimeoutException", "await_or_execute",
]  # fmt: skip


_SIGNALS_S = 0.5
"""How late a main thread may notice a signal."""


class TimeoutException(Exception):
    """Nothing became ready in time."""


class ShutdownException(Exception):
    """The executor was shut down."""


class ExternalShutdownException(Exception):
    """The context was shut down."""


class ConditionReachedException(Exception):
    """The future is done."""


class Executor:
    """Waits for work of its nodes; how it is run is up to the class derived from it."""

    def __init__(self, *, context: Any = None) -> None:
        self._context = get_default_context() if context is None else context
        self._nodes: set[Any] = set()
        self._lock = threading.RLock()
        self._batch: deque[Entity] = deque()
        self._ready_tasks: deque[Task] = deque()
        self._failed: deque[Task] = deque()
        self._is_shutdown = False
        # Released to wake, acquired to wait: a bare lock may be released in a signal's handler at any moment, which
        # an Event may not, and its wait ends in time whatever interrupts it, which that of a SimpleQueue does not.
        self._bell = threading.Lock()
        self._bell.acquire()
        self._context.on_shutdown(self.wake)

    @property
    def context(self) -> Any:
        return self._context

    def create_task(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> Task:
        task = Task(callback, args, kwargs, executor=self)
        self.schedule(task)
        return task

    def create_future(self) -> Future:
        return Future(executor=self)

    def schedule(self, task: Task) -> None:
        """Run a task in the next spin (not in rclpy)."""
        self._ready_tasks.append(task)
        self.wake()

    def wake(self) -> None:
        try:
            self._bell.release()
        except RuntimeError:  # it rings already
            pass

    def add_node(self, node: Any) -> bool:
        with self._lock:
            if node in self._nodes:
                return False
            self._nodes.add(node)
        node.executor = self
        self.wake()
        return True

    def remove_node(self, node: Any) -> None:
        with self._lock:
            self._nodes.discard(node)
            self._batch = deque(entity for entity in self._batch if entity.node is not node)
        self.wake()

    def get_nodes(self) -> list[Any]:
        with self._lock:
            return list(self._nodes)

    def shutdown(self, timeout_sec: float | None = None) -> bool:
        self._is_shutdown = True
        self.wake()
        with self._lock:
            self._nodes.clear()
            self._batch.clear()
        return True

    def __enter__(self) -> Executor:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()

    def spin(self) -> None:
        while self._context.ok() and not self._is_shutdown:
            self.spin_once()

    def spin_once(self, timeout_sec: float | None = None) -> None:
        self._spin_once(timeout_sec, lambda: False)

    def spin_once_until_future_complete(self, future: Future, timeout_sec: float | None = None) -> None:
        future.when_done(self.wake)
        self._spin_once(timeout_sec, future.done)

    def spin_until_future_complete(self, future: Future, timeout_sec: float | None = None) -> None:
        future.when_done(self.wake)
        end = None if timeout_sec is None or timeout_sec < 0 else time.monotonic() + timeout_sec
        while self._context.ok() and not future.done() and not future.cancelled() and not self._is_shutdown:
            left = None if end is None else end - time.monotonic()
            if left is not None and left < 0:
                return
            self._spin_once(left, future.done)

    def _spin_once(self, timeout_sec: float | None, condition: Callable[[], bool]) -> None:
        raise NotImplementedError

    def wait_for_ready_callbacks(
        self,
        timeout_sec: float | None = None,
        nodes: list[Any] | None = None,
        condition: Callable[[], bool] = lambda: False,
    ) -> tuple[Task, Entity | None, Any]:
        """Block until a callback may run: its task, what it is of, and the node."""
        end = None if timeout_sec is None or timeout_sec < 0 else time.monotonic() + timeout_sec
        while True:
            self._bell.acquire(blocking=False)  # what rings from here on is seen in the wait below
            if self._is_shutdown:
                raise ShutdownException()
            if condition():
                raise ConditionReachedException()
            if not self._context.ok():
                raise ExternalShutdownException()
            if self._failed:
                self._failed.popleft().result()
            chosen = self._chosen(self.get_nodes() if nodes is None else nodes)
            if chosen is not None:
                return chosen
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutException()
            patience = self._patience(left)
            self._bell.acquire(timeout=-1 if patience is None else patience)

    def _patience(self, left: float | None) -> float | None:
        times = [entity.seconds_left() for node in self.get_nodes() for entity in node.timed_entities()]
        # A signal that comes just before the wait does not end it; rclpy has its handlers in C, where it does.
        signals = _SIGNALS_S if threading.current_thread() is threading.main_thread() else None
        known = [max(one, 0.0) for one in (*times, left, signals) if one is not None]
        return min(known) if known else None

    def _chosen(self, nodes: list[Any]) -> tuple[Task, Entity | None, Any] | None:
        if self._ready_tasks:
            return self._ready_tasks.popleft(), None, None
        for collect in (False, True):
            if collect:
                found = [entity for node in nodes for entity in node.entities() if self._may_run(entity)]
                with self._lock:
                    self._batch.extend(found)
            while True:
                with self._lock:
                    entity = self._batch.popleft() if self._batch else None
                if entity is None:
                    break
                if self._may_run(entity):
                    entity.scheduled = True
                    return Task(self._work, (entity,), executor=self), entity, entity.node
        return None

    @staticmethod
    def _may_run(entity: Entity) -> bool:
        return not entity.scheduled and entity.callback_group.can_execute(entity) and entity.is_ready()

    async def _work(self, entity: Entity) -> None:
        if self._is_shutdown or not entity.callback_group.beginning_execution(entity):
            entity.scheduled = False
            self.wake()
            return
        try:
            try:
                taken = entity.take()
            finally:
                entity.scheduled = False
                self.wake()
            if taken is not None:
                await entity.run(taken)
        finally:
            entity.callback_group.ending_execution(entity)
            self.wake()


class SingleThreadedExecutor(Executor):
    """Runs callbacks in the thread that spins."""

    def _spin_once(self, timeout_sec: float | None, condition: Callable[[], bool]) -> None:
        try:
            task, *_ = self.wait_for_ready_callbacks(timeout_sec, None, condition)
        except (ShutdownException, TimeoutException, ConditionReachedException):
            return
        task()
        if task.exception() is not None:
            task.result()


class MultiThreadedExecutor(Executor):
    """Runs callbacks in a pool of threads."""

    def __init__(self, num_threads: int | None = None, *, context: Any = None) -> None:
        super().__init__(context=context)
        if num_threads is None:
            num_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2
        if num_threads == 1:
            warnings.warn(
                "MultiThreadedExecutor is used with a single thread.\nUse the SingleThreadedExecutor instead.",
                stacklevel=2,
            )
        self._pool = ThreadPoolExecutor(num_threads, thread_name_prefix="executor")

    def _spin_once(self, timeout_sec: float | None, condition: Callable[[], bool]) -> None:
        try:
            task, *_ = self.wait_for_ready_callbacks(timeout_sec, None, condition)
        except (ExternalShutdownException, ShutdownException, TimeoutException, ConditionReachedException):
            return
        with self._lock:
            if self._is_shutdown:
                task.cancel()
            else:
                self._pool.submit(self._call, task)

    def _call(self, task: Task) -> None:
        task()
        if task.exception() is not None:
            self._failed.append(task)
            self.wake()

    def shutdown(self, timeout_sec: float | None = None) -> bool:
        """Take no more work; as in rclpy 7.1, what is under way goes on and is not waited for."""
        with self._lock:
            success = super().shutdown(timeout_sec)
            self._pool.shutdown(wait=False)
        return success
