"""A node's life as a process: signals, bad input, defects, and the order in which it is taken down."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rclpy
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.context import Context
from rclpy.node import Node
from std_msgs.msg import String

from geometry import InputError
from ros_nodes.running import run_node

REPOSITORY = Path(__file__).resolve().parents[2]
QUIET = ["--ros-args"]


class Ticking(Node):
    """Counts, and writes down what happens to it."""

    def __init__(self, on_tick: Callable[[int], None] = lambda count: None) -> None:
        super().__init__("ticking")
        self.story: list[str] = []
        self.count, self.on_tick = 0, on_tick
        self.publisher = self.create_publisher(String, "last_words", 1)
        self.create_timer(0.005, self.tick, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def tick(self) -> None:
        self.count += 1
        self.on_tick(self.count)

    def wind_down(self) -> None:
        before = self.count
        end = time.monotonic() + 5.0
        while self.count < before + 3 and time.monotonic() < end:
            time.sleep(0.005)
        self.story.append("wound down, callbacks running" if self.count >= before + 3 else "wound down alone")

    def destroy_node(self) -> None:
        self.publisher.publish(String(data="stop"))  # which an invalid context would not let through
        self.story.append(f"destroyed, context {'valid' if self.context.ok() else 'invalid'}")
        super().destroy_node()


@pytest.fixture(autouse=True)
def everything_as_before() -> Iterator[None]:
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    threads = set(threading.enumerate())
    yield
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert not rclpy.ok()
    assert [thread.name for thread in threading.enumerate() if thread not in threads] == []


def raise_signal(*numbers: int) -> Callable[[int], None]:
    """On the third tick; the signals go to the process, whose main thread takes them."""

    def on_tick(count: int) -> None:
        if count == 3:
            for number in numbers:
                os.kill(os.getpid(), number)

    return on_tick


@pytest.mark.parametrize(
    "numbers", [(signal.SIGINT,), (signal.SIGTERM,), (signal.SIGINT, signal.SIGINT, signal.SIGTERM)]
)
def test_signals_end_it_in_order(numbers: tuple[int, ...], capfd: pytest.CaptureFixture[str]) -> None:
    nodes: list[Ticking] = []

    def factory() -> Ticking:
        nodes.append(Ticking(raise_signal(*numbers)))
        return nodes[0]

    assert run_node(factory, QUIET) == 0
    assert nodes[0].story == ["wound down, callbacks running", "destroyed, context valid"]
    assert "Traceback" not in capfd.readouterr().err


def test_a_shutdown_from_within_ends_it_as_well() -> None:
    nodes: list[Any] = []

    def factory() -> Node:
        nodes.append(Node("quitter"))
        nodes[0].create_timer(0.01, rclpy.try_shutdown, clock=Clock(clock_type=ClockType.STEADY_TIME))
        return nodes[0]

    assert run_node(factory, QUIET) == 0


def test_bad_input_is_one_line_and_status_2(capfd: pytest.CaptureFixture[str]) -> None:
    def factory() -> Node:
        raise InputError("parameter rate_hz", expected="a decimal number", got="5", remedy="write it like 5.0")

    assert run_node(factory, QUIET) == 2
    said = [line for line in capfd.readouterr().err.splitlines() if line]
    assert len(said) == 1
    assert said[0].endswith("parameter rate_hz: expected a decimal number, got 5; write it like 5.0")
    assert "FATAL" in said[0]


def test_a_defect_at_the_start_keeps_its_traceback() -> None:
    def factory() -> Node:
        raise ZeroDivisionError("defect")

    with pytest.raises(ZeroDivisionError, match="defect"):
        run_node(factory, QUIET)


def test_a_command_line_that_ros_cannot_read_is_one_line_and_status_2(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_node(lambda: Node("never"), ["node", "--ros-args", "-p", "no_value"]) == 2
    err = capfd.readouterr().err
    assert "no_value" in err and "Traceback" not in err


def test_a_defect_in_a_callback_comes_out_after_a_clean_end() -> None:
    nodes: list[Ticking] = []

    def fail(count: int) -> None:
        if count == 3:
            raise ZeroDivisionError("defect")

    def factory() -> Ticking:
        nodes.append(Ticking(fail))
        nodes[0].wind_down = lambda: None  # type: ignore[method-assign]
        return nodes[0]

    with pytest.raises(ZeroDivisionError, match="defect"):
        run_node(factory, QUIET)
    assert nodes[0].story == ["destroyed, context valid"]


def test_a_node_that_cannot_wind_down_is_still_destroyed() -> None:
    nodes: list[Ticking] = []

    def fail() -> None:
        raise ZeroDivisionError("cannot")

    def factory() -> Ticking:
        nodes.append(Ticking(raise_signal(signal.SIGINT)))
        nodes[0].wind_down = fail  # type: ignore[method-assign]
        return nodes[0]

    with pytest.raises(ZeroDivisionError, match="cannot"):
        run_node(factory, QUIET)
    assert nodes[0].story == ["destroyed, context valid"]


def test_it_may_run_in_another_thread_where_no_signal_can_be_set() -> None:
    statuses: list[int] = []

    def factory() -> Node:
        node = Node("elsewhere")
        node.create_timer(0.01, rclpy.try_shutdown, clock=Clock(clock_type=ClockType.STEADY_TIME))
        return node

    thread = threading.Thread(target=lambda: statuses.append(run_node(factory, QUIET)))
    thread.start()
    thread.join(10.0)
    assert statuses == [0]


def test_callbacks_that_wait_for_each_other_find_threads() -> None:
    """As goals, services and lookups do that wait for answers which other callbacks bring."""
    meeting, met = threading.Barrier(12), []

    def meet() -> None:
        met.append(meeting.wait(20.0))
        rclpy.try_shutdown()

    def factory() -> Node:
        node = Node("waiting")
        for _ in range(meeting.parties):
            steady = Clock(clock_type=ClockType.STEADY_TIME)
            node.create_timer(0.01, meet, callback_group=MutuallyExclusiveCallbackGroup(), clock=steady)
        return node

    assert run_node(factory, QUIET) == 0
    assert len(met) >= 12


def test_a_node_of_the_same_name_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    """Two guards or two pick servers would both answer the same goal."""
    twin_context, told = Context(), []
    rclpy.init(args=[], context=twin_context)
    twin = Node("alone", context=twin_context)

    def look() -> None:
        told.append(capfd.readouterr().err)
        if "another node of this name runs" in "".join(told):
            rclpy.try_shutdown()

    def factory() -> Node:
        node = Node("alone")
        node.create_timer(0.05, look, clock=Clock(clock_type=ClockType.STEADY_TIME))
        node.create_timer(20.0, rclpy.try_shutdown, clock=Clock(clock_type=ClockType.STEADY_TIME))
        return node

    assert run_node(factory, QUIET) == 0
    twin.destroy_node()
    twin_context.try_shutdown()
    assert "".join(told).count("another node of this name runs") == 1


PROGRAM = """
import sys
from tests.ros_standin import install
install()
from rclpy.node import Node
from ros_nodes.running import run_node

