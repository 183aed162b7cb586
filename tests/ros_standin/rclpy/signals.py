"""rclpy.signals: SIGINT and SIGTERM shut all contexts down, and then do what they did before."""

from __future__ import annotations

import signal
import threading
from enum import IntEnum
from typing import Any


class SignalHandlerOptions(IntEnum):
    NO = 0
    SIGINT = 1
    SIGTERM = 2
    ALL = 3


_NUMBERS = {SignalHandlerOptions.SIGINT: signal.SIGINT, SignalHandlerOptions.SIGTERM: signal.SIGTERM}
_previous: dict[int, Any] = {}


def _shut_down(number: int, frame: Any) -> None:
    from rclpy.context import contexts

    previous = _previous.get(number)
    for context in list(contexts):
        context.try_shutdown()
    if callable(previous):
        previous(number, frame)


def install_signal_handlers(options: SignalHandlerOptions = SignalHandlerOptions.ALL) -> None:
    """Python takes handlers in the main thread only; from another thread nothing is installed."""
    if threading.current_thread() is not threading.main_thread():
        return
    for option, number in (
        (SignalHandlerOptions.SIGINT, signal.SIGINT),
        (SignalHandlerOptions.SIGTERM, signal.SIGTERM),
    ):
        if options & option and number not in _previous:
            _previous[number] = signal.signal(number, _shut_down)


def uninstall_signal_handlers() -> None:
    if threading.current_thread() is not threading.main_thread():
        return
    for number, previous in list(_previous.items()):
        signal.signal(number, previous)
        del _previous[number]


def get_current_signal_handlers_options() -> SignalHandlerOptions:
    options = SignalHandlerOptions.NO.value
    for option, number in _NUMBERS.items():
        options |= option.value if number in _previous else 0
    return SignalHandlerOptions(options)
