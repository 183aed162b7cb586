"""Waiting for a future, with rclpy's own, and for anything else."""

from __future__ import annotations

import threading

import pytest
from rclpy.task import Future

from ros_nodes.waiting import wait_for, wait_until


def test_a_result_that_another_thread_brings() -> None:
    future = Future()
    timer = threading.Timer(0.05, lambda: future.set_result(7))
    timer.start()
    assert wait_for(future, timeout_s=5.0) == 7
    timer.join()


def test_one_that_is_there_is_taken_without_waiting() -> None:
    future = Future()
    future.set_result("done")
    assert wait_for(future, timeout_s=0.0, until=lambda: True) == "done"


def test_none_when_the_time_is_up_or_somebody_says_so() -> None:
    assert wait_for(Future(), timeout_s=0.01) is None
    asked: list[int] = []
    assert wait_for(Future(), timeout_s=60.0, until=lambda: len(asked) > 2 or asked.append(1)) is None  # type: ignore[func-returns-value]
    assert len(asked) == 3


def test_a_cancelled_future_and_one_that_failed() -> None:
    cancelled, failed = Future(), Future()
    cancelled.cancel()
    failed.set_exception(ValueError("no"))
    assert wait_for(cancelled, timeout_s=1.0) is None
    with pytest.raises(ValueError, match="no"):
        wait_for(failed, timeout_s=1.0)


def test_until_something_is_so_the_time_is_up_or_the_watch_objects() -> None:
    looks: list[int] = []
    assert wait_until(lambda: len(looks) == 3, timeout_s=60.0, watch=lambda: looks.append(1))
    assert not wait_until(lambda: False, timeout_s=0.02)
    with pytest.raises(ZeroDivisionError):
        wait_until(lambda: False, timeout_s=60.0, watch=lambda: 1 / 0)  # type: ignore[arg-type, return-value]
