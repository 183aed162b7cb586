"""What `ros2 run graspmimic <node>` starts: a function for each node. Imports nothing until it is called.

A node's imports take seconds, more than its start itself. Ctrl-C meanwhile would end in a traceback from the middle of
some library, and a second Ctrl-C, while the interpreter ends, in another one.
"""

from __future__ import annotations

import atexit
import os
import signal
from collections.abc import Callable
from importlib import import_module

__all__ = [
    "behavior_recognizer",
    "calibration_recorder",
    "demo_recorder",
    "grasp_detector",
    "pick_server",
    "policy_runner",
    "safety",
    "sim_robot",
    "table_clearer",
]


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def _main_of(node: str) -> Callable[[list[str] | None], int]:
    def main(args: list[str] | None = None) -> int:
        """Run the node until it is stopped; the exit status.

        SIGINT and SIGTERM end the process at once, with this status, while nothing runs yet and when nothing runs any
        more but a callback that does not end. In between they are `run_node`'s, which takes the node down in order.
        """
        status = 0
        for number in _SIGNALS:
            signal.signal(number, lambda *_: os._exit(status))
        atexit.register(_ignore_signals)
        status = int(import_module(f"ros_nodes.{node}.node").main(args))
        return status

    return main


def _ignore_signals() -> None:
    """For the last moments, in which the libraries free what they have and Python handles no signal any more."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


behavior_recognizer = _main_of("behavior_recognizer")
calibration_recorder = _main_of("calibration_recorder")
demo_recorder = _main_of("demo_recorder")
grasp_detector = _main_of("grasp_detector")
pick_server = _main_of("pick_server")
policy_runner = _main_of("policy_runner")
safety = _main_of("safety")
sim_robot = _main_of("sim_robot")
table_clearer = _main_of("table_clearer")
