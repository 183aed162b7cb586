"""The environment of `make test-ros`: which messages are compiled, in which order, and when again; what is pinned."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
MESSAGES = """\
# A comment before the first.
==== robot_msgs/action/Pick
tools_msgs/Hand[<=2] hands
---
geometry_msgs/Pose reached
---
==== robot_msgs/msg/State
State_like_name no_package
string text "  tools_msgs/Nothing"
==== tools_msgs/msg/Hand
float64 width 0.04
==== geometry_msgs/msg/Pose
float64 x
==== other_msgs/srv/Ask
---
bool yes
"""


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_messages", REPOSITORY / "tools" / "build_messages.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_definitions_become_files_of_packages(tool: ModuleType) -> None:
    found = tool.packages([MESSAGES])
    assert {package: list(files) for package, files in found.items()} == {
        "robot_msgs": ["action/Pick.action", "msg/State.msg"],
        "tools_msgs": ["msg/Hand.msg"],
        "other_msgs": ["srv/Ask.srv"],
    }  # geometry_msgs comes as a wheel
    assert found["tools_msgs"]["msg/Hand.msg"] == "float64 width 0.04\n"
    assert found["robot_msgs"]["action/Pick.action"].count("---") == 2


def test_a_package_needs_what_its_fields_are_made_of(tool: ModuleType) -> None:
    found = tool.packages([MESSAGES])
    of_actions = ["action_msgs", "unique_identifier_msgs"]
    needed = tool.needed_by("robot_msgs", found["robot_msgs"])
    assert needed == sorted([*of_actions, "builtin_interfaces", "geometry_msgs", "tools_msgs"])
    assert tool.needed_by("other_msgs", found["other_msgs"]) == ["builtin_interfaces"]


def test_what_is_needed_is_built_first(tool: ModuleType) -> None:
    assert tool.in_order(tool.packages([MESSAGES])) == ["tools_msgs", "robot_msgs", "other_msgs"]
    texts = [path.read_text(encoding="utf-8") for path in tool.DEFINITIONS.glob("*.txt")]
    order = tool.in_order(tool.packages(texts))
    assert order.index("octomap_msgs") < order.index("moveit_msgs")
    assert sorted(order) == sorted(set(order)) and "geometry_msgs" not in order


def test_a_change_is_built_again_with_all_that_need_it(tool: ModuleType) -> None:
    before = tool.packages([MESSAGES])
    after = tool.packages([MESSAGES.replace("width 0.04", "width_m 0.04")])
    changed = {name for name in before if tool.fingerprint(name, before) != tool.fingerprint(name, after)}
    assert changed == {"tools_msgs", "robot_msgs"}


@pytest.mark.parametrize("numpy", ["numpy/_core/include", "numpy/core/include"])
def test_headers_are_looked_for_on_this_machine(tool: ModuleType, numpy: str) -> None:
    builder = "/opt/python/cp310-cp310"
    exported = f'"{builder}/include/python3.10;{builder}/lib/python3.10/site-packages/{numpy};${{_PREFIX}}/include"'
    assert tool.at_home(exported, "/py", r"/np\1") == r'"/py;/np\1;${_PREFIX}/include"'
    assert tool.at_home('"/usr/include/python3.10"', "/py", "/np") == '"/usr/include/python3.10"'


def test_every_wheel_is_pinned_once() -> None:
    lines = (REPOSITORY / "tools" / "ros_requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert [line for line in pins if not re.fullmatch(r"[a-z0-9-]+==[0-9.]+", line)] == []
    names = [line.split("==")[0] for line in pins]
    assert len(names) == len(set(names)) and "ros-rclpy" in names
    ours = (REPOSITORY / "requirements.txt").read_text(encoding="utf-8")
    assert [name for name in names if re.search(rf"^{name}==", ours, re.MULTILINE)] == []


@pytest.mark.parametrize(("base", "worker", "domain"), [(None, "gw0", "0"), ("20", "gw3", "23"), ("100", "gw2", "0")])
def test_processes_side_by_side_are_in_domains_of_their_own(
    monkeypatch: pytest.MonkeyPatch, base: str | None, worker: str, domain: str
) -> None:
    monkeypatch.setattr(os, "environ", {**os.environ, "PYTEST_XDIST_WORKER": worker})
    os.environ.pop("ROS_DOMAIN_ID", None)
    os.environ.update({} if base is None else {"ROS_DOMAIN_ID": base})
    path = REPOSITORY / "tests" / "ros_nodes" / "conftest.py"
    spec = importlib.util.spec_from_file_location("conftest_once_more", path)
    assert spec and spec.loader
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    assert os.environ["ROS_DOMAIN_ID"] == domain


def test_another_machine_is_told_so_in_one_line(tmp_path: Path) -> None:
    uname = tmp_path / "uname"
    uname.write_text("#!/bin/sh\necho Darwin arm64\n")
    uname.chmod(0o755)
    bash = shutil.which("bash")
    assert bash
    done = subprocess.run(
        [bash, "tools/ros_venv.sh", str(tmp_path / "venv"), str(tmp_path / "ros")],
        cwd=REPOSITORY,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3 and not done.stdout and not (tmp_path / "ros").exists()
    assert done.stderr == "[ros] no real rclpy: its wheels are for Linux on x86-64, and this is Darwin arm64\n"
