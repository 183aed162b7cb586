"""Launch files: what they start, for many arguments, against what the nodes, the package and RViz really know."""

from __future__ import annotations

import importlib
import re
import runpy
from dataclasses import fields
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml

from tests.ros_standin.launching import LaunchPlan, PlannedNode, read_launch_file

ROOT = Path(__file__).resolve().parents[2]
LAUNCH = ROOT / "launch"
FILES = sorted(path.name.removesuffix(".launch.py") for path in LAUNCH.glob("*.launch.py"))
REAL_LAUNCH = getattr(importlib.import_module("launch_ros"), "__file__", None) is not None
POSE = "0.5 0 0.7 0 0.7071 0 0.7071"
CASES: list[tuple[str, dict[str, str]]] = [
    *((name, {}) for name in FILES),
    ("sim", {"scene": "task", "task": "graspmimic/Stack-v0", "seed": "7", "rviz": "true", "real_time_factor": "2"}),
    ("grasp", {"camera_pose": POSE, "base_pose": "0 0 0 0 0 0 1", "workspace": "0 0 0 1 1 1", "table": "find"}),
    ("grasp", {"realsense": "true", "rviz": "true", "use_sim_time": "true", "table_height_m": "1", "robot": "ur5e"}),
    ("pick", {"sim": "true", "clear": "true", "rviz": "true", "seed": "3"}),
    ("pick", {"robot": "ur5e", "motion": "moveit", "speed": "1", "table_height_m": "0", "camera_pose": POSE}),
    ("pick", {"robot": "xarm6", "clear": "true"}),
    ("imitate", {"sim": "true", "start": "true", "policy": "rl:Push", "task": "graspmimic/Push-v0", "rviz": "true"}),
    ("imitate", {"speed_scale": "1", "step_limit": "60"}),
    ("record", {"sim": "true", "demonstrator": "policy", "bag": "true", "source": "policy"}),
    ("record", {"robot": "ur5e", "task": "", "actions_from": "motion"}),
    ("behavior", {"input": "keypoints_3d", "use_depth": "false", "max_persons": "2"}),
]


def read(name: str, arguments: dict[str, str] | None = None) -> LaunchPlan:
    return read_launch_file(LAUNCH / f"{name}.launch.py", arguments)


def started_by_us(plan: LaunchPlan) -> list[PlannedNode]:
    return [node for node in plan.nodes if node.package == "graspmimic"]


def settings_of(executable: str) -> Any:
    module = importlib.import_module(f"ros_nodes.{executable}.settings")
    ours = [each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__]
    return ours[-1]


def test_every_launch_file_is_there() -> None:
    assert {"sim", "grasp", "pick", "imitate", "record"} <= set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_every_argument_is_described(name: str) -> None:
    for argument in read(name).arguments.values():
        assert argument.description and len(argument.description) > 8, argument.name
        if argument.default_value in ("true", "false"):
            assert set(argument.choices or ()) == {"true", "false"}, argument.name
        if argument.choices:
            assert argument.default_value in argument.choices, argument.name


def test_an_argument_that_is_none_of_its_choices_is_refused() -> None:
    with pytest.raises(RuntimeError, match="robot"):
        read("pick", {"robot": "r2d2"})
    with pytest.raises(ValueError, match="7 numbers"):
        read("grasp", {"camera_pose": "1 2 3"})
    with pytest.raises(ValueError, match="a Panda"):
        read("pick", {"sim": "true", "robot": "ur5e"})


