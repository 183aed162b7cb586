"""Arms from their URDFs, against Denavit-Hartenberg tables and hand-made arms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from envs.arms import (
    PANDA,
    ArmModel,
    PathCollision,
    arm_from_urdf,
    capsules_of_rows,
    plan_motion,
    solve_grasp_ik,
    straight_line,
)
from envs.panda import grasp_pose
from geometry import GripperSpec, InputError, invert, transform

HALF = np.pi / 2
UR5E_DH = ((0.1625, 0.0, HALF), (0.0, -0.425, 0.0), (0.0, -0.3922, 0.0), (0.1333, 0.0, HALF), (0.0997, 0.0, -HALF),
           (0.0996, 0.0, 0.0))  # fmt: skip
"""(d, a, alpha) of each joint, as Universal Robots publishes them."""
UR5E_HOME = np.array([0.0, -HALF, HALF, -HALF, -HALF, 0.0])
TIP = transform(translation=(0.0, 0.0, 0.16))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def turn(x: float, axis: str) -> np.ndarray:
    return transform(Rotation.from_euler(axis, x))


def dh_pose(q: np.ndarray) -> np.ndarray:
    """Oracle: the textbook product of Rot_z(q) Trans_z(d) Trans_x(a) Rot_x(alpha)."""
    T = np.eye(4)
    for angle, (d, a, alpha) in zip(q, UR5E_DH, strict=True):
        T = T @ turn(angle, "z") @ transform(translation=(a, 0.0, d)) @ turn(alpha, "x")
    return T


def urdf_of(dh: tuple[tuple[float, float, float], ...], *, kind: str = "revolute", speed: float = 3.14) -> str:
    """A URDF with one link a joint whose frames are those of the table, and a fixed one at the end."""
    parts, xyz, roll = [], (0.0, 0.0, 0.0), 0.0
    for i, (d, a, alpha) in enumerate(dh):
        x, y, z = xyz
        parts.append(
            f'<joint name="j{i + 1}" type="{kind}"><parent link="l{i}"/><child link="l{i + 1}"/>'
            f'<origin xyz="{x} {y} {z}" rpy="{roll} 0 0"/><axis xyz="0 0 1"/>'
            f'<limit lower="-6.28" upper="6.28" velocity="{speed}" effort="150"/></joint>'
        )
        xyz, roll = (a, 0.0, d), alpha
    n = len(dh)
    parts.append(
        f'<joint name="flange" type="fixed"><parent link="l{n}"/><child link="tool0"/>'
        f'<origin xyz="{xyz[0]} {xyz[1]} {xyz[2]}" rpy="{roll} 0 0"/></joint>'
    )
    links = "".join(f'<link name="{name}"/>' for name in [f"l{i}" for i in range(n + 1)] + ["tool0"])
    return f'<robot name="ur5e">{links}{"".join(parts)}<transmission><joint name="j1"/></transmission></robot>'


def ur5e(**changed: object) -> ArmModel:
    given: dict = {"base_link": "l0", "tip_link": "tool0", "T_tip_grasp": TIP, "home_q": UR5E_HOME}
    return arm_from_urdf(urdf_of(UR5E_DH), **(given | {"acceleration": 5.0, "jerk": 100.0} | changed))


def test_kinematics_agree_with_the_makers_table(rng: np.random.Generator) -> None:
    arm = ur5e()
    for q in rng.uniform(-3.0, 3.0, (20, 6)):
        np.testing.assert_allclose(arm.grasp_pose(q), dh_pose(q) @ TIP, atol=1e-12)


def test_the_jacobian_is_the_derivative(rng: np.random.Generator) -> None:
    arm, q, h = ur5e(), rng.uniform(-2.0, 2.0, 6), 1e-6
    T, jacobian = arm.pose_and_jacobian(q)
    for i in range(6):
        ahead, behind = (arm.grasp_pose(q + s * h * np.eye(6)[i]) for s in (1, -1))
        np.testing.assert_allclose(jacobian[:3, i], (ahead[:3, 3] - behind[:3, 3]) / (2 * h), atol=1e-8)
        spin = Rotation.from_matrix(ahead[:3, :3] @ behind[:3, :3].T).as_rotvec() / (2 * h)
        np.testing.assert_allclose(jacobian[3:, i], spin, atol=1e-8)
    assert T.shape == (4, 4)


def test_axes_other_than_z_turn_about_themselves() -> None:
    urdf = (
        '<robot name="two"><link name="a"/><link name="b"/><link name="c"/>'
        '<joint name="yaw" type="continuous"><parent link="a"/><child link="b"/><origin xyz="0 0 1"/>'
        '<axis xyz="0 0 -1"/><limit velocity="1" effort="1"/></joint>'
        '<joint name="pitch" type="revolute"><parent link="b"/><child link="c"/><origin xyz="1 0 0"/>'
        '<axis xyz="0 1 0"/><limit lower="-2" upper="2" velocity="2" effort="1"/></joint></robot>'
    )
    arm = arm_from_urdf(
        urdf, base_link="a", tip_link="c", T_tip_grasp=transform(translation=(1.0, 0.0, 0.0)), home_q=[0.0, 0.0],
        acceleration=(1.0, 2.0), jerk=10.0,
    )  # fmt: skip
    np.testing.assert_allclose(arm.grasp_pose([0.0, 0.0])[:3, 3], (2.0, 0.0, 1.0), atol=1e-12)
    np.testing.assert_allclose(arm.grasp_pose([HALF, 0.0])[:3, 3], (0.0, -2.0, 1.0), atol=1e-12)
    np.testing.assert_allclose(arm.grasp_pose([0.0, HALF])[:3, 3], (1.0, 0.0, 0.0), atol=1e-12)
    assert arm.limits.upper_rad == (2 * np.pi, 2.0)
    assert arm.limits.acceleration == (1.0, 2.0)
    assert arm.joint_names == ("yaw", "pitch")


def test_inverse_kinematics_reach_what_forward_kinematics_say(rng: np.random.Generator) -> None:
    arm = ur5e()
    q = UR5E_HOME + rng.uniform(-0.8, 0.8, (30, 6))
    found, turned = solve_grasp_ik(arm.grasp_pose(q), UR5E_HOME, arm=arm)
    assert found.converged.all()
    for wanted, got, twin in zip(arm.grasp_pose(q), found.q, turned, strict=True):
        goal = dh_pose(got) @ TIP @ (transform(np.diag([-1.0, -1.0, 1.0])) if twin else np.eye(4))
        np.testing.assert_allclose(goal, wanted, atol=1e-5)


def test_a_straight_line_is_straight_and_keeps_the_limits() -> None:
    arm = ur5e(velocity=0.5)
    goal = arm.grasp_pose(UR5E_HOME) @ transform(translation=(0.0, 0.0, 0.15))
    line = straight_line(UR5E_HOME, goal, speed_m_s=1.0, arm=arm).trajectory
    assert line is not None and line.q.shape[1] == 6
    q, dq = line.sample(np.linspace(0.0, line.duration_s, 200))
    places = np.array([dh_pose(each) @ TIP for each in q])[:, :3, 3]
    along = goal[:3, 3] - places[0]
    across = np.linalg.norm(np.cross(places - places[0], along / np.linalg.norm(along)), axis=1)
    assert across.max() < 1e-4
    assert np.abs(dq).max() <= 0.5 + 1e-9


def test_a_motion_goes_around_a_wall_that_its_capsules_would_hit(rng: np.random.Generator) -> None:
    arm = ur5e()
    start, goal = UR5E_HOME + (0.7, 0, 0, 0, 0, 0), UR5E_HOME - (0.7, 0, 0, 0, 0, 0)
    between = arm.grasp_pose(UR5E_HOME)[:3, 3]
    with PathCollision(arm=arm) as collision:
        assert collision.check(np.stack([start, goal])).free
        collision.add_box((0.15, 0.02, 0.10), transform(translation=between), name="wall")
        blocked = collision.check(np.stack([start, goal]))
        assert not blocked.free and blocked.obstacle == "wall"
        plan = plan_motion(collision, start, goal, rng)
        assert plan.trajectory is not None and plan.how != "direct"
        assert collision.check_trajectory(plan.trajectory).free
    np.testing.assert_allclose(plan.trajectory.q[-1], goal, atol=1e-9)


@pytest.mark.parametrize(
    ("gap_m", "free"), [(0.012, True), (0.008, False)], ids=["outside the margin", "inside the margin"]
)
def test_a_capsule_is_as_thick_as_it_says(gap_m: float, free: bool) -> None:
    """One link from (0, 0, 0.5) along +x: a box beside it, so far from the capsule's surface."""
    urdf = (
        '<robot name="one"><link name="a"/><link name="b"/><joint name="j" type="revolute"><parent link="a"/>'
        '<child link="b"/><origin xyz="0 0 0.5"/><axis xyz="0 0 1"/>'
        '<limit lower="-3" upper="3" velocity="1" effort="1"/></joint></robot>'
    )
    arm = arm_from_urdf(
        urdf, base_link="a", tip_link="b", T_tip_grasp=transform(translation=(5.0, 0.0, 0.0)), home_q=[0.0],
        acceleration=1.0, jerk=1.0, link_capsules=capsules_of_rows([[0, 0, 0, 0, 0.8, 0, 0, 0.06]]),
    )  # fmt: skip
    with PathCollision(arm=arm, margin_m=0.010) as collision:
        collision.add_box((0.1, 0.1, 0.1), transform(translation=(0.4, 0.06 + gap_m + 0.1, 0.5)), name="box")
        assert collision.check([0.0]).free == free


