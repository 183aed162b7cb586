"""The newest item wins, errors do not kill the thread, and it ends."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator

import pytest

from ros_nodes.newest import NewestWorker


class Gate:
    """Work that waits until it is let through, and writes down what it saw."""

    def __init__(self) -> None:
        self.entered, self.open = threading.Semaphore(0), threading.Semaphore(0)
        self.seen: list[int] = []
        self.threads: set[str] = set()

    def __call__(self, item: int) -> None:
        self.entered.release()
        assert self.open.acquire(timeout=5.0)
        self.threads.add(threading.current_thread().name)
        self.seen.append(item)


@pytest.fixture
def made() -> Iterator[list[NewestWorker]]:
    workers: list[NewestWorker] = []
    yield workers
    for worker in workers:
        assert worker.close()


def until(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + 5.0
    while not true() and time.monotonic() < end:
        time.sleep(0.002)
    return true()


def test_what_waits_is_replaced(made: list[NewestWorker]) -> None:
    gate = Gate()
    worker = NewestWorker(gate, "detector")
    made.append(worker)
    worker.put(0)
    assert gate.entered.acquire(timeout=5.0) and worker.busy
    for item in range(1, 6):
        worker.put(item)
    assert worker.dropped == 4 and not worker.wait_idle(0.01)
    gate.open.release(2)
    assert worker.wait_idle(5.0) and not worker.busy
    assert gate.seen == [0, 5] and worker.done == 2 and worker.dropped == 4
    assert gate.threads == {"detector"}


def test_closing_drops_what_waits_and_lets_the_item_at_hand_end(made: list[NewestWorker]) -> None:
    gate = Gate()
    worker = NewestWorker(gate, "detector")
    worker.put(0)
    assert gate.entered.acquire(timeout=5.0)
    worker.put(1)
    assert not worker.close(timeout_s=0.01)
    gate.open.release(2)
    assert worker.close() and worker.close()
    worker.put(2)
    assert gate.seen == [0] and worker.dropped == 2
    assert "detector" not in [thread.name for thread in threading.enumerate()]


def test_the_thread_survives_an_error_and_hands_it_over(made: list[NewestWorker]) -> None:
    errors: list[Exception] = []
    worker = NewestWorker(lambda item: 1 // item, "divider", on_error=errors.append)
    made.append(worker)
    worker.put(0)
    assert until(lambda: len(errors) == 1) and isinstance(errors[0], ZeroDivisionError)
    worker.put(1)
    assert worker.wait_idle(5.0) and worker.done == 2


def test_without_a_handler_the_next_put_raises_it_and_still_takes_the_item(made: list[NewestWorker]) -> None:
    worker = NewestWorker(lambda item: 1 // item, "divider")
    made.append(worker)
    worker.put(0)
    assert worker.wait_idle(5.0)
    with pytest.raises(ZeroDivisionError):
        worker.put(1)
    assert until(lambda: worker.done == 2)
    worker.put(2)


def test_it_survives_a_handler_that_fails(made: list[NewestWorker]) -> None:
    def handler(error: Exception) -> None:
        raise KeyError("handler")

    worker = NewestWorker(lambda item: 1 // item, "divider", on_error=handler)
    made.append(worker)
    worker.put(0)
    assert worker.wait_idle(5.0)
    with pytest.raises(KeyError, match="handler"):
        worker.put(1)
    assert until(lambda: worker.done == 2)


def test_it_may_be_closed_by_its_own_work() -> None:
    workers: list[NewestWorker] = []
    worker = NewestWorker(lambda item: workers[0].close(), "suicidal")
    workers.append(worker)
    worker.put(1)
    assert until(lambda: "suicidal" not in [thread.name for thread in threading.enumerate()])


def test_it_keeps_no_item() -> None:
    class Frame:
        pass

    worker = NewestWorker(lambda item: None, "keeper")
    frame = Frame()
    gone = weakref.ref(frame)
    worker.put(frame)
    assert worker.wait_idle(5.0)
    del frame
    gc.collect()
    assert gone() is None
    assert worker.close()
