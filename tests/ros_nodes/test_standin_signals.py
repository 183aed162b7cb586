"""What SIGINT and SIGTERM do to a program that uses rclpy; these tests hold for a real rclpy, too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
from tests.ros_standin import install
install()
import rclpy
from rclpy.executors import ExternalShutdownException
rclpy.init()
node = rclpy.create_node("program")
node.create_timer(0.05, lambda: print("running", flush=True))
try:
    rclpy.spin(node)
except (KeyboardInterrupt, ExternalShutdownException) as error:
    print(type(error).__name__, rclpy.ok())
except RuntimeError:  # rclpy.spin was making its wait set just then: RCLError in place of ExternalShutdownException
    if rclpy.ok():
        raise
    print("ExternalShutdownException False")
else:  # the signal came while a callback ran
    print("returned", rclpy.ok())
finally:
    node.destroy_node()
    rclpy.try_shutdown()
"""


@pytest.mark.parametrize(
    ("number", "endings"),
    [
        # On a busy machine Python's handler may be faster than the thread in which rclpy shuts the context down.
        (
            signal.SIGINT,
            ("KeyboardInterrupt False", "KeyboardInterrupt True", "ExternalShutdownException False", "returned False"),
        ),
        (signal.SIGTERM, ("ExternalShutdownException False", "returned False")),
    ],
)
def test_signals_shut_down(number, endings):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True, env=environment, cwd=REPOSITORY
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"
    process.send_signal(number)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert output.splitlines()[-1] in endings
