"""Values that arrive later than they were sent."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class DelayLine(Generic[T]):
    """Gives back what was pushed a fixed number of pushes ago.

    Args:
        steps: how many pushes later a value arrives; 0 hands it through.
        first: what arrives before anything pushed has.
    """

    def __init__(self, steps: int, first: T) -> None:
        self._waiting: deque[T] = deque([first] * steps)

    def push(self, value: T) -> T:
        """Send a value, and take the one that arrives."""
        if not self._waiting:
            return value
        self._waiting.append(value)
        return self._waiting.popleft()
