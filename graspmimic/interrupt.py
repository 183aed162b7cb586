"""What Ctrl-C does to a command: it is interrupted, but not in the middle of an import."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_AGAIN_S = 0.05


@contextmanager
def interrupts_after_imports() -> Iterator[None]:
    """Raise KeyboardInterrupt for Ctrl-C in such a block as soon as nothing is being imported; for a second, at once.

    Compiled modules that are interrupted while they are imported raise other errors, leave their callers half made,
    or end the process when it exits. Whoever ignores Ctrl-C, or handles it otherwise, goes on to do so.
    """
    usual = signal.getsignal(signal.SIGINT)
    if usual is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, _Interrupt())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)


class _Interrupt:
    """Handles SIGINT: sends it again a little later while something is being imported."""

    def __init__(self) -> None:
        self._waits = self._is_again = False

    def __call__(self, _: int, frame: FrameType | None) -> None:
        is_again, self._is_again = self._is_again, False
        if not _is_importing(frame) or (self._waits and not is_again):
            raise KeyboardInterrupt
        self._waits = True
        timer = threading.Timer(_AGAIN_S, self._send_again)
        timer.daemon = True
        timer.start()

    def _send_again(self) -> None:
        self._is_again = True
        os.kill(os.getpid(), signal.SIGINT)


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None and frame.f_code.co_filename != "<frozen importlib._bootstrap>":
        frame = frame.f_back
    return frame is not None
