"""Time by stage, told to whoever asks: `clock = StageClock(on_stage, device)`, then `clock.lap("backbone")`."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

OnStage = Callable[[str, float], None]
"""Is told the name of each stage as it ends, and how long it took, seconds; a stage may come more than once."""


class StageClock:
    """Splits a piece of work into stages that follow each other without a gap, so that they add up to the whole.

    Without anybody to tell it does nothing at all; a GPU is waited for only where somebody asks.

    Args:
        on_stage: is told of each stage; None for nobody.
        device: where the work is done.
    """

    def __init__(self, on_stage: OnStage | None, device: torch.device | str = "cpu") -> None:
        self._on_stage = on_stage
        self._device = torch.device(device)
        self._start_s = self._now_s() if on_stage else 0.0

    def lap(self, stage: str) -> None:
        """Say that a stage ends here and the next begins."""
        if self._on_stage is None:
            return
        now_s = self._now_s()
        self._on_stage(stage, now_s - self._start_s)
        self._start_s = now_s

    def _now_s(self) -> float:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter()
