"""How foreseen actions become one action after the other: a queue, or the mean of all that were foreseen."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

from geometry import InputError

Array = NDArray[np.float32]


class ActionChunks:
    """Gives out the actions of chunks, one a step.

    Without ensembling, the first `execute` actions of a chunk are done one after the other, then a new chunk is
    asked for (receding horizon). With it, a chunk is asked for at every step, and the action is the weighted mean
    of what all chunks so far foresaw for this moment, with weights exp(-rate i), i = 0 for the oldest chunk
    (Zhao et al., RSS 2023, algorithm 2: a small rate takes new observations in quickly).

    Args:
        execute: E, actions of a chunk that are done.
        ensemble_rate: weights of the temporal ensemble; None does without.
    """

    def __init__(self, *, execute: int, ensemble_rate: float | None = None) -> None:
        if execute < 1 or (ensemble_rate is not None and not math.isfinite(ensemble_rate)):
            raise InputError(
                "ActionChunks",
                expected="execute of at least 1, a finite ensemble_rate or None",
                got=f"{execute} and {ensemble_rate}",
            )
        self._execute, self._rate = execute, ensemble_rate
        self._queue: deque[Array] = deque()
        self._chunks: deque[Array] = deque()

    def reset(self) -> None:
        """An episode begins."""
        self._queue.clear()
        self._chunks.clear()

    @property
    def wants_chunk(self) -> bool:
        """Whether `add` must be called before `next`."""
        return self._rate is not None or not self._queue

    def add(self, chunk: Array) -> None:
        """A new chunk (K, A), its first action for this step."""
        if self._rate is None:
            self._queue = deque(chunk[: self._execute])
            return
        self._chunks.append(chunk)
        while len(self._chunks[0]) < len(self._chunks):
            self._chunks.popleft()

    def next(self) -> Array:
        """(A,) the action for this step."""
        if self._rate is None:
            return self._queue.popleft()
        age = len(self._chunks) - 1
        foreseen = np.stack([chunk[age - i] for i, chunk in enumerate(self._chunks)])
        weights = np.exp(-self._rate * np.arange(len(foreseen)))
        return (weights @ foreseen / weights.sum()).astype(np.float32)
