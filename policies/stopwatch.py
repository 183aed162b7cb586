"""A stopwatch for the time that computing takes, started and stopped many times."""

from __future__ import annotations

import time
from types import TracebackType


class Stopwatch:
    """Adds up wall time spent inside `with` blocks."""

    def __init__(self) -> None:
        self.total_s = 0.0
        self._start_s = 0.0

    def __enter__(self) -> Stopwatch:
        self._start_s = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.total_s += time.perf_counter() - self._start_s
