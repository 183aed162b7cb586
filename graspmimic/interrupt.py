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
    """Raise KeyboardInterrupt for Ctrl-C in such a block as soon as nothing is being imported.

    Compiled modules that are interrupted while they are imported raise other errors, leave their callers half made,
    or end the process when it exits. Whoever ignores Ctrl-C, or handles it otherwise, goes on to do so.
    """
    usual = signal.getsignal(signal.SIGINT)
    if usual is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)


def _interrupt(_: int, frame: FrameType | None) -> None:
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            again = threading.Timer(_AGAIN_S, os.kill, (os.getpid(), signal.SIGINT))
            again.daemon = True
            again.start()
            return
        frame = frame.f_back
    raise KeyboardInterrupt
