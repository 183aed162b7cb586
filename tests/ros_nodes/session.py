"""A ROS context for one test, whose nodes live as `run_node` lets them: the same on a real ROS and on the stand-in."""

from __future__ import annotations

import fcntl
import itertools
import os
import random
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import rclpy
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.context import Context
from rclpy.executors import Executor
from rclpy.node import Node

from ros_nodes.action_client import ActionClient
from ros_nodes.callback_threads import CallbackThreads
from tests.ros_standin import installed

NodeType = TypeVar("NodeType")


def _numbers_of_domains() -> Iterator[int]:
    """1 to 100 again and again from a random start; processes that test side by side share none."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    mine = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    own = range(1 + mine, 101, workers)
    first = random.SystemRandom().randrange(len(own))
    return itertools.cycle([*own[first:], *own[:first]])


_domain_ids = _numbers_of_domains()


def claim_domain(number: int) -> int | None:
    """Keep a ROS domain from other processes that test on this machine, until the file that is returned is closed.

    Returns:
        The file's number; None where somebody else has the domain.
    """
    file = os.open(Path(tempfile.gettempdir()) / f"ros_domain_{number}.lock", os.O_CREAT | os.O_RDWR, 0o666)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file


class GoalRun:
    """A goal that was sent to an action server."""

    def __init__(self, session: RosSession, client: ActionClient, goal: Any, timeout_s: float) -> None:
        self._session = session
        self.feedback: list[Any] = []
        sent = client.send_goal_async(goal, feedback_callback=lambda message: self.feedback.append(message.feedback))
        self.handle = session.outcome(sent, timeout_s)
        self._result = self.handle.get_result_async() if self.handle.accepted else None

    @property
    def accepted(self) -> bool:
        return bool(self.handle.accepted)

    def cancel(self, timeout_s: float = 5.0) -> Any:
        """Ask to cancel; the action_msgs/CancelGoal response."""
        return self._session.outcome(self.handle.cancel_goal_async(), timeout_s)

    @property
    def done(self) -> bool:
        return self._result is not None and self._result.done()

    def result(self, timeout_s: float = 10.0) -> tuple[int, Any]:
        """Wait for the end: (action_msgs/GoalStatus number, result message)."""
        assert self._result is not None, "the goal was rejected"
        answer = self._session.outcome(self._result, timeout_s)
        return answer.status, answer.result


class RosSession:
    """What the fixture `ros` gives to a test.

    Args:
        threads: callbacks that may run at the same time.
        domain_id: of ROS; without one, a number that nobody else is likely to have.
    """

    def __init__(self, threads: int = 16, domain_id: int | None = None) -> None:
        self.standin = installed()
        self.errors: list[BaseException] = []
        """What callbacks raised; a test that expects errors takes them out with `take_error`."""
        self.context = Context()
        self._threads_before = set(threading.enumerate())
        # A number of its own keeps a test's nodes apart from the nodes of other processes and of the tests before.
        numbers = itertools.islice(_domain_ids, 100) if domain_id is None else [domain_id]
        claims = ((number, file) for number in numbers if (file := claim_domain(number)) is not None)
        self.domain_id, self._claim = next(claims, (domain_id, None))
        rclpy.init(args=[], context=self.context, domain_id=self.domain_id)
        self._callbacks = CallbackThreads(threads, context=self.context, on_error=self._keep)
        self._nodes: list[Any] = []
        self.remaps_actions = not self.standin and os.environ.get("ROS_DISTRO", "") not in ("humble", "iron", "jazzy")
        """Whether one remap rule renames a whole action; on Humble and Jazzy each of its five parts needs one."""
        self._clients: dict[tuple[Any, str], Any] = {}
        self._probe: Node | None = None
        self._callbacks.start()

    @property
    def executor(self) -> Executor:
        """Runs the nodes' callbacks and the test's own tasks."""
        return self._callbacks.executor

    def _keep(self, error: Exception) -> None:
        self.errors.append(error)
        traceback.print_exception(error)

    def start(self, node_class: Callable[..., NodeType], **options: Any) -> NodeType:
        """Make a node in this test's context and let it spin."""
        node = node_class(context=self.context, **options)
        self._nodes.append(node)
        self.executor.add_node(node)
        return node

    def node(self, name: str, **options: Any) -> Node:
        """A plain node for the test's own endpoints."""
        return self.start(lambda **given: Node(name, **given), **options)

    def stop(self, node: Any) -> None:
        """Take a node out and destroy it, before the test ends."""
        self._nodes.remove(node)
        self.executor.remove_node(node)
        node.destroy_node()

    @property
    def probe(self) -> Node:
        """The fixture's own node, made when first used."""
        if self._probe is None:
            self._probe = self.node("ros_fixture_probe")
            self._group = ReentrantCallbackGroup()
        return self._probe

    def wait_until(self, predicate: Callable[[], Any], timeout_s: float = 5.0) -> bool:
        """Poll until true; False when the time is up. Raises what a callback raised meanwhile."""
        end = time.monotonic() + timeout_s
        while not predicate():
            self._raise_errors()
            if time.monotonic() > end:
                return bool(predicate())
            time.sleep(0.003)
        return True

    def outcome(self, future: Any, timeout_s: float = 5.0) -> Any:
        """The result of a future; TimeoutError if it does not come."""
        if not self.wait_until(future.done, timeout_s):
            raise TimeoutError(f"no answer within {timeout_s} s")
        return future.result()

    def collect(self, message_type: Any, topic: str, qos: Any = 10) -> list[Any]:
        """A list that fills with the messages of a topic, from whoever publishes it by now or later."""
        received: list[Any] = []
        group = MutuallyExclusiveCallbackGroup()  # its own: a slow topic must not hold up another
        name = self.probe.resolve_topic_name(topic)
        known = [one for node in self._nodes for one in node.publishers if one.topic_name == name]
        before = [one.get_subscription_count() for one in known]
        self.probe.create_subscription(message_type, topic, received.append, qos, callback_group=group)
        # On a network they find each other only after a while, and what is published before is lost.
        self.wait_until(
            lambda: all(one.get_subscription_count() > count for one, count in zip(known, before, strict=True)), 2.0
        )
        return received

    def call(self, srv_type: Any, name: str, request: Any = None, timeout_s: float = 5.0) -> Any:
        """The response of a service; TimeoutError where none comes."""
        key = (srv_type, name)
        if key not in self._clients:
            self._clients[key] = self.probe.create_client(srv_type, name, callback_group=self._group)
        client = self._clients[key]
        if not client.wait_for_service(timeout_sec=timeout_s):
            raise TimeoutError(f"no service {name} within {timeout_s} s")
        return self.outcome(client.call_async(srv_type.Request() if request is None else request), timeout_s)

    def send_goal(self, action_type: Any, name: str, goal: Any, timeout_s: float = 5.0) -> GoalRun:
        """Send a goal and wait until it is accepted or rejected."""
        key = (action_type, name)
        if key not in self._clients:
            self._clients[key] = ActionClient(self.probe, action_type, name, callback_group=self._group)
        client = self._clients[key]
        if not client.wait_for_server(timeout_sec=timeout_s):
            raise TimeoutError(f"no action server {name} within {timeout_s} s")
        return GoalRun(self, client, goal, timeout_s)

    def take_error(self, kind: type[BaseException], timeout_s: float = 5.0) -> BaseException:
        """Wait for an error that a callback is expected to raise, and count it as dealt with."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            for error in list(self.errors):
                if isinstance(error, kind):
                    self.errors.remove(error)
                    return error
            time.sleep(0.003)
        raise AssertionError(f"no callback raised {kind.__name__}")

    def _raise_errors(self) -> None:
        if self.errors:
            raise AssertionError(f"a callback raised {self.errors[0]!r}") from self.errors[0]

    def close(self) -> None:
        """End everything as `run_node` does; AssertionError if a callback raised or does not end, or a thread stays."""
        for node in reversed(self._nodes):
            getattr(node, "wind_down", lambda: None)()
        stuck = not self._callbacks.stop(10.0)
        if stuck:
            _print_stacks()
        for node in reversed(self._nodes):
            node.destroy_node()
        self.context.try_shutdown()
        if self._claim is not None:
            os.close(self._claim)
        errors, self.errors = self.errors, []
        assert not stuck, "a callback did not return within 10 s of the end (stacks on stderr)"
        if errors:
            raise AssertionError(f"a callback raised {errors[0]!r}") from errors[0]
        self._check_threads()

    def _check_threads(self) -> None:
        end = time.monotonic() + 3.0
        while left := [one.name for one in self._left_threads()]:
            assert time.monotonic() < end, f"threads left behind: {left}"
            time.sleep(0.01)

    def _left_threads(self) -> list[threading.Thread]:
        left = set(threading.enumerate()) - self._threads_before
        # rclpy's MultiThreadedExecutor keeps its pool until it is collected as garbage.
        return [one for one in left if not one.name.startswith("ThreadPoolExecutor")]


def _print_stacks() -> None:
    for number, frame in sys._current_frames().items():
        print(f"--- thread {number}", *traceback.format_stack(frame), sep=os.linesep, file=sys.stderr)
