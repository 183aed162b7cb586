"""The tasks' arm against kinematics that know nothing of Bullet, and its quaternions against SciPy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from envs.manipulation.arm import T_WORLD_BASE, WORKSPACE_M, TaskArm, down_with_yaw, start_posture
from envs.manipulation.quaternion import about_z, conjugate, from_turn, multiply, turn_of, two_columns
from envs.panda import HOME_Q, PANDA_LIMITS, pose_and_jacobian
from envs.world import World

PERIOD_S, TIMESTEP_S = 0.04, 0.004
DOWN = down_with_yaw(0.0)


@pytest.fixture(scope="module")
def open_arm() -> Iterator[TaskArm]:
    world = World(timestep_s=TIMESTEP_S, solver_iterations=20)
    yield TaskArm(world, PERIOD_S, closed=False)
    world.close()


@pytest.fixture
def arm(open_arm: TaskArm) -> TaskArm:
    """At its start posture, at rest, 0.2 m above the table."""
    put(open_arm, start_posture((0.0, 0.0, 0.2)))
    open_arm.rest()
    return open_arm


def put(arm: TaskArm, q: np.ndarray, dq: np.ndarray | None = None) -> None:
    for joint, (position, speed) in enumerate(zip(q, np.zeros(7) if dq is None else dq, strict=True)):
        arm.world.bullet.resetJointState(arm.uid, joint, position, speed)
    arm.sense()


def wait(arm: TaskArm, periods: int = 1) -> None:
    for _ in range(periods):
        arm.world.step(round(PERIOD_S / TIMESTEP_S))
        arm.sense()


def some_postures(count: int) -> np.ndarray:
    rng = np.random.default_rng(7)
    return rng.uniform(PANDA_LIMITS.lower_rad, PANDA_LIMITS.upper_rad, (count, 7))


@pytest.mark.parametrize("q", some_postures(12))
def test_the_reading_agrees_with_the_kinematics(arm: TaskArm, q: np.ndarray) -> None:
    dq = np.random.default_rng(1).uniform(-1.0, 1.0, 7)
    put(arm, q, dq)
    T_base_grasp, jacobian = pose_and_jacobian(q)
    T, state = T_WORLD_BASE @ T_base_grasp, arm.state
    np.testing.assert_allclose(state.position, T[:3, 3], atol=1e-6)
    np.testing.assert_allclose(Rotation.from_quat(state.quat_xyzw).as_matrix(), T[:3, :3], atol=1e-6)
    np.testing.assert_allclose([*state.velocity, *state.angular_velocity], jacobian @ dq, atol=1e-5)
    np.testing.assert_allclose([*state.q, *state.dq], [*q, *dq], atol=1e-12)


def test_the_velocity_is_how_the_position_changes(arm: TaskArm) -> None:
    for sign in (1.0, -1.0):
        arm.move_joints(sign * np.array([0.5, 0.8, -0.6, 0.5, 0.7, -0.9, 1.5]))
        wait(arm, 3)
        before = arm.state
        arm.world.step()
        after = arm.sense()
        moved = np.subtract(after.position, before.position) / TIMESTEP_S
        np.testing.assert_allclose(after.velocity, moved, atol=5e-3)
        assert np.linalg.norm(moved) > 0.1


@pytest.mark.parametrize("offset", [(0.02, 0, 0), (0, -0.02, 0), (0, 0, 0.02), (-0.01, 0.015, -0.012)])
def test_the_hand_goes_where_it_is_sent_and_keeps_pointing_down(arm: TaskArm, offset: tuple[float, ...]) -> None:
    start = arm.state.position
    for _ in range(4):
        aim = np.add(start, offset) - arm.state.position
        arm.move_hand(aim, DOWN)
        wait(arm)
    np.testing.assert_allclose(np.subtract(arm.state.position, start), offset, atol=1e-3)
    tilt = Rotation.from_quat(arm.state.quat_xyzw) * Rotation.from_quat(DOWN).inv()
    assert tilt.magnitude() < 0.01


def test_one_period_takes_most_of_the_way(arm: TaskArm) -> None:
    start = arm.state.position
    arm.move_hand((0.0, 0.01, 0.0), DOWN)
    wait(arm)
    moved = np.subtract(arm.state.position, start)
    assert 0.007 < moved[1] < 0.0105 and np.abs(moved[[0, 2]]).max() < 1e-3


def test_the_hand_turns_as_far_as_asked(arm: TaskArm) -> None:
    for _ in range(10):
        arm.move_hand((0.0, 0.0, 0.0), down_with_yaw(0.3))
        wait(arm)
    turned = Rotation.from_quat(arm.state.quat_xyzw) * Rotation.from_quat(DOWN).inv()
    np.testing.assert_allclose(turned.as_rotvec(), (0.0, 0.0, 0.3), atol=0.01)
    assert arm.yaw() == pytest.approx(0.3, abs=0.01)
    np.testing.assert_allclose(arm.state.position, (0.0, 0.0, 0.2), atol=2e-3)


def test_joint_speeds_stay_within_the_robots_limits_with_the_direction_kept(arm: TaskArm) -> None:
    asked = np.array([8.0, -2.0, 1.0, 0.5, -4.0, 3.0, 2.0])
    put(arm, HOME_Q)
    arm.move_joints(asked)
    wait(arm, 4)
    reached = np.array(arm.state.dq)
    assert (np.abs(reached) <= np.asarray(PANDA_LIMITS.velocity) * 1.001).all()
    np.testing.assert_allclose(reached, asked * PANDA_LIMITS.velocity[0] / 8.0, rtol=0.02, atol=0.01)
    put(arm, start_posture((0.0, 0.0, 0.2)))
    for _ in range(10):
        arm.move_hand((0.0, 1.0, 0.0), DOWN)
        wait(arm)
        assert (np.abs(arm.state.dq) <= np.asarray(PANDA_LIMITS.velocity) * 1.05).all()


def test_joints_stop_at_their_limits(arm: TaskArm) -> None:
    put(arm, HOME_Q)
    for _ in range(40):
        arm.move_joints([0.0, 0.0, 0.0, -2.0, 0.0, 0.0, 0.0])
        wait(arm)
    assert PANDA_LIMITS.lower_rad[3] < arm.state.q[3] < PANDA_LIMITS.lower_rad[3] + 0.05
    for _ in range(40):
        arm.move_to_joints(np.add(arm.state.q, (0.0, 0.0, 0.0, 9.0, 0.0, 0.0, 0.0)))
        wait(arm)
    assert PANDA_LIMITS.upper_rad[3] - 0.05 < arm.state.q[3] < PANDA_LIMITS.upper_rad[3]


def test_joint_targets_are_reached_at_the_robots_speed(arm: TaskArm) -> None:
    put(arm, HOME_Q)
    target = HOME_Q + np.array([0.3, 0.1, -0.2, 0.1, 0.2, 0.1, -0.3])
    for _ in range(60):
        arm.move_to_joints(target)
        wait(arm)
        assert (np.abs(arm.state.dq) <= np.asarray(PANDA_LIMITS.velocity) * 1.05).all()
    np.testing.assert_allclose(arm.state.q, target, atol=0.01)


@pytest.mark.parametrize("width_m", [0.0, 0.03, 0.08])
def test_the_fingers_open_as_wide_as_asked_at_the_hands_speed(arm: TaskArm, width_m: float) -> None:
    for finger in (9, 10):
        arm.world.bullet.resetJointState(arm.uid, finger, 0.02)
    arm.sense()
    arm.set_opening(width_m)
    wait(arm)
    assert abs(arm.state.opening_m - 0.04) <= 2 * 0.05 * PERIOD_S + 1e-4  # 5 cm/s each
    wait(arm, 30)
    assert arm.state.opening_m == pytest.approx(width_m, abs=1e-3)


@pytest.mark.parametrize("target", [(-0.3, 0.35, 0.05), (0.1, -0.3, 0.3), (0.15, 0.15, 0.02), (0.0, 0.0, 0.2)])
def test_start_postures_point_down_at_the_place(target: tuple[float, ...]) -> None:
    T = T_WORLD_BASE @ pose_and_jacobian(start_posture(target))[0]
    np.testing.assert_allclose(T[:3, 3], target, atol=1e-4)
    np.testing.assert_allclose(T[:3, :3], np.diag([1.0, -1.0, -1.0]), atol=1e-3)


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("side", [0, 1])
def test_actions_do_not_lead_through_the_walls_of_the_workspace(axis: int, side: int) -> None:
    from envs.manipulation.tasks import ReachEnv

    env = ReachEnv()
    env.reset(seed=0)
    action = np.zeros(3)
    action[axis] = 2 * side - 1
    for _ in range(25):
        env.step(action)
    reached = env.scene.arm.state.position
    env.close()
    beyond = (2 * side - 1) * (reached[axis] - WORKSPACE_M[side][axis])
    assert -0.02 < beyond < 0.006


def turns(count: int = 50) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [*rng.uniform(-2.5, 2.5, (count, 3)), np.zeros(3), np.array([1e-12, 0.0, 0.0]), np.array([0.0, np.pi, 0.0])]


def test_quaternions_agree_with_scipy() -> None:
    for a, b in zip(turns(), reversed(turns()), strict=True):
        one, other = Rotation.from_rotvec(a), Rotation.from_rotvec(b)
        np.testing.assert_allclose(Rotation.from_quat(from_turn(a)).as_matrix(), one.as_matrix(), atol=1e-12)
        product = Rotation.from_quat(multiply(one.as_quat(), other.as_quat()))
        np.testing.assert_allclose(product.as_matrix(), (one * other).as_matrix(), atol=1e-12)
        np.testing.assert_allclose(multiply(one.as_quat(), conjugate(one.as_quat())), (0, 0, 0, 1), atol=1e-12)
        np.testing.assert_allclose(two_columns(one.as_quat()), one.as_matrix()[:, :2].T.ravel(), atol=1e-12)
        for sign in (1.0, -1.0):  # both quaternions of a rotation
            np.testing.assert_allclose(
                Rotation.from_rotvec(turn_of(sign * one.as_quat())).as_matrix(), one.as_matrix(), atol=1e-9
            )
            assert np.linalg.norm(turn_of(sign * one.as_quat())) <= np.pi + 1e-9
    turned = Rotation.from_euler("z", 0.7)
    np.testing.assert_allclose(about_z(0.7), turned.as_quat(), atol=1e-12)
    down = Rotation.from_quat(down_with_yaw(0.7)).as_matrix()
    np.testing.assert_allclose(down, turned.as_matrix() @ np.diag([1.0, -1.0, -1.0]), atol=1e-12)
