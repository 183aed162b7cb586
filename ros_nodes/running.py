"""`run_node`: the life of a node as a process, from rclpy's start to a clean end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue

import rclpy
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor
from rclpy.logging import get_logger
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from geometry import InputError

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_WAKE_S = 0.1
_LAST_CALLBACKS_S = 5.0
_BAD_INPUT = 2
_LOGGER = "graspmimic"


def run_node(factory: Callable[[], Node], args: list[str] | None = None, *, threads: int = 16) -> int:
    """Make a node and run it until SIGINT, SIGTERM or the context's shutdown.

    The signals are handled here and not by rclpy, which would invalidate the context at once: while the node is
    taken down it can still publish and cancel, so that an arm is stopped and not only left alone. The order is:
    `node.wind_down()`, where the node has such a method, with all callbacks still running; then the executor's
    end; then `node.destroy_node()`, once; then rclpy's shutdown. Further signals meanwhile change nothing.

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
    stop: SimpleQueue[None] = SimpleQueue()
    with _signals_put_into(stop):
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


def _live(node: Node, threads: int, stop: SimpleQueue[None]) -> None:
    """Spin in a thread until something is in `stop`, then take the node down in the order that `run_node` says."""
    executor = MultiThreadedExecutor(num_threads=threads)
    executor.add_node(node)
    defects: list[Exception] = []
    ended = threading.Event()

    def spin() -> None:
        try:
            # Not `spin`: a shutdown from another thread pulls the executor's parts away from under it.
            while not ended.is_set() and rclpy.ok():
                executor.spin_once(timeout_sec=_WAKE_S)
        except ExternalShutdownException:
            pass
        except Exception as error:  # the main thread raises it when the node is down
            defects.append(error)
        finally:
            stop.put(None)

    spinner = threading.Thread(target=spin, name="executor")
    spinner.start()
    try:
        _wait(stop)
        wind_down = getattr(node, "wind_down", None)
        if wind_down is not None:
            wind_down()
    finally:
        ended.set()
        spinner.join()
        if executor.shutdown(timeout_sec=_LAST_CALLBACKS_S) is False:
            get_logger(_LOGGER).warning(f"a callback of {node.get_name()} did not end in {_LAST_CALLBACKS_S:g} s")
        node.destroy_node()
    if defects:
        raise defects[0]


def _wait(stop: SimpleQueue[None]) -> None:
    """Until something is in the queue.

    The wait is cut into pieces: where the kernel gave the signal to another thread, Python's handler runs only once
    the main thread has something to do.
    """
    while True:
        try:
            return stop.get(timeout=_WAKE_S)
        except Empty:
            continue


@contextmanager
def _signals_put_into(stop: SimpleQueue[None]) -> Iterator[None]:
    """Let the signals that end a process put something into `stop`; only a main thread can ask for that.

    A queue of this kind may be fed from a signal's handler at any moment. An Event may not: its `set` waits for a
    lock that the interrupted `wait` of the same thread may hold.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda *_: stop.put(None)) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
