"""What is being worked on right now, so that its end can be waited for."""

from __future__ import annotations

import threading
from types import TracebackType


class InFlight:
    """Counts what is under way: `with in_flight: ...`, in any number of threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count = 0

    def __enter__(self) -> None:
        with self._changed:
            self._count += 1

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

    @property
    def count(self) -> int:
        """How much is under way."""
        return self._count

    def wait_none(self, timeout_s: float) -> bool:
        """Wait until nothing is under way; False where it took longer than `timeout_s`."""
        with self._changed:
            return self._changed.wait_for(lambda: self._count == 0, timeout_s)
