"""Processes that work for this one: Ctrl-C does not reach them, and none stays when their master goes.

At a keyboard Ctrl-C goes to every process of the job. In a worker it would end in a traceback, most often of an
import, for that is what a worker does first. It means the master, which ends its workers.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from multiprocessing.reduction import ForkingPickler
from typing import Any, TypeVar

T = TypeVar("T")
_LEAVE_S = 10.0

_SPAWN = multiprocessing.get_context("spawn")
"""Not forked: Open3D's and BLAS's thread pools do not survive a fork."""


@contextmanager
def starting_workers() -> Iterator[None]:
    """Start processes in such a block: they never hear SIGINT, and one that comes to this process waits for its end."""
    usual = signal.getsignal(signal.SIGINT)
    is_ours = usual is not None and threading.current_thread() is threading.main_thread()
    came: list[int] = []
    if is_ours:
        # Blocked below is one thread; the kernel gives the signal to another, and Python would raise it here.
        signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        with _sigint_blocked():
            yield
    finally:
        if is_ours:
            signal.signal(signal.SIGINT, usual)
        if came:
            signal.raise_signal(signal.SIGINT)


@contextmanager
def _sigint_blocked() -> Iterator[None]:
    """Block SIGINT in this thread: a process inherits that from the thread which starts it, and keeps it."""
    if sys.platform == "win32":
        yield
        return
    resource_tracker.ensure_running()  # comes with the first process, and unblocks SIGINT when it has started
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def start_worker(serve: Callable[..., None], *args: Any, is_leaf: bool = True) -> tuple[SpawnProcess, Connection]:
    """Start `serve(line, *args)` in a process of its own.

    Args:
        serve: must pickle, as `args` must; its line closes when this process goes or closes the other end.
        args: what it is given besides its line.
        is_leaf: whether it starts no processes itself; such a one is ended when this process exits, and for others
            this process waits.

    Returns:
        The process, and this one's end of the line.
    """
    with starting_workers():
        ours, theirs = _SPAWN.Pipe()
        process = _SPAWN.Process(target=_serve, args=(serve, theirs, args), daemon=is_leaf)
        process.start()
        theirs.close()
    return process, ours


class WorkerPool:
    """Worker processes that make calls; they start when there is something to do, and stay until `close`.

    Args:
        workers: how many at most.
        prepare: is called in each of them first; must pickle, as `args` must.
        args: what it is given.
    """

    def __init__(self, workers: int, prepare: Callable[..., object] | None = None, *args: Any) -> None:
        self._most, self._given = workers, (prepare, args)
        self._idle: dict[Connection, SpawnProcess] = {}
        self._busy: dict[Connection, tuple[SpawnProcess, int]] = {}

    def __enter__(self) -> WorkerPool:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """See `close`."""
        self.close()

    def as_done(self, calls: Iterable[Callable[[], T]]) -> Iterator[tuple[int, T]]:
        """Make calls; give each one's number and result as it ends.

        Args:
            calls: must pickle, as their results must.

        Raises:
            Exception: what a call raises.
            RuntimeError: if a worker dies.
        """
        waiting = enumerate(calls)
        try:
            while True:
                while len(self._busy) < self._most and (given := next(waiting, None)) is not None:
                    self._give(*given)
                if not self._busy:
                    return
                for line in wait(list(self._busy)):
                    assert isinstance(line, Connection)
                    yield self._take(line)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the workers, those that are busy at once; the next call starts others."""
        atexit.unregister(self.close)
        for process, _ in self._busy.values():
            process.terminate()
        for line in (*self._busy, *self._idle):
            line.close()
        for process in (*(process for process, _ in self._busy.values()), *self._idle.values()):
            process.join(_LEAVE_S)
            if process.is_alive():
                process.kill()
                process.join()
        self._busy.clear()
        self._idle.clear()

    def _give(self, number: int, call: Callable[[], object]) -> None:
        if self._idle:
            line, process = self._idle.popitem()
        else:
            atexit.register(self.close)
            process, line = start_worker(_answer_calls, *self._given, is_leaf=False)
        self._busy[line] = process, number
        with suppress(ConnectionError):  # it has died, as its silence will tell
            line.send(call)

    def _take(self, line: Connection) -> tuple[int, Any]:
        process, number = self._busy[line]
        try:
            result, error, trace = line.recv()
        except (EOFError, ConnectionError):
            process.join(_LEAVE_S)
            raise RuntimeError(f"a worker process died; its exit code is {process.exitcode}") from None
        self._idle[line], _ = self._busy.pop(line)
        if error is not None:
            raise error from RuntimeError(f"in a worker process:\n{trace}")
        return number, result


def _serve(serve: Callable[..., None], line: Connection, args: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where it could not be blocked
    serve(line, *args)


def _answer_calls(line: Connection, prepare: Callable[..., object] | None, args: tuple[Any, ...]) -> None:
    """What a worker of a pool does: make the calls that come, until its line closes."""
    threading.Thread(target=_leave_with_master, daemon=True).start()
    ready = cache(partial(prepare or _nothing, *args))
    with suppress(EOFError, ConnectionError):
        while True:
            line.send_bytes(_answer(ready, line.recv_bytes()))


def _nothing() -> None:
    pass


def _answer(ready: Callable[[], object], call: bytes) -> memoryview:
    """A pickled call's pickled result, or the error and its traceback."""
    try:
        ready()
        return ForkingPickler.dumps((ForkingPickler.loads(call)(), None, ""))
    except Exception as error:  # noqa: BLE001 - it is raised where the call came from
        return ForkingPickler.dumps((None, _sendable(error), traceback.format_exc()))


def _sendable(error: Exception) -> Exception:
    """The error itself where it arrives as what it is; some cannot be pickled, or made from what was pickled."""
    try:
        ForkingPickler.loads(ForkingPickler.dumps(error))
    except Exception:  # noqa: BLE001 - whatever its own code raises
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _leave_with_master() -> None:
    """End this worker when its master is gone, whatever it is doing."""
    master = multiprocessing.parent_process()
    if master is not None:
        master.join()
        os._exit(1)
