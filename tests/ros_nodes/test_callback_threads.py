"""Callbacks in threads: what a node on a robot needs beyond what rclpy's own executor does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import rclpy
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.context import Context
from rclpy.node import Node
from std_msgs.msg import String
from std_srvs.srv import Trigger

from ros_nodes.callback_threads import CallbackThreads


class Scene:
    """A context, a node, and its callbacks' threads, of which `errors` tells."""

    def __init__(self, threads: int = 4) -> None:
        self.context, self.errors = Context(), list[Exception]()
        rclpy.init(args=[], context=self.context)
        self.node, self.ended = Node("busy", context=self.context), threading.Event()
        self.callbacks = CallbackThreads(
            threads, context=self.context, on_error=self.errors.append, on_end=self.ended.set
        )
        self.callbacks.add_node(self.node)
        self.callbacks.start()
        self.stopped = False

    def stop(self, timeout_s: float) -> bool:
        self.stopped = True
        return self.callbacks.stop(timeout_s)

    def timer(self, callback: Callable[[], Any], period_s: float = 0.01) -> Any:
        """In a group of its own."""
        clock = Clock(clock_type=ClockType.STEADY_TIME)
        return self.node.create_timer(period_s, callback, MutuallyExclusiveCallbackGroup(), clock=clock)

    def close(self) -> None:
        assert self.stopped or self.stop(10.0)
        self.node.destroy_node()
        self.context.try_shutdown()


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    yield made
    made.close()


def soon(is_so: Callable[[], Any], timeout_s: float = 10.0) -> bool:
    end = time.monotonic() + timeout_s
    while not is_so() and time.monotonic() < end:
        time.sleep(0.002)
    return bool(is_so())


def test_the_end_waits_for_what_is_under_way(scene: Scene) -> None:
    begun, story = threading.Event(), []

    def work() -> None:
        begun.set()
        time.sleep(0.5)
        story.append("worked")

    scene.timer(work)
    assert begun.wait(10.0)
    assert scene.stop(10.0)
    count = len(story)
    assert count
    time.sleep(0.2)
    assert len(story) == count  # and nothing is begun any more
    assert not scene.errors


def test_the_end_does_not_wait_for_ever(scene: Scene) -> None:
    begun, go = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go.wait(20.0)
        raise KeyError("too late to tell")

    scene.timer(work)
    assert begun.wait(10.0)
    start = time.monotonic()
    assert not scene.stop(0.2)
    assert time.monotonic() - start < 10.0
    go.set()
    time.sleep(0.1)
    assert not scene.errors


def test_as_many_callbacks_run_as_there_are_threads_and_the_rest_later(scene: Scene) -> None:
    running, most, ran, lock = 0, 0, set(), threading.Lock()

    def work(number: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.05)
        with lock:
            running -= 1
            ran.add(number)

    for number in range(7):
        scene.timer(lambda number=number: work(number))  # type: ignore[misc]
    assert soon(lambda: len(ran) == 7)
    assert most == 4


def test_an_error_is_told_at_once_and_the_rest_goes_on(scene: Scene) -> None:
    """MultiThreadedExecutor tells it when the next callback starts, which may be never."""
    calls = []

    def fail() -> None:
        timer.cancel()
        raise KeyError("deep inside")

    timer = scene.timer(fail)
    assert soon(lambda: scene.errors)
    assert isinstance(scene.errors[0], KeyError) and not scene.ended.is_set()
    scene.timer(lambda: calls.append(1))
    assert soon(lambda: calls)


def test_what_takes_other_arguments_than_rclpy_gives_is_an_error(scene: Scene) -> None:
    scene.timer(lambda needed: None)  # type: ignore[misc]
    assert soon(lambda: scene.errors)
    assert isinstance(scene.errors[0], TypeError)


def test_what_comes_and_goes_meanwhile_disturbs_nothing(scene: Scene) -> None:
    """As lifecycle nodes do at each activation and deactivation."""
    group, calls = ReentrantCallbackGroup(), []
    publisher = scene.node.create_publisher(String, "words", 10)
    scene.timer(lambda: calls.append(1), 0.002)
    scene.timer(lambda: publisher.publish(String(data="hello")), 0.002)
    end = time.monotonic() + 3.0
    while time.monotonic() < end and not scene.ended.is_set():
        subscription = scene.node.create_subscription(String, "words", lambda _: None, 10, callback_group=group)
        service = scene.node.create_service(Trigger, "~/go", lambda request, response: response, callback_group=group)
        client = scene.node.create_client(Trigger, "~/go", callback_group=group)
        timer = scene.timer(lambda: None, 0.0005)
        client.call_async(Trigger.Request())
        time.sleep(0.003)
        scene.node.destroy_timer(timer)
        scene.node.destroy_client(client)
        scene.node.destroy_service(service)
        scene.node.destroy_subscription(subscription)
    assert not scene.errors and not scene.ended.is_set()
    count = len(calls)
    assert soon(lambda: len(calls) > count)


@pytest.mark.parametrize("attempt", range(5))
def test_a_context_that_dies_ends_the_spinning_without_an_error(attempt: int) -> None:
    scene = Scene()
    publisher = scene.node.create_publisher(String, "words", 10)
    for _ in range(3):
        scene.timer(lambda: publisher.publish(String(data="hello")), 0.001)
    time.sleep(0.1 + 0.013 * attempt)
    scene.context.try_shutdown()
    assert scene.ended.wait(10.0)
    scene.close()
    assert not scene.errors


def test_an_error_in_which_no_callback_took_part_is_a_warning(scene: Scene, capfd: pytest.CaptureFixture[str]) -> None:
    """As where rclpy cannot deliver an answer; here it shuts down what was never begun."""
    scene.callbacks.executor.create_task(Context().shutdown)
    told: list[str] = []

    def said() -> bool:
        told.append(capfd.readouterr().err)
        return bool(scene.errors) or "rclpy failed by itself: RuntimeError: Context must be" in "".join(told)

    assert soon(said), told
    assert not scene.errors and not scene.ended.is_set()
