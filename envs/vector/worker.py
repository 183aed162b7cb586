"""A process that owns some of the environments, and the other end of its pipe.

Workers are fresh interpreters. A forked one would inherit the locks of threads that it does not have
(PyTorch's, Open3D's), and `multiprocessing` would run the caller's script once more in every worker, which
only a script with `if __name__ == "__main__":` survives. The shared block has no name: when the last
process that maps it ends, however it ends, the kernel frees it. A worker ends with the pipe to its parent.
"""

from __future__ import annotations

import os
import subprocess
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from mmap import mmap
from multiprocessing import Pipe, spawn
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any, NamedTuple

from gymnasium.vector.utils import CloudpickleWrapper

from envs.vector.env_batch import EnvBatch, EnvFn
from envs.vector.step_arrays import Layout

_START = """
import sys
from multiprocessing import connection, spawn
pipe = connection.Connection(int(sys.argv[1]))
memory = int(sys.argv[2])
try:
    surroundings = pipe.recv()
except EOFError:  # the parent was interrupted and has left
    sys.exit()
spawn.prepare(surroundings)
from envs.vector.worker import serve
serve(pipe, memory)
"""
_ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
"""Workers are parallel as they are; the caller's own settings come first."""

_STEP = _NOTHING = b""
"""The most frequent question and answer are empty messages: half the system calls of others, and no pickling."""
_PATIENCE_S = 5.0


class WorkerError(RuntimeError):
    """An environment failed in its worker, or the worker ended; the message holds the worker's own traceback."""


class _Failure(NamedTuple):
    """What a worker says instead of an answer."""

    where: str
    """Which environment it was busy with."""
    trace: str


class Worker:
    """A process with environments `first` to `first + len(env_fns) - 1`, as its parent sees it.

    Everything is said first and heard later, so that all workers are busy at once.
    """

    def __init__(self, env_fns: Sequence[EnvFn], layout: Layout, memory_fd: int, first: int) -> None:
        self._numbers = f"environments {first} to {first + len(env_fns) - 1}"
        self._pipe, theirs = Pipe()
        with theirs:
            command = [spawn.get_executable(), "-c", _START, str(theirs.fileno()), str(memory_fd)]
            self.process = subprocess.Popen(
                command,
                pass_fds=(theirs.fileno(), memory_fd),
                env=_ONE_THREAD | os.environ,
                start_new_session=True,  # Ctrl-C is for the parent, which closes the pipe
            )
        try:
            self._pipe.send(_surroundings())
            self._pipe.send(([CloudpickleWrapper(each) for each in env_fns], layout, first))
        except BaseException:
            self.hang_up()
            self.join()
            raise

    def ask(self, method: str, *args: Any) -> None:
        """Ask for a call of a method of the EnvBatch.

        Raises:
            WorkerError: if the worker has ended.
        """
        message = _STEP if method == "step" else ForkingPickler.dumps((method, args))
        try:
            self._pipe.send_bytes(message)
        except OSError:
            raise self._ended() from None

    def answer(self) -> dict[int, Any]:
        """Wait for the answer to what was asked last; the first one, to nothing, is empty when all is set up.

        Raises:
            WorkerError: if an environment raised, or the worker has ended.
        """
        try:
            message = self._pipe.recv_bytes()
        except (EOFError, OSError):
            raise self._ended() from None
        found = {} if message == _NOTHING else ForkingPickler.loads(message)
        if isinstance(found, _Failure):
            raise WorkerError(f"{found.where} failed in its worker:\n{found.trace}")
        return found

    def hang_up(self) -> None:
        """Let the worker go: it closes its environments and ends."""
        self._pipe.close()

    def join(self) -> None:
        """Wait for the end of the process, and after a while bring it about."""
        try:
            self.process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _ended(self) -> WorkerError:
        self.hang_up()
        self.join()
        status = self.process.returncode
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        return WorkerError(f"the worker of {self._numbers} ended with {how}")


def serve(pipe: Connection, memory_fd: int) -> None:
    """Do what the parent asks for until the pipe closes; what a worker process runs."""
    batch = None

    def begin() -> dict[int, Any]:
        nonlocal batch
        env_fns, layout, first = pipe.recv()
        with os.fdopen(memory_fd) as memory:
            batch = EnvBatch(env_fns, layout, mmap(memory.fileno(), layout.size_bytes), first)
        return {}

    try:
        pipe.send_bytes(_outcome(begin, "an environment"))
        while batch is not None:
            asked = pipe.recv_bytes()
            method, args = ("step", ()) if asked == _STEP else ForkingPickler.loads(asked)
            pipe.send_bytes(_outcome(partial(getattr(batch, method), *args), batch))
    except (EOFError, ConnectionError):
        pass  # the parent has left
    finally:
        if batch is not None:
            batch.close()


def _outcome(act: Callable[[], dict[int, Any]], where: str | EnvBatch) -> bytes | memoryview:
    """The message about what came of it: pickled, or empty as most steps' are."""
    try:
        found = act()
        return ForkingPickler.dumps(found) if found else _NOTHING
    except Exception:  # of an environment, or an answer that cannot be pickled
        name = where if isinstance(where, str) else f"environment {where.at}"
        return ForkingPickler.dumps(_Failure(name, traceback.format_exc()))


def _surroundings() -> dict[str, Any]:
    """Import path, working folder and the like, as `multiprocessing` hands them on, but not the caller's script."""
    dropped = ("authkey", "init_main_from_name", "init_main_from_path")
    return {key: value for key, value in spawn.get_preparation_data("env worker").items() if key not in dropped}
