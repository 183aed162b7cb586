"""Worker processes: what Ctrl-C does to them and their master, and that none stays behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from envs.worker_processes import WorkerPool, start_worker, starting_workers
from geometry import InputError

REPOSITORY = Path(__file__).resolve().parents[2]
DEADLINE_S = 60.0


def wait_until(true: Callable[[], object]) -> None:
    until = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


def is_deaf_to_sigint() -> bool:
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_an_interrupt_waits_until_the_processes_are_started() -> None:
    usual = signal.getsignal(signal.SIGINT)
    reached = []
    with pytest.raises(KeyboardInterrupt), starting_workers():
        with starting_workers():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)
            reached.append("inner")
        reached.append("outer")
    assert reached == ["inner", "outer"]
    assert signal.getsignal(signal.SIGINT) is usual and not is_deaf_to_sigint()


def test_an_interrupt_that_another_thread_gets_waits_too() -> None:
    """The kernel gives it to any thread that has not blocked it, as one of BLAS has not."""
    stay = threading.Event()
    thread = threading.Thread(target=stay.wait)
    thread.start()
    reached = False
    try:
        with pytest.raises(KeyboardInterrupt), starting_workers():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)
            reached = True
    finally:
        stay.set()
        thread.join()
    assert reached


def test_an_interrupt_is_ignored_where_it_was_ignored() -> None:
    usual = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with starting_workers():
            os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, usual)


def test_workers_may_be_started_from_any_thread() -> None:
    heard: list[bool] = []

    def start() -> None:
        with WorkerPool(1) as pool:
            heard.extend(deaf for _, deaf in pool.as_done([is_deaf_to_sigint]))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert heard == [True]


def tell(line: Connection, *given: int) -> None:
    line.send([is_deaf_to_sigint(), *given])


def test_a_worker_has_its_end_of_a_line() -> None:
    process, line = start_worker(tell, 3, 5)
    assert line.recv() == [True, 3, 5]
    with pytest.raises(EOFError):
        line.recv()
    process.join(DEADLINE_S)
    assert process.exitcode == 0


def leave_a_note(note: Path) -> None:
    note.write_text(f"{os.getpid()}")


def dawdle(note: Path) -> None:
    leave_a_note(note)
    time.sleep(10 * DEADLINE_S)


def test_a_pool_prepares_its_workers(tmp_path: Path) -> None:
    with WorkerPool(1, leave_a_note, tmp_path / "note") as pool:
        (_, worker), (_, same) = pool.as_done([os.getpid] * 2)
    assert (tmp_path / "note").read_text() == f"{worker}" and same == worker


def test_an_error_ends_what_a_pool_is_doing(tmp_path: Path) -> None:
    before = set(multiprocessing.active_children())
    begun = time.monotonic()
    calls = [partial(dawdle, tmp_path / "note"), *[os.getpid] * 3]
    with pytest.raises(ZeroDivisionError), WorkerPool(2) as pool:
        for _ in pool.as_done(calls):
            wait_until((tmp_path / "note").exists)
            raise ZeroDivisionError
    assert time.monotonic() - begun < DEADLINE_S
    assert set(multiprocessing.active_children()) <= before


def test_results_come_with_the_numbers_of_their_calls() -> None:
    with WorkerPool(2) as pool:
        for _ in range(2):
            assert dict(pool.as_done(partial(divmod, number, 3) for number in range(7))) == {
                number: divmod(number, 3) for number in range(7)
            }
        assert len(multiprocessing.active_children()) >= 2


def ask_another() -> int:
    with WorkerPool(1) as pool:
        return dict(pool.as_done([os.getppid]))[0]


def test_a_worker_may_have_workers() -> None:
    with WorkerPool(1) as pool:
        (_, worker), (_, master) = pool.as_done([os.getpid, ask_another])
    assert worker == master


def test_a_pool_that_nobody_closes_keeps_nobody_waiting(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        """
import os
from envs.worker_processes import WorkerPool
if __name__ == "__main__":
    pool = WorkerPool(1)
    print(len(list(pool.as_done([os.getpid]))))
"""
    )
    words = [sys.executable, str(tmp_path / "script.py")]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    ended = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "1\n", "")


class Unpicklable(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} is not {two}")


def refuse() -> None:
    raise InputError("door", expected="a key", got="a knock")


def differ() -> None:
    raise Unpicklable(1, 2)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (refuse, InputError, "expected a key, got a knock"),
        (differ, RuntimeError, "Unpicklable: 1 is not 2"),
        (threading.Lock, TypeError, "cannot pickle"),
        (partial(os._exit, 5), RuntimeError, "exit code is 5"),
    ],
)
def test_what_goes_wrong_in_a_worker_is_raised_here(call: Any, error: type[Exception], says: str) -> None:
    with WorkerPool(1) as pool:
        with pytest.raises(error, match=says):
            list(pool.as_done([call]))
        assert list(pool.as_done([partial(abs, -1)])) == [(0, 1)]


def test_what_goes_wrong_in_preparing_is_raised_here() -> None:
    with WorkerPool(1, refuse) as pool, pytest.raises(InputError, match="a knock"):
        list(pool.as_done([os.getpid]))


SCRIPT = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
from functools import partial
from envs.worker_processes import WorkerPool
if __name__ == "__main__":
    try:
        print("begun", flush=True)
        with WorkerPool(2) as pool:
            list(pool.as_done([partial(time.sleep, 600.0)] * 4))
    except KeyboardInterrupt:
        sys.exit(130)
"""


def session(leader: int) -> set[int]:
    """The processes of a session that are alive."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, IndexError):
            state, _, _, of = entry.read_text().rsplit(")", 1)[1].split()[:4]
            found |= {int(entry.parent.name)} if state != "Z" and int(of) == leader else set()
    return found


@pytest.fixture
def begun(tmp_path: Path) -> subprocess.Popen[str]:
    """A master that is about to start its pool, in a session of its own."""
    (tmp_path / "script.py").write_text(SCRIPT)
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "script.py")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)}, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == "begun\n"
    return process


@pytest.mark.parametrize("moment_s", [0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8])
def test_control_c_ends_a_pool_without_noise(begun: subprocess.Popen[str], moment_s: float) -> None:
    time.sleep(moment_s)
    os.killpg(begun.pid, signal.SIGINT)
    assert begun.communicate(timeout=DEADLINE_S) == ("", "")
    assert begun.returncode == 130
    wait_until(lambda: not session(begun.pid))


def test_workers_leave_with_a_master_that_is_killed(begun: subprocess.Popen[str]) -> None:
    wait_until(lambda: len(session(begun.pid)) == 4)  # with the one that tracks resources
    begun.kill()
    begun.communicate(timeout=DEADLINE_S)
    wait_until(lambda: not session(begun.pid))
