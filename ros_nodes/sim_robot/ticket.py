"""A goal that one thread asks for and another one works on."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

OutcomeT = TypeVar("OutcomeT")


class Ticket(Generic[OutcomeT]):
    """Handed out when a goal is taken; it is finished once, by whoever works on the goal."""

    def __init__(self) -> None:
        self._done = threading.Event()
        self._lock = threading.Lock()
        self._outcome: OutcomeT | None = None

    @property
    def outcome(self) -> OutcomeT | None:
        """How it ended; None while it is under way."""
        return self._outcome if self._done.is_set() else None

    def finish(self, outcome: OutcomeT) -> None:
        """Say how it ended; only the first word counts."""
        with self._lock:
            if not self._done.is_set():
                self._outcome = outcome
                self._done.set()

    def wait(self, timeout_s: float) -> OutcomeT | None:
        """Wait for the end, at most so many seconds of wall time; None if it is still under way."""
        self._done.wait(timeout_s)
        return self.outcome
