"""Start what a launch file describes as `ros2 launch` does: a process for each node, its output with a prefix."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO

import yaml

from tests.ros_standin.launching.entities import REPOSITORY
from tests.ros_standin.launching.plan import LaunchPlan, PlannedNode

SIGTERM_AFTER_S = SIGKILL_AFTER_S = 5.0
"""As in `launch`: after SIGINT comes SIGTERM, and then SIGKILL."""


def command_line(planned: PlannedNode, folder: Path) -> list[str]:
    """What launch_ros puts behind the executable: its arguments, then names, files of parameters, and remaps.

    Args:
        planned: the node.
        folder: for the files that dictionaries of parameters are written to.
    """
    parts = [f"__node:={planned.name}"] if planned.name else []
    parts += [f"__ns:={planned.namespace}"] if planned.namespace else []
    line = [*planned.arguments, "--ros-args", *(word for part in parts for word in ("-r", part))]
    for number, source in enumerate(planned.sources):
        path = source
        if not isinstance(path, Path):
            held = {section: {"ros__parameters": values} for section, values in path.items()}
            path = folder / f"launch_params_{planned.executable}_{number}"
            path.write_text(yaml.dump(held, default_flow_style=False), encoding="utf-8")
        line += ["--params-file", str(path)]
    return line + [word for here, there in planned.remappings for word in ("-r", f"{here}:={there}")]


class NodeProcess:
    """A node's process, and what it said.

    Args:
        planned: the node.
        folder: for its files of parameters.
        environment: of the process.
    """

    def __init__(self, planned: PlannedNode, folder: Path, environment: Mapping[str, str]) -> None:
        self.name = planned.executable
        self.lines: list[str] = []
        """Standard output and standard error, line by line."""
        program = [sys.executable, "-m", "tests.ros_standin.launching.entry", planned.executable]
        self._process = subprocess.Popen(
            program + command_line(planned, folder),
            cwd=REPOSITORY,
            env=dict(environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # Ctrl-C in the tests' terminal is not meant for it
        )
        assert self._process.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def status(self) -> int | None:
        """Exit status; None while it runs, negative after a signal."""
        return self._process.poll()

    def send(self, number: signal.Signals) -> None:
        """A signal, where it still runs."""
        self._process.send_signal(number)

    def wait(self, timeout_s: float) -> bool:
        """Whether it ended, and all that it said is in `lines`."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        self._reader.join(5.0)
        return True

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            self.lines.append(line.rstrip("\n"))
            print(f"[{self.name}-{self.pid}] {self.lines[-1]}", file=sys.stderr, flush=True)


class RunningPlan:
    """The processes of a plan; viewers and other packages' nodes are left out. Ends them on exit.

    Args:
        plan: what to start.
        folder: for files of parameters.
        domain_id: of ROS.
    """

    def __init__(self, plan: LaunchPlan, folder: Path, domain_id: int) -> None:
        self._plan, self._folder = plan, folder
        self._environment = {**os.environ, **plan.environment, "ROS_DOMAIN_ID": str(domain_id)}
        self.nodes: dict[str, NodeProcess] = {}
        """By executable, as they were started last."""

    def start(self, executable: str) -> NodeProcess:
        """Start one of the plan's nodes, or start it again."""
        planned = self._plan.node(executable)
        self.nodes[executable] = NodeProcess(planned, self._folder, self._environment)
        return self.nodes[executable]

    def start_all(self) -> None:
        """In the plan's order, all at once, as `launch` does."""
        for planned in self._plan.nodes:
            if planned.package == "graspmimic":
                self.start(planned.executable)

    def stop(self) -> dict[str, int | None]:
        """As Ctrl-C stops a launch: SIGINT to all, and harder signals to those that go on; the exit statuses."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            end = time.monotonic() + SIGTERM_AFTER_S
            running = [node for node in self.nodes.values() if node.status is None]
            for node in running:
                node.send(number)
            for node in running:
                node.wait(max(0.0, end - time.monotonic()))
        return {name: node.status for name, node in self.nodes.items()}

    def __enter__(self) -> RunningPlan:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def start_processes(plan: LaunchPlan, folder: Path, domain_id: int) -> RunningPlan:
    """Start a plan's nodes, each as a process, with the command line that launch_ros would give it."""
    running = RunningPlan(plan, folder, domain_id)
    running.start_all()
    return running