@pytest.mark.parametrize("name", FILES)
def test_a_parameter_file_that_is_not_there_is_told(name: str) -> None:
    argument = "sim_params_file" if name == "sim" else "params_file"
    with pytest.raises(FileNotFoundError, match=f"{argument}: there is no file /nowhere.yaml"):
        read(name, {argument: "/nowhere.yaml"})


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_every_program_is_installed(name: str, arguments: dict[str, str]) -> None:
    nodes = set(re.findall(r'^    "(\w+)",$', (ROOT / "setup.py").read_text().split("setup(")[0], re.MULTILINE))
    depends = {each.text for each in ElementTree.parse(ROOT / "package.xml").iter("exec_depend")}
    plan = read(name, arguments)
    assert plan.nodes
    for node in plan.nodes:
        assert node.executable in nodes if node.package == "graspmimic" else node.package in depends, node
    texts = [path.read_text() for path in LAUNCH.glob("*.launch.py")]
    imported = {name for text in texts for name in re.findall(r"^from (\w+)[. ].*import", text, re.MULTILINE)}
    assert imported <= {"launch", "launch_ros", "pathlib"} and imported & depends >= {"launch", "launch_ros"}


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_every_parameter_is_one_of_the_node_and_of_its_type(name: str, arguments: dict[str, str]) -> None:
    """What a node does not know is passed over in silence by ROS, and 5 for 5.0 stops the node."""
    of_robots = {field.name for field in fields(settings_of("safety"))} - {"use_sim_time"}
    for node in started_by_us(read(name, arguments)):
        settings = settings_of(node.executable)
        known = {field.name: field.default for field in fields(settings)} | {"use_sim_time": False}
        given = {key: node.parameters[key] for key in node.parameters if key in known}
        assert node.parameters.keys() - given.keys() <= of_robots, node.executable  # of the robots' files
        for key, value in given.items():
            wanted = known[key]
            kind = type(wanted[0]) if isinstance(wanted, tuple) and wanted else type(wanted)
            entries = value if isinstance(value, list | tuple) else [value]
            assert isinstance(value, list | tuple) == isinstance(wanted, tuple), key
            assert all(type(each) is (float if kind is tuple else kind) for each in entries), (key, value)
        given.pop("use_sim_time", None)
        settings(**{key: tuple(value) if isinstance(value, list) else value for key, value in given.items()})


@pytest.mark.parametrize("name", ["pick", "imitate", "record"])
def test_time_comes_from_the_simulation_where_there_is_one(name: str) -> None:
    arguments = {"sim": "true", "clear": "true"} if name == "pick" else {"sim": "true"}
    for simulated in (True, False):
        plan = read(name, arguments | {"sim": str(simulated).lower()})
        for node in started_by_us(plan):
            if node.executable == "sim_robot":
                assert not node.parameters.get("use_sim_time", False)
            else:
                assert node.parameters["use_sim_time"] is simulated, node.executable


def test_what_the_user_says_wins() -> None:
    own = ROOT / "launch" / "nodes.yaml"
    plain, told = read("pick"), read("pick", {"params_file": str(own)})
    for node in started_by_us(told):
        written = yaml.safe_load(own.read_text()).get(node.executable, {}).get("ros__parameters", {})
        assert written
        assert {key: node.parameters[key] for key in written} == written
    assert plain.node("pick_server").parameters["speed"] == 1.0
    assert read("pick", {"speed": "1"}).node("pick_server").parameters["speed"] == 1.0
    assert read("pick", {"robot": "ur5e"}).node("safety").parameters["base_frame"] == "base_link"


def test_the_sample_of_parameters_is_true() -> None:
    """Every value in nodes.yaml is one of the node, of its type, and the default."""
    for node, held in yaml.safe_load((LAUNCH / "nodes.yaml").read_text()).items():
        defaults = {field.name: field.default for field in fields(settings_of(node))}
        for key, value in held["ros__parameters"].items():
            same = tuple(value) if isinstance(value, list) else value
            assert same == defaults[key] and type(same) is type(defaults[key]), (node, key)


def test_a_calibration_becomes_a_static_transform(tmp_path: Path) -> None:
    from perception.calibration import launch_yaml, static_transform_command

    T = np.array([[0.0, -1.0, 0.0, 0.4], [1.0, 0.0, 0.0, -0.1], [0.0, 0.0, 1.0, 0.6], [0.0, 0.0, 0.0, 1.0]])
    file = tmp_path / "calibration.yaml"
    file.write_text(launch_yaml(T, "panda_link0", "camera_link", comment="made up"))
    (node,) = [one for one in read("grasp", {"camera_calibration": str(file)}).nodes if one.package == "tf2_ros"]
    as_told = static_transform_command(T, "panda_link0", "camera_link").split()
    assert as_told[2:5] == ["tf2_ros", "static_transform_publisher", "--x"]
    ours, theirs = (dict(zip(words[::2], words[1::2], strict=True)) for words in (node.arguments, as_told[4:]))
    assert ours.keys() == theirs.keys()
    for key, text in ours.items():
        assert text == theirs[key] or float(text) == pytest.approx(float(theirs[key])), key


