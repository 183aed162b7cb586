"""The fixture `ros` itself: what it must find wrong."""

from __future__ import annotations

import os
import threading
import time

import pytest
from std_msgs.msg import String

from tests.ros_nodes.session import RosSession, claim_domain


def test_an_error_in_a_callback_fails_the_test(capfd):
    session = RosSession()
    node = session.node("failing")

    def fail():
        timer.cancel()
        raise KeyError("deep inside")

    timer = node.create_timer(0.01, fail)
    with pytest.raises(AssertionError, match="deep inside"):
        session.wait_until(lambda: False, 5.0)
    with pytest.raises(AssertionError, match="deep inside"):
        session.close()
    assert "in fail" in capfd.readouterr().err


def test_a_thread_left_behind_fails_the_test():
    session, end = RosSession(), threading.Event()
    thread = threading.Thread(target=end.wait, name="forgotten")
    thread.start()
    with pytest.raises(AssertionError, match="forgotten"):
        session.close()
    end.set()
    thread.join()


def test_a_test_sees_only_its_own_nodes():
    session = RosSession()
    received = session.collect(String, "words")
    publisher = session.node("talker").create_publisher(String, "words", 10)
    assert session.wait_until(lambda: publisher.get_subscription_count() == 1)
    session.close()
    session = RosSession()
    assert session.node("other").count_publishers("words") == 0
    session.close()
    assert not received


def test_what_does_not_come_ends_in_an_error_in_time():
    session = RosSession()
    start = time.monotonic()
    from std_srvs.srv import Trigger

    with pytest.raises(TimeoutError, match="/nobody"):
        session.call(Trigger, "/nobody", timeout_s=0.1)
    assert not session.wait_until(lambda: False, 0.1)
    assert time.monotonic() - start < 5.0
    session.close()


def test_a_stopped_node_is_gone():
    session = RosSession()
    node = session.node("short")
    calls = []
    node.create_timer(0.01, lambda: calls.append(1))
    assert session.wait_until(lambda: calls)
    session.stop(node)
    time.sleep(0.05)
    count = len(calls)
    assert not session.wait_until(lambda: len(calls) > count, 0.2)
    session.close()


def test_a_domain_is_one_process_own_until_it_is_let_go() -> None:
    """Whoever has it does so through a file of its own, so that one process can play two."""
    number, file = next((n, file) for n in range(300, 400) if (file := claim_domain(n)) is not None)
    assert claim_domain(number) is None
    os.close(file)
    again = claim_domain(number)
    assert again is not None
    os.close(again)
