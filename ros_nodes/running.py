"""`run_node`: the life of a node as a process, from rclpy's start to a clean end."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import rclpy
from rclpy.logging import get_logger
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from geometry import InputError
from ros_nodes.callback_threads import CallbackThreads

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_LOOK_S = 0.05
_LAST_CALLBACKS_S = 5.0
_DISCOVERY_S = 2.0
_BAD_INPUT = 2
_LOGGER = "graspmimic"


def run_node(factory: Callable[[], Node], args: list[str] | None = None, *, threads: int = 16) -> int:
    """Make a node and run it until SIGINT, SIGTERM or the context's shutdown.

    The signals are handled here and not by rclpy, which would invalidate the context at once: while the node is
    taken down it can still publish and cancel, so that an arm is stopped and not only left alone. The order is:
    `node.wind_down()`, where the node has such a method, with all callbacks still running; then the end of the
    callbacks; then `node.destroy_node()`, once; then rclpy's shutdown. Further signals meanwhile change nothing.

    Args:
        factory: makes the node, for example its class.
        args: command line; None is `sys.argv`.
        threads: callbacks that may run at the same time, those that wait for others included; a thread is made only
            when it is needed.
    Returns:
        Exit status: 0 after a clean end, 2 where the node could not be made (one line in the log says why).
    Raises:
        Exception: a defect in a callback, after the same clean end.
    """
    stop: list[None] = []
    with _signals_noted_in(stop):
        try:
            rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
        except RuntimeError as error:  # of rcl: an option or a parameter file that it cannot read
            get_logger(_LOGGER).fatal(" ".join(str(error).split()))
            return _BAD_INPUT
        try:
            node = factory()
        except InputError as error:
            get_logger(_LOGGER).fatal(str(error))
            return _BAD_INPUT
        else:
            _live(node, threads, stop)
        finally:
            if rclpy.ok():
                rclpy.shutdown()
    return 0


def _live(node: Node, threads: int, stop: list[None]) -> None:
    """Spin in threads until something is in `stop`, then take the node down in the order that `run_node` says."""
    defects: list[Exception] = []

    def end_by(defect: Exception) -> None:  # the main thread raises it when the node is down
        defects.append(defect)
        stop.append(None)

    callbacks = CallbackThreads(threads, on_error=end_by, on_end=lambda: stop.append(None))
    callbacks.add_node(node)
    callbacks.start()
    try:
        _wait(stop, node)
        wind_down = getattr(node, "wind_down", None)
        if wind_down is not None:
            wind_down()
    finally:
        if not callbacks.stop(_LAST_CALLBACKS_S):
            get_logger(_LOGGER).warning(f"a callback of {node.get_name()} did not end in {_LAST_CALLBACKS_S:g} s")
        node.destroy_node()
    if defects:
        raise defects[0]


def _wait(stop: list[None], node: Node) -> None:
    """Until something is in the list; once, when the network has had time to tell, warn of a node of the same name.

    The list is looked at again and again. A signal's handler may not set an Event, whose lock the interrupted `wait`
    of the same thread may hold; and a `SimpleQueue.get` with a timeout, interrupted just before its time is up, waits
    for ever in Python 3.11.
    """
    others_known_s = time.monotonic() + _DISCOVERY_S
    while not stop and time.monotonic() < others_known_s:
        time.sleep(_LOOK_S)
    if not stop:
        _warn_of_another(node)
    while not stop:
        time.sleep(_LOOK_S)


def _warn_of_another(node: Node) -> None:
    try:
        names = node.get_node_names_and_namespaces()
    except RuntimeError:  # the context has just been shut down
        return
    if names.count((node.get_name(), node.get_namespace())) > 1:
        node.get_logger().warning(
            "another node of this name runs (or was killed just now): both would answer; "
            "end one of them, or name this one differently with --ros-args -r __node:=NAME"
        )


@contextmanager
def _signals_noted_in(stop: list[None]) -> Iterator[None]:
    """Let the signals that end a process put something into `stop`; only a main thread can ask for that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda *_: stop.append(None)) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
