"""Nodes as processes, as a launch file starts them: for a real rclpy."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from tests.ros_nodes.node_process import READY
from tests.ros_nodes.session import RosSession
from tests.ros_standin.launching import PlannedNode

_REPOSITORY = Path(__file__).resolve().parents[2]
_START_S, _END_S = 120.0, 40.0
_FATAL = re.compile(r"^\[FATAL\] \[[\d.]+\] \[\w+\]: (.*)$", re.MULTILINE)


class CrewOfProcesses:
    """Starts and ends nodes, each in a process with a log of its own.

    Args:
        ros: of the test; the nodes share its domain.
    """

    def __init__(self, ros: RosSession) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ros_nodes_"))
        self._environment = {**os.environ, "ROS_DOMAIN_ID": str(ros.domain_id)}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._number = 0

    def start(self, planned: PlannedNode, parameters: dict[str, Any]) -> str:
        """Start a node and wait until it is made; empty, or why it is not."""
        self._number += 1
        base = self.folder / f"{self._number:03d}_{planned.executable}"
        given = base.with_suffix(".yaml")
        given.write_text(yaml.safe_dump({"/**": {"ros__parameters": _plain(parameters)}}), encoding="utf-8")
        log = base.with_suffix(".log")
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.ros_nodes.node_process", planned.executable]
            + [*planned.cli_args(), "--params-file", str(given)],
            cwd=_REPOSITORY,
            env=self._environment,
            stdout=log.open("wb"),
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + _START_S
        while READY not in (told := log.read_text(encoding="utf-8")):
            if process.poll() is not None:
                fatal = _FATAL.findall(told)
                return str(fatal[-1]) if fatal else f"status {process.returncode}: {told[-800:]}"
            if time.monotonic() > deadline:
                process.kill()
                raise TimeoutError(f"{planned.executable} does not start: {told[-800:]}")
            time.sleep(0.02)
        self._running[planned.executable] = process
        return ""

    def stop(self, name: str) -> None:
        """End a node as Ctrl-C does."""
        process = self._running.pop(name)
        process.send_signal(signal.SIGINT)
        status = process.wait(_END_S)
        assert status == 0, f"{name} ended with status {status}, see {self.folder}"

    def kill(self, name: str) -> None:
        """End a node as SIGKILL does."""
        process = self._running.pop(name)
        process.kill()
        process.wait(_END_S)

    def close(self) -> None:
        """End all that still run."""
        for process in self._running.values():
            process.send_signal(signal.SIGINT)
        for process in self._running.values():
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                process.kill()
        self._running.clear()


def _plain(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in parameters.items()}
