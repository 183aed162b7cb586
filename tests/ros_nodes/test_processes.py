"""Launch files as they run: a process for each node, with launch_ros' command line, started and ended as by launch."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ros_standin.launching import read_launch_file
from tests.ros_standin.launching.processes import RunningPlan, command_line

LAUNCH = Path(__file__).resolve().parents[2] / "launch"
START_S, MOTION_S = 120.0, 90.0
PUZZLES = ("Traceback", "Exception", "Error:", "[FATAL]", "terminate called", "leaked", "RTPS", "Aborted")
"""What nobody should find in a terminal, whatever happens to the robot."""


def test_a_nodes_command_line_is_what_launch_ros_writes(tmp_path: Path) -> None:
    plan = read_launch_file(LAUNCH / "pick.launch.py", {"sim": "true", "speed": "0.5"})
    line = command_line(plan.node("pick_server"), tmp_path)
    assert line[:3] == ["--ros-args", "-r", "__node:=pick_server"]
    files = [line[at + 1] for at, word in enumerate(line) if word == "--params-file"]
    robot, mine, written = (Path(file) for file in files)
    assert (robot, mine) == (LAUNCH / "robots" / "panda.yaml",) * 2  # nobody gave a file of their own
    held = yaml.safe_load(written.read_text())
    assert held.keys() == {"/**"}
    given = held["/**"]["ros__parameters"]
    assert (given["use_sim_time"], given["speed"], given["motion"]) == (True, 0.5, "trajectory")
    assert line[-2:] == ["-r", "safety/heartbeat:=/safety/heartbeat"]
    assert len(line) == 3 + 2 * 3 + 2 * 3


class Watched:
    """The stack of pick.launch.py, seen from a test.

    Args:
        ros: the session beside it.
        folder: for its files.
    """

    def __init__(self, ros: Any, folder: Path) -> None:
        from diagnostic_msgs.msg import DiagnosticArray
        from moveit_msgs.action import Pickup
        from sensor_msgs.msg import JointState

        self.ros, self._pickup = ros, Pickup
        plan = read_launch_file(LAUNCH / "pick.launch.py", {"sim": "true"})
        self.running = RunningPlan(plan, folder, ros.domain_id)
        self._diagnostics = ros.collect(DiagnosticArray, "/diagnostics")
        self._joints = ros.collect(JointState, "/joint_states")

    def levels(self) -> dict[str, bytes]:
        """The latest level of each part that was told."""
        return {one.name: one.level for array in list(self._diagnostics) for one in array.status}

    def ready(self) -> bool:
        """Whether all nodes told of themselves, and nothing is wrong any more."""
        levels = self.levels()
        nodes = {name.split(":")[0] for name in levels}
        return nodes >= self.running.nodes.keys() and set(levels.values()) == {b"\x00"}

    def pick_in_motion(self) -> Any:
        """A goal for anything, while the arm moves; given again where a busy machine made its state old."""
        end = time.monotonic() + MOTION_S
        while time.monotonic() < end:
            goal = self.ros.send_goal(self._pickup, "/pick_server/pickup", self._pickup.Goal(), timeout_s=START_S)
            if goal.accepted:
                self.ros.wait_until(lambda goal=goal: self.moving() or goal.done, MOTION_S)
                if self.moving():
                    return goal
        raise AssertionError(f"the arm does not move: {self.levels()}")

    def moving(self) -> bool:
        """Whether the latest state has a joint at 0.1 rad/s or more."""
        return max(abs(speed) for speed in list(self._joints)[-1].velocity[:7]) > 0.1

    def said(self) -> list[str]:
        """All lines that would puzzle a user."""
        return [line for node in self.running.nodes.values() for line in node.lines if any(p in line for p in PUZZLES)]


@pytest.fixture
def watched(ros: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    if ros.standin:
        pytest.skip("the stand-in has no transport between processes: needs a real rclpy")
    monkeypatch.setenv("FASTRTPS_DEFAULT_PROFILES_FILE", str(LAUNCH / "fastdds.xml"))  # as docs/ros2.md tells users to
    stack = Watched(ros, tmp_path)
    with stack.running:
        yield stack


@pytest.mark.slow
def test_a_launch_in_any_order_ends_by_one_ctrl_c_in_mid_motion(watched: Watched) -> None:
    for name in ("pick_server", "safety", "grasp_detector", "sim_robot"):  # the robot comes last
        watched.running.start(name)
    assert watched.ros.wait_until(watched.ready, START_S), watched.levels()
    watched.pick_in_motion()
    statuses = watched.running.stop()
    assert set(statuses.values()) == {0}, statuses
    assert not watched.said()


@pytest.mark.slow
def test_a_robot_that_is_killed_in_mid_motion_comes_back(watched: Watched) -> None:
    watched.running.start_all()
    assert watched.ros.wait_until(watched.ready, START_S), watched.levels()
    goal = watched.pick_in_motion()
    robot = watched.running.nodes["sim_robot"]
    robot.send(signal.SIGKILL)
    assert robot.wait(10.0) and robot.status == -signal.SIGKILL
    _, result = goal.result(MOTION_S)
    assert result.error_code.val not in (1, 0), "nothing was picked up"
    watched.running.start("sim_robot")
    reset(watched)
    assert watched.ros.wait_until(lambda: not wrong(watched), START_S), wrong(watched)
    watched.pick_in_motion()  # work goes on
    assert set(watched.running.stop().values()) == {0}
    assert not watched.said()


def wrong(watched: Watched) -> dict[str, bytes]:
    """Parts that hinder a pick; the task keeps telling how the last one ended."""
    bad = {name: level for name, level in watched.levels().items() if level > b"\x01"}
    return {name: level for name, level in bad.items() if not name.endswith("task")}


def reset(watched: Watched) -> None:
    """Let the guard go on, once it sees the new robot."""
    from std_srvs.srv import Trigger

    def done() -> bool:
        time.sleep(0.5)  # each refusal is a line in the log
        return bool(watched.ros.call(Trigger, "/safety/reset", timeout_s=START_S).success)

    assert watched.ros.wait_until(done, START_S)