def test_the_simulated_cell_is_the_simulated_cell() -> None:
    """The numbers in pick.launch.py are those of the scene that sim_robot builds."""
    from envs.cell import RobotCell
    from envs.clutter import DIALECT_A
    from envs.objects import load_objects

    cell = RobotCell(DIALECT_A, load_objects("procedural"), "pile", np.random.default_rng(0))
    try:
        plan = read("pick", {"sim": "true"})
        picking, looking = plan.node("pick_server").parameters, plan.node("grasp_detector").parameters
        np.testing.assert_allclose(picking["drop_q"], cell.q_drop, atol=1e-5)
        assert picking["table_z_m"] == looking["table_height_m"] == pytest.approx(cell.scene.workspace.table_z_m)
        np.testing.assert_allclose(looking["workspace"], DIALECT_A.workspace.grasp_volume.ravel(), atol=1e-9)
        walls = np.reshape(picking["obstacles"], (-1, 6))
        np.testing.assert_allclose(walls[:, :2].mean(axis=0), cell.bin_center[:2], atol=1e-6)
        assert len(walls) == 4 and np.allclose(walls[:, 2] - 0.5 * walls[:, 5], cell.bin_center[2])
    finally:
        cell.close()


@pytest.mark.parametrize("name", FILES)
def test_fast_dds_has_room_for_images_unless_the_user_says_how_much(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variable = "FASTRTPS_DEFAULT_PROFILES_FILE"
    monkeypatch.delenv(variable, raising=False)
    assert Path(read(name).environment[variable]).samefile(LAUNCH / "fastdds.xml")
    monkeypatch.setenv(variable, "mine.xml")
    assert read(name).environment[variable] == "mine.xml"


def test_realsense_is_asked_for_aligned_depth() -> None:
    others = read("grasp", {"realsense": "true"}).others
    (path,) = others
    assert path.endswith("/realsense2_camera/launch/rs_launch.py") and others[path] == {"align_depth.enable": "true"}
    assert not read("grasp").others


def test_rviz_shows_what_the_nodes_send() -> None:
    held = yaml.safe_load((LAUNCH / "rviz" / "graspmimic.rviz").read_text())["Visualization Manager"]
    assert held["Global Options"]["Fixed Frame"] == "world"
    shown = {(each["Class"].removeprefix("rviz_default_plugins/"), topic["Value"]): topic
             for each in held["Displays"] for topic in [each.get("Topic") or each.get("Description Topic")] if topic
             }  # fmt: skip
    assert {kind for kind, _ in shown} == {"RobotModel", "Image", "PointCloud2", "MarkerArray", "PoseArray"}
    assert shown["RobotModel", "/robot_description"]["Durability Policy"] == "Transient Local"
    assert {each["Class"] for each in held["Displays"]} >= {"rviz_default_plugins/Grid", "rviz_default_plugins/TF"}
    known = {"/grasp_detector/scene_cloud", "/grasp_detector/markers", "/grasp_detector/grasps",
             "/behavior_recognizer/markers", "/camera/camera/color/image_raw", "/camera/camera/depth/image_rect_raw",
             "/robot_description"}  # fmt: skip
    assert {topic for _, topic in shown} == known


@pytest.mark.skipif(not REAL_LAUNCH, reason="needs ROS 2's launch")
@pytest.mark.parametrize("name", FILES)
def test_the_real_launch_reads_the_file(name: str) -> None:
    description = runpy.run_path(str(LAUNCH / f"{name}.launch.py"))["generate_launch_description"]()
    declared = {argument.name: argument for argument in description.get_launch_arguments()}
    ours = read(name).arguments
    assert declared.keys() <= ours.keys() | {"camera_name"} and len(declared) > 3
    assert all(argument.description != "no description given" for argument in declared.values())
