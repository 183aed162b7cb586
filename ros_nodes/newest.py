"""`NewestWorker`: long work in a thread of its own, always on the newest item."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class NewestWorker(Generic[T]):
    """Does `work` on what `put` brings. An item that waits is replaced by a newer one and counted as dropped.

    Args:
        work: called in the worker's thread, one item at a time.
        name: the thread's name.
        on_error: called in the worker's thread with what `work` raised; the worker goes on. Without it the
            exception comes out of the next `put`.
    """

    def __init__(
        self, work: Callable[[T], None], name: str, *, on_error: Callable[[Exception], None] | None = None
    ) -> None:
        self._work, self._on_error = work, on_error
        self._changed = threading.Condition()
        self._waiting: list[T] = []
        self._error: Exception | None = None
        self._closing = self._busy = False
        self._done = self._dropped = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def done(self) -> int:
        """Items that were worked on to the end, with success or not."""
        return self._done

    @property
    def dropped(self) -> int:
        """Items that a newer one replaced, or that were waiting when the worker was closed."""
        return self._dropped

    @property
    def busy(self) -> bool:
        """Whether an item is being worked on, or waits."""
        with self._changed:
            return self._busy or bool(self._waiting)

    def put(self, item: T) -> None:
        """Hand over an item and return at once; after `close` it is dropped.

        Raises:
            Exception: what `work` raised since the last call, where there is no `on_error`.
        """
        with self._changed:
            error, self._error = self._error, None
            if self._closing:
                self._dropped += 1
            else:
                self._dropped += len(self._waiting)
                self._waiting = [item]
                self._changed.notify_all()
        if error is not None:
            raise error

    def wait_idle(self, timeout_s: float) -> bool:
        """Wait until nothing is left to do; False where it took longer than `timeout_s`."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._busy and not self._waiting, timeout_s)

    def close(self, timeout_s: float = 5.0) -> bool:
        """Drop what waits, let the item at hand end, stop the thread; True when it has stopped. May be called twice."""
        with self._changed:
            self._closing = True
            self._dropped += len(self._waiting)
            self._waiting = []
            self._changed.notify_all()
        if self._thread is not threading.current_thread():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                if self._closing:
                    return
                item, self._busy = self._waiting.pop(), True
            try:
                self._work(item)
            except Exception as error:  # what it is about is for the owner to say; the thread must live on
                self._tell(error)
            del item
            with self._changed:
                self._done, self._busy = self._done + 1, False
                self._changed.notify_all()

    def _tell(self, error: Exception) -> None:
        self._error = error
        if self._on_error is not None:
            try:
                self._on_error(error)
                self._error = None
            except Exception as another:  # raised by the next `put`, since nobody else is left to tell
                self._error = another