def factory():
    node = Node("alone")
    print("started", flush=True)
    return node

sys.exit(run_node(factory, ["alone"]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_as_a_process(number: int) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None and process.stdout.readline() == "started\n"
    process.send_signal(number)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "Traceback" not in err


def test_signals_at_any_moment_of_the_wait_do_not_lock_it_up() -> None:
    """A storm of signals while the main thread waits and is woken: they interrupt it at many different instructions."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])}
    process = subprocess.Popen(
        [sys.executable, "-c", STORM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        _, err = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()  # and with it what it sends its signals from, which then finds nobody
        pytest.fail("a signal locked the node up")
    assert process.returncode == 0, err


STORM = """
import os, signal, subprocess, sys
from tests.ros_standin import install
install()
from rclpy.node import Node
from ros_nodes.running import run_node

signal.signal(signal.SIGINT, lambda *_: None)
storm = '''
import os, signal, sys, time
while True:
    time.sleep(0.03)
    for _ in range(200):
        os.kill(int(sys.argv[1]), signal.SIGINT)
'''
stormy = subprocess.Popen([sys.executable, "-c", storm, str(os.getpid())], stderr=subprocess.DEVNULL)
try:
    for _ in range(20):
        assert run_node(lambda: Node("stormy"), ["stormy"]) == 0
finally:
    stormy.kill()
"""