def test_the_panda_has_capsules_too_and_they_hold_its_joints(rng: np.random.Generator) -> None:
    q = rng.uniform(PANDA.limits.lower_rad, PANDA.limits.upper_rad)
    frames = PANDA.joint_frames(q)
    for capsule in PANDA.link_capsules[:-1]:
        end = frames[capsule.link] @ np.append(capsule.end_m, 1.0)
        np.testing.assert_allclose(end[:3], frames[capsule.link + 1][:3, 3], atol=1e-12)
    np.testing.assert_allclose(invert(grasp_pose(q)) @ frames[6] @ PANDA.T_last_grasp, np.eye(4), atol=1e-12)


@pytest.mark.parametrize(
    ("urdf", "changed", "told"),
    [
        ("<robot", {}, "XML"),
        (urdf_of(UR5E_DH, kind="prismatic"), {}, "turns or is fixed"),
        (urdf_of(UR5E_DH, speed=0.0), {}, "velocity above 0"),
        (urdf_of(UR5E_DH), {"tip_link": "tool1"}, "tool1"),
        (urdf_of(UR5E_DH), {"base_link": "tool0"}, "joints between"),
        (urdf_of(UR5E_DH), {"home_q": np.zeros(7)}, "home_q"),
        (urdf_of(UR5E_DH), {"gripper": GripperSpec(), "link_radius_m": 0.0}, "link_radius_m"),
    ],
)
def test_a_bad_description_is_told_in_one_line(urdf: str, changed: dict, told: str) -> None:
    given: dict = {"base_link": "l0", "tip_link": "tool0", "T_tip_grasp": TIP, "home_q": UR5E_HOME}
    with pytest.raises(InputError, match=told) as error:
        arm_from_urdf(urdf, **(given | {"acceleration": 5.0, "jerk": 100.0} | changed))
    assert "\n" not in str(error.value)
