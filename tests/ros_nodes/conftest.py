"""The fixture `ros`: a fresh ROS context for each test, on a real ROS where there is one, else on the stand-in."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

TESTS = Path(__file__).resolve().parents[1]


def _make_tests_importable() -> None:
    """Let `tests.ros_standin` be found under plain `pytest`, too, which does not look in the repository's root."""
    known = sys.modules.get("tests")
    if known is None:
        spec = ModuleSpec("tests", None, is_package=True)
        spec.submodule_search_locations = [str(TESTS)]
        sys.modules["tests"] = importlib.util.module_from_spec(spec)
    elif str(TESTS) not in known.__path__:
        known.__path__ = [str(TESTS), *known.__path__]


def domain_of_worker(base: int, worker: str) -> int:
    """The ROS domain of a process of pytest-xdist ("gw3") beside others, within what Linux's ports allow (0 to 101)."""
    return (base + int(worker.removeprefix("gw"))) % 102


def _set_up_ros() -> None:
    """For a real ROS, before it is imported.

    Message fields are checked; nodes are seen on this machine only, and not by tests in a process beside.
    """
    os.environ.setdefault("ROS_PYTHON_CHECK_FIELDS", "1")
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        os.environ["ROS_DOMAIN_ID"] = str(domain_of_worker(int(os.environ.get("ROS_DOMAIN_ID", "0")), worker))
    if os.environ.get("ROS_DISTRO") == "humble":
        os.environ.setdefault("ROS_LOCALHOST_ONLY", "1")
    else:
        os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")


_set_up_ros()
_make_tests_importable()
from tests.ros_standin import install  # noqa: E402

if install() and os.environ.get("ROS_DISTRO"):
    raise RuntimeError("ROS_DISTRO is set, yet there is no rclpy: source ROS 2's setup.bash, or unset ROS_DISTRO")
if TYPE_CHECKING:
    from tests.ros_nodes.pick_stage import Stage
    from tests.ros_nodes.session import RosSession


@pytest.fixture
def ros() -> Iterator[RosSession]:
    """Nodes, services, actions and topics of one test (see `RosSession`)."""
    from tests.ros_nodes.session import RosSession

    session = RosSession()
    yield session
    session.close()


@pytest.fixture
def stage(ros: RosSession) -> Stage:
    """The pick server with a fake arm and a fake planner."""
    from tests.ros_nodes.pick_stage import Stage

    return Stage(ros)
