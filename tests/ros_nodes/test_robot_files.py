"""The robots' parameter files: every node can read them, and they fit the arms that they name."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from scipy.spatial.transform import Rotation

from envs.arms import PANDA, ArmModel, PathCollision, plan_motion, solve_ik
from geometry import InputError, transform
from ros_nodes.arm_settings import ArmSettings, arm_of
from ros_nodes.grasp_detector.settings import GraspDetectorSettings
from ros_nodes.hand_settings import HandSettings

FOLDER = Path(__file__).resolve().parents[2] / "launch" / "robots"
HALF = np.pi / 2
# Joint origins (xyz, rpy) of the makers' URDFs, from the base link to the flange.
UR5E = ("base_link", "tool0", (
    ("0 0 0.1625", f"0 0 {np.pi}"), ("0 0 0", f"{HALF} 0 0"), ("-0.425 0 0", "0 0 0"), ("-0.3922 0 0.1333", "0 0 0"),
    ("0 -0.0997 0", f"{HALF} 0 0"), ("0 0.0996 0", f"{HALF} {np.pi} {np.pi}"),
))  # fmt: skip
XARM6 = ("link_base", "link_eef", (
    ("0 0 0.267", "0 0 0"), ("0 0 0", f"{-HALF} 0 0"), ("0.053 -0.2845 0", "0 0 0"),
    ("0.0775 0.3425 0", f"{-HALF} 0 0"), ("0 0 0", f"{HALF} 0 0"), ("0.076 0.097 0", f"{-HALF} 0 0"),
))  # fmt: skip


def read(robot: str) -> dict[str, Any]:
    return dict(yaml.safe_load((FOLDER / f"{robot}.yaml").read_text())["/**"]["ros__parameters"])


def settings(robot: str) -> ArmSettings:
    tupled = {key: tuple(value) if isinstance(value, list) else value for key, value in read(robot).items()}
    return ArmSettings(**tupled)


def urdf_of(robot: str) -> str:
    base, tip, origins = UR5E if robot == "ur5e" else XARM6
    names, joints, parent = settings(robot).joint_names, [], base
    for i, (name, (xyz, rpy)) in enumerate(zip(names, origins, strict=True)):
        child = tip if i == len(names) - 1 else f"link_{i + 1}"
        joints.append(
            f'<joint name="{name}" type="revolute"><parent link="{parent}"/><child link="{child}"/>'
            f'<origin xyz="{xyz}" rpy="{rpy}"/><axis xyz="0 0 1"/>'
            '<limit lower="-6.3" upper="6.3" velocity="3.2" effort="50"/></joint>'
        )
        parent = child
    return f'<robot name="{robot}">{"".join(joints)}</robot>'


def arm(robot: str) -> ArmModel:
    return arm_of(settings(robot), None if robot == "panda" else urdf_of(robot))


ROBOTS = sorted(path.stem for path in FOLDER.glob("*.yaml"))


def test_there_is_a_file_for_each_robot_that_is_promised() -> None:
    assert ROBOTS == ["panda", "ur5e", "xarm6"]


@pytest.mark.parametrize("robot", ROBOTS)
def test_every_name_in_the_file_is_a_parameter_of_its_type(robot: str) -> None:
    """A misspelt name would be passed over in silence by ROS; a whole number where a decimal belongs stops a node."""
    known = {field.name: field.default for field in fields(ArmSettings)}
    for name, value in read(robot).items():
        assert name in known
        default = known[name]
        entries = value if isinstance(value, list) else [value]
        wanted = type(default[0]) if isinstance(default, tuple) and default else type(default)
        assert all(type(each) is (float if wanted is tuple else wanted) for each in entries), name


def test_the_pandas_file_says_what_the_nodes_say() -> None:
    given, built_in = settings("panda"), ArmSettings()
    for field in fields(ArmSettings):
        mine, theirs = getattr(given, field.name), getattr(built_in, field.name)
        if isinstance(mine, tuple) and mine and isinstance(mine[0], float):
            np.testing.assert_allclose(mine, theirs, atol=1e-9)
        else:
            assert mine == theirs, field.name
    model = arm("panda")
    assert model.origins is PANDA.origins and model.gripper is PANDA.gripper


@pytest.mark.parametrize("robot", ROBOTS)
def test_the_hand_points_down_at_home_and_above_the_drop(robot: str) -> None:
    model = arm(robot)
    for q in (settings(robot).home_q, settings(robot).drop_q):
        T = model.grasp_pose(q)
        np.testing.assert_allclose(T[:3, 2], (0.0, 0.0, -1.0), atol=1e-6)
        assert 0.25 < np.linalg.norm(T[:2, 3]) < 0.75
        assert 0.1 < T[2, 3] < 0.6


@pytest.mark.parametrize("robot", ROBOTS)
def test_the_arm_reaches_the_table_and_moves_there_without_touching_it(robot: str) -> None:
    model, given = arm(robot), settings(robot)
    ahead = model.grasp_pose(given.home_q)[:2, 3]
    goal = transform(Rotation.from_euler("x", np.pi), (*(ahead * 0.45 / np.linalg.norm(ahead)), 0.08))
    found = solve_ik(goal, given.home_q, arm=model)
    assert found.converged
    with PathCollision(arm=model) as collision:
        collision.add_box((1.0, 1.0, 0.05), transform(translation=(0.0, 0.0, -0.06)), name="table")
        plan = plan_motion(collision, given.home_q, found.q, np.random.default_rng(0))
        assert plan.trajectory is not None, plan.blocked_by
        below = solve_ik(transform(translation=(0.0, 0.0, -0.15)) @ goal, found.q, arm=model)
        assert below.converged and not collision.check(below.q).free
    assert np.all(np.abs(plan.trajectory.dq) <= np.array(given.joint_velocity) + 1e-9)


@pytest.mark.parametrize("robot", ROBOTS)
def test_the_grippers_command_opens_and_closes_it(robot: str) -> None:
    given = settings(robot)
    assert given.gripper_command_position(given.gripper_max_width_m) == given.gripper_open_position
    assert given.gripper_command_position(0.0) == given.gripper_closed_position
    assert given.gripper_width_m(given.gripper_command_position(0.03)) == pytest.approx(0.03)


def test_a_urdf_of_another_arm_is_told() -> None:
    with pytest.raises(InputError, match="shoulder_pan_joint"):
        arm_of(settings("ur5e"), urdf_of("ur5e").replace("shoulder_pan_joint", "pan"))
    with pytest.raises(InputError, match="robot_state_publisher"):
        arm_of(settings("ur5e"), None)


def test_the_upper_arm_of_the_ur5e_is_where_it_stands() -> None:
    """It stands 0.138 m beside the shoulder's axis: a post there is hit, one at the axis itself is not."""
    model, given = arm("ur5e"), settings("ur5e")
    q = np.array(given.home_q)
    frames = model.joint_frames(q)
    middle = frames[1] @ np.array([-0.2125, 0.0, 0.138, 1.0])
    mirrored = frames[1] @ np.array([-0.2125, 0.0, -0.138, 1.0])
    for place, free in ((middle, False), (mirrored, True)):
        with PathCollision(arm=model) as collision:
            collision.add_box((0.01, 0.01, 0.01), transform(translation=place[:3]), name="post")
            assert collision.check(q).free == free


@pytest.mark.parametrize("robot", ROBOTS)
def test_the_detector_and_the_arm_know_the_same_hand(robot: str) -> None:
    hand = {name: value for name, value in read(robot).items() if name in {f.name for f in fields(HandSettings)}}
    tupled = {key: tuple(value) if isinstance(value, list) else value for key, value in hand.items()}
    assert GraspDetectorSettings(**tupled).gripper == arm(robot).gripper
