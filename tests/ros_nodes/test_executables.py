"""Every node as a process, as `ros2 run` starts it: a clean end by SIGINT and SIGTERM at every moment of its life."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ros_nodes import executables
from tests.ros_nodes.session import RosSession

REPOSITORY = Path(__file__).resolve().parents[2]
BEGUN, READY = "the process has begun", "it spins"
PROGRAM = f"""
import faulthandler
import signal
import sys

faulthandler.register(signal.SIGUSR1, all_threads=True)

from tests.ros_standin import install

install()
from rclpy.executors import Executor
from ros_nodes import executables

add_node = Executor.add_node


def told(self, node):
    print("{READY}", flush=True)
    return add_node(self, node)


Executor.add_node = told
print("{BEGUN}", flush=True)
sys.exit(getattr(executables, sys.argv[1])(sys.argv[1:]))
"""
NOISE = ("Traceback", "Exception ignored", "never retrieved", "never awaited", "KeyboardInterrupt")


class Nodes:
    """All executables as processes in a ROS domain; leave it with `end`, which looks at how they ended."""

    def __init__(self, folder: Path, domain_id: int) -> None:
        self.logs = {name: folder / f"{name}.log" for name in executables.__all__}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "ROS_DOMAIN_ID": str(domain_id)}
        for name, log in self.logs.items():
            command = [sys.executable, "-c", PROGRAM, name, "--ros-args", "-p", f"folder:={folder / name}"]
            with log.open("w") as out:
                self.processes[name] = subprocess.Popen(
                    command, cwd=REPOSITORY, stdout=out, stderr=subprocess.STDOUT, env=environment
                )

    def wait_for(self, text: str, name: str) -> None:
        deadline = time.monotonic() + 150.0
        while text not in self.logs[name].read_text():
            assert self.processes[name].poll() is None, self.logs[name].read_text()
            assert time.monotonic() < deadline, f"{name} does not start: {self.logs[name].read_text()}"
            time.sleep(0.02)

    def send(self, name: str, number: int) -> None:
        self.processes[name].send_signal(number)  # which does nothing where the process has ended

    def end(self) -> None:
        """Status 0, no noise, in time."""
        deadline = time.monotonic() + 60.0
        ended = {name: self._wait(process, deadline) for name, process in self.processes.items()}
        told = {name: log.read_text() for name, log in self.logs.items()}
        assert set(ended.values()) == {0}, {name: (how, told[name]) for name, how in ended.items() if how != 0}
        noisy = {name: text for name, text in told.items() if any(each in text for each in NOISE)}
        assert not noisy, noisy

    @staticmethod
    def _wait(process: subprocess.Popen[bytes], deadline: float) -> int | str:
        try:
            return process.wait(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGUSR1)  # it writes where its threads are
            time.sleep(1.0)
            return "does not end"

    def kill(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()


@pytest.fixture
def nodes(tmp_path: Path, ros: RosSession) -> Iterator[Nodes]:
    made = Nodes(tmp_path, ros.domain_id)
    yield made
    made.kill()


def test_each_is_installed() -> None:
    tree = ast.parse((REPOSITORY / "setup.py").read_text())
    (found,) = [n for n in tree.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "NODES"]
    assert list(ast.literal_eval(found.value)) == executables.__all__
    assert "{node} = ros_nodes.executables:{node}" in (REPOSITORY / "setup.py").read_text()


def test_nothing_is_imported_before_a_signal_is_taken_care_of() -> None:
    code = "import sys; from ros_nodes import executables; print('rclpy' in sys.modules, 'numpy' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["False", "False"]


@pytest.mark.parametrize(
    "numbers",
    [
        pytest.param((signal.SIGINT,), id="SIGINT"),
        pytest.param((signal.SIGTERM,), id="SIGTERM", marks=pytest.mark.slow),
        pytest.param((signal.SIGINT, signal.SIGINT, signal.SIGINT), id="SIGINT thrice", marks=pytest.mark.slow),
    ],
)
def test_a_signal_ends_every_node_cleanly(nodes: Nodes, numbers: tuple[int, ...]) -> None:
    for name in nodes.processes:
        nodes.wait_for(READY, name)
    time.sleep(1.0)
    for each in numbers:
        for name in nodes.processes:
            nodes.send(name, each)
        time.sleep(0.4)
    nodes.end()


@pytest.mark.slow
@pytest.mark.parametrize("first_s", [0.0, 1.0, 2.5])
def test_a_signal_while_it_starts_ends_every_node_cleanly(nodes: Nodes, first_s: float) -> None:
    """The process imports, initialises ROS, makes its node, or loads its model by then."""
    for name in nodes.processes:
        nodes.wait_for(BEGUN, name)
    time.sleep(first_s)
    for name in nodes.processes:
        nodes.send(name, signal.SIGINT)
        time.sleep(0.1)
    for name in nodes.processes:
        nodes.send(name, signal.SIGINT)
    nodes.end()
