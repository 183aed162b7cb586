"""`run_node`: the life of a node as a process, from rclpy's start to a clean end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor
from rclpy.logging import get_logger
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from geometry import InputError

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_WAKE_S = 0.2
_SHUTDOWN_S = 5.0
BAD_INPUT = 2
"""Exit status where the node cannot be made from what it was given, as on the command line."""


def run_node(factory: Callable[[], Node], args: list[str] | None = None, *, threads: int = 4) -> int:
    """Make a node and run it until SIGINT, SIGTERM or the context's shutdown.

    The signals are handled here and not by rclpy, which would invalidate the context at once: while the node is
    taken down it can still publish and cancel, so that an arm is stopped and not only left alone. The order is:
    `node.wind_down()`, where the node has such a method, with all callbacks still running; then the executor's
    end; then `node.destroy_node()`, once; then rclpy's shutdown. Further signals meanwhile change nothing.

    Args:
        factory: makes the node, for example its class.
        args: command line; None is `sys.argv`.
        threads: callbacks that may run at the same time.
    Returns:
        Exit status: 0 after a clean end, 2 where the node could not be made (one line in the log says why).
    Raises:
        Exception: a defect in a callback, after the same clean end.
    """
    stop = threading.Event()
    with _signals_set(stop):
        try:
            rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
        except RuntimeError as error:  # of rcl: an option or a parameter file that it cannot read
            get_logger("graspmimic").fatal(_one_line(error))
            return BAD_INPUT
        try:
            return _live(factory, threads, stop)
        finally:
            if rclpy.ok():
                rclpy.shutdown()


def _live(factory: Callable[[], Node], threads: int, stop: threading.Event) -> int:
    try:
        node = factory()
    except InputError as error:
        get_logger("graspmimic").fatal(str(error))
        return BAD_INPUT
    executor = MultiThreadedExecutor(num_threads=threads)
    defects: list[Exception] = []
    spinner = threading.Thread(target=_spin, args=(executor, defects, stop), name="executor")
    try:
        executor.add_node(node)
        spinner.start()
        while not stop.wait(_WAKE_S):
            if not rclpy.ok():
                break
        _wind_down(node)
    except KeyboardInterrupt:  # where this is no main thread's, or Python's own handler stands
        _wind_down(node)
    finally:
        executor.shutdown(timeout_sec=_SHUTDOWN_S)
        if spinner.ident is not None:
            spinner.join(_SHUTDOWN_S)
        node.destroy_node()
    if defects:
        raise defects[0]
    return 0


def _spin(executor: Any, defects: list[Exception], stop: threading.Event) -> None:
    try:
        executor.spin()
    except ExternalShutdownException:
        pass
    except Exception as error:  # handed to the main thread, which takes the node down before it raises it
        defects.append(error)
    finally:
        stop.set()


def _wind_down(node: Node) -> None:
    wind_down = getattr(node, "wind_down", None)
    if wind_down is not None:
        wind_down()


@contextmanager
def _signals_set(stop: threading.Event) -> Iterator[None]:
    """Let the signals that end a process set `stop`; only a main thread can be asked to."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
