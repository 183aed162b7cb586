import hashlib
import subprocess
import sys

import numpy as np
import pytest

from envs.arms.curve_timing import time_curve
from envs.panda import (
    HOME_Q,
    PANDA_LIMITS,
    JointTrajectory,
    PandaArm,
    follow,
    grasp_pose,
    joint_motion,
    straight_line,
    waypoint_motion,
)
from envs.world import World
from geometry import InputError, rotation_angle, transform

WAYPOINTS = HOME_Q + np.array(
    [
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        [0.5, -0.3, 0.0, 0.2, 0.0, 0.1, 0.0],
        [1.0, 0.3, 0.0, 0.2, 0.0, 0.5, 0.3],
        [1.2, 0.6, 0.0, 0.1, 0.0, 0.5, 0.3],
    ]
)
DOWN = grasp_pose(HOME_Q) @ transform(translation=(0.05, 0.0, 0.3))
MOTIONS = {
    "joint": lambda: joint_motion(HOME_Q, HOME_Q + [2.0, 0.8, -1.0, 1.0, 1.5, 1.0, -2.0]),
    "short joint": lambda: joint_motion(HOME_Q, HOME_Q + 0.01),
    "rounded waypoints": lambda: waypoint_motion(WAYPOINTS),
    "stopping waypoints": lambda: waypoint_motion(WAYPOINTS, stop=True),
    "back and forth": lambda: waypoint_motion([HOME_Q, HOME_Q + 0.3, HOME_Q]),
    "jumps that coincide": lambda: waypoint_motion(
        [HOME_Q, HOME_Q + np.eye(7)[0] * 2.175 * (2 * 2.175 / 15.0), HOME_Q]  # a leg as long as the window
    ),
    "line": lambda: straight_line(HOME_Q, DOWN).trajectory,
    "fast line": lambda: straight_line(HOME_Q, DOWN, speed_m_s=np.inf).trajectory,
    "turn in place": lambda: (
        straight_line(HOME_Q, DOWN @ transform([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]]), speed_m_s=np.inf).trajectory
    ),
}


def rates_over_limits(trajectory: JointTrajectory) -> list[float]:
    """Largest velocity, acceleration and jerk by finite differences at 1 kHz, as shares of the limits."""
    t = np.arange(-0.01, trajectory.duration_s + 0.01, 0.001)
    q, _ = trajectory.sample(t)
    limits = (PANDA_LIMITS.velocity, PANDA_LIMITS.acceleration, PANDA_LIMITS.jerk)
    return [float((np.abs(np.diff(q, n=n, axis=0)) / 0.001**n / limits[n - 1]).max()) for n in (1, 2, 3)]


@pytest.mark.parametrize("name", MOTIONS)
def test_motions_keep_the_joint_limits(name):
    velocity, acceleration, jerk = rates_over_limits(MOTIONS[name]())
    assert velocity <= 1.0 + 1e-6
    assert acceleration <= 1.0 + 1e-4
    assert jerk <= 1.0 + 1e-2


def test_motions_of_random_postures_keep_the_joint_limits():
    rng = np.random.default_rng(0)
    for _ in range(10):
        points = rng.uniform(PANDA_LIMITS.lower_rad, PANDA_LIMITS.upper_rad, (4, 7))
        for trajectory in (joint_motion(*points[:2]), waypoint_motion(points)):
            velocity, acceleration, jerk = rates_over_limits(trajectory)
            assert max(velocity, acceleration) <= 1.0 + 1e-4 and jerk <= 1.0 + 1e-2
            assert PANDA_LIMITS.margin(trajectory.q).min() > -1e-9


def test_lines_at_full_speed_keep_the_joint_limits():
    rng = np.random.default_rng(1)
    driven = 0
    for _ in range(40):
        q = HOME_Q + rng.uniform(-0.5, 0.5, 7)
        goal = grasp_pose(q) @ transform(translation=rng.uniform(-0.3, 0.3, 3))
        trajectory = straight_line(q, goal, speed_m_s=np.inf).trajectory
        if trajectory is not None:
            driven += 1
            velocity, acceleration, jerk = rates_over_limits(trajectory)
            assert max(velocity, acceleration) <= 1.0 + 1e-3 and jerk <= 1.0 + 1e-2
    assert driven > 10


def test_a_wavy_curve_keeps_the_jerk_limit():
    """Ripples so fine that only the curve's third derivative matters: the motion is stretched."""

    def curve(s, nu=0):
        ripple = 1e-5 * 800.0**nu * np.sin(800.0 * np.asarray(s) + 0.5 * np.pi * nu)
        line = (np.asarray(s), np.ones_like(s), 0.0, 0.0)[nu]
        return (HOME_Q if nu == 0 else 0.0) + np.multiply.outer(line + ripple, np.eye(7)[0])

    velocity, acceleration, jerk = rates_over_limits(time_curve(curve, 0.6))
    assert max(velocity, acceleration, jerk) <= 1.0 + 1e-2


def test_a_long_single_joint_motion_takes_the_time_of_the_closed_form():
    """Jerk-limited rest to rest with a cruise: distance / v + v / a + a / j."""
    goal = HOME_Q + np.array([1.5, 0, 0, 0, 0, 0, 0])
    expected = 1.5 / 2.175 + 2.175 / 15.0 + 15.0 / 7500.0
    assert joint_motion(HOME_Q, goal).duration_s == pytest.approx(expected, abs=1e-6)


def test_joint_motion_is_straight_in_joint_space():
    trajectory = MOTIONS["joint"]()
    step = trajectory.q[-1] - trajectory.q[0]
    share = (trajectory.q - trajectory.q[0]) @ step / (step @ step)
    np.testing.assert_allclose(trajectory.q, trajectory.q[0] + share[:, None] * step, atol=1e-9)


def test_rounding_is_faster_than_stopping_and_near_the_corners():
    rounded, stopping = MOTIONS["rounded waypoints"](), MOTIONS["stopping waypoints"]()
    assert rounded.duration_s < 0.9 * stopping.duration_s
    np.testing.assert_allclose(rounded.q[[0, -1]], WAYPOINTS[[0, -1]], atol=1e-9)
    for corner in WAYPOINTS[1:-1]:
        assert np.abs(stopping.q - corner).max(axis=1).min() < 1e-9
        assert np.abs(rounded.q - corner).max(axis=1).min() < 0.25


def test_a_line_is_straight_and_holds_the_speed():
    trajectory = straight_line(HOME_Q, DOWN, speed_m_s=0.2).trajectory
    poses = grasp_pose(trajectory.q)
    way = poses[:, :3, 3] - poses[0, :3, 3]
    along = (DOWN - poses[0])[:3, 3] / np.linalg.norm((DOWN - poses[0])[:3, 3])
    assert np.linalg.norm(way - np.outer(way @ along, along), axis=1).max() < 1e-5
    assert rotation_angle(poses[:, :3, :3], DOWN[:3, :3]).max() < 1e-5
    np.testing.assert_allclose(poses[-1], DOWN, atol=1e-6)
    speed = np.linalg.norm(np.diff(poses[:, :3, 3], axis=0), axis=1) / np.diff(trajectory.times_s)
    assert speed.max() == pytest.approx(0.2, rel=1e-3)


def test_a_line_out_of_reach_says_how_far_it_gets():
    result = straight_line(HOME_Q, grasp_pose(HOME_Q) @ transform(translation=(0.8, 0.0, 0.0)))
    assert result.trajectory is None and 0.2 < result.share < 1.0
    assert PANDA_LIMITS.margin(result.q).min() >= 0.0


def test_a_line_of_no_length_is_a_stop():
    result = straight_line(HOME_Q, grasp_pose(HOME_Q))
    assert result.share == 1.0 and result.trajectory.duration_s == 0.0


def test_trajectory_algebra():
    there = MOTIONS["joint"]()
    back = there.reversed()
    np.testing.assert_allclose(back.sample(0.1)[0], there.sample(there.duration_s - 0.1)[0], atol=1e-12)
    slow = there.slowed(0.5)
    assert slow.duration_s == pytest.approx(2.0 * there.duration_s)
    np.testing.assert_allclose(slow.sample(0.4)[1], 0.5 * there.sample(0.2)[1], atol=1e-9)
    loop = there.then(back)
    assert loop.duration_s == pytest.approx(2.0 * there.duration_s)
    np.testing.assert_allclose(loop.q[-1], HOME_Q, atol=1e-9)
    with pytest.raises(InputError, match="a start at"):
        there.then(there)
    with pytest.raises(InputError, match="scale"):
        there.slowed(0.0)


def test_sampled_speeds_are_the_derivative_of_sampled_positions():
    trajectory = MOTIONS["rounded waypoints"]()
    t = np.linspace(0.01, trajectory.duration_s - 0.01, 50)
    ahead, behind = trajectory.sample(t + 1e-6)[0], trajectory.sample(t - 1e-6)[0]
    np.testing.assert_allclose(trajectory.sample(t)[1], (ahead - behind) / 2e-6, atol=1e-4)


@pytest.mark.parametrize("name", MOTIONS)
def test_the_simulated_arm_tracks_tightly(name):
    trajectory = MOTIONS[name]()
    with World() as world:
        arm = PandaArm(world, q=trajectory.q[0])
        result = follow(arm, trajectory)
        assert result.completed
        assert result.tracking_error_rad < 2e-3 and result.final_error_rad < 1e-4
        assert result.time_s == pytest.approx(world.time_s)
        assert result.time_s == pytest.approx(trajectory.duration_s + 0.05, abs=2 * world.timestep_s)


def test_a_contact_stops_the_motion():
    """The hand moves down onto a plate 0.1 m below; it stops there and holds."""
    with World() as world:
        arm = PandaArm(world)
        plate = world.add_box((0.1, 0.1, 0.01), grasp_pose(HOME_Q) @ transform(translation=(0.0, 0.0, 0.11)))
        line = straight_line(HOME_Q, grasp_pose(HOME_Q) @ transform(translation=(0.0, 0.0, 0.2)), speed_m_s=0.1)
        result = follow(arm, line.trajectory, stop_when=lambda: bool(arm.contacts()))
        assert not result.completed
        assert result.time_s == pytest.approx(1.0, abs=0.1)
        world.step(60)
        tip = arm.T_world_grasp[2, 3]
        assert tip == pytest.approx(plate.pose()[2, 3] + 0.01, abs=3e-3)


def test_a_stopped_arm_stays_where_it_is():
    with World() as world:
        arm = PandaArm(world)
        result = follow(arm, MOTIONS["joint"](), stop_when=lambda: world.time_s > 0.4)
        assert not result.completed and result.time_s == pytest.approx(0.4, abs=0.01)
        stopped = arm.q
        world.step(120)
        assert np.abs(arm.q - stopped).max() < 2e-3
        assert np.abs(arm.dq).max() < 1e-3


def executed_digest() -> str:
    """Hash of every joint position and object pose while the arm closes on a cube and carries it."""
    record = []
    with World() as world:
        world.add_box((0.5, 0.5, 0.05), transform(translation=(0.5, 0.0, -0.05)))
        cube = world.add_box((0.02,) * 3, transform(translation=(0.5, 0.0, 0.021)), mass_kg=0.1)
        arm = PandaArm(world)

        def note() -> None:
            record.append(np.concatenate([arm.q, cube.pose().ravel(), [arm.gripper.width_m]]))

        T_grasp = transform(np.diag([1.0, -1.0, -1.0]), (0.5, 0.0, 0.015))
        q_grasp = arm.solve_ik(T_grasp).q
        q_above = straight_line(q_grasp, T_grasp @ transform(translation=(0.0, 0.0, -0.1))).q[-1]
        approach = straight_line(q_above, T_grasp).trajectory
        follow(arm, joint_motion(HOME_Q, q_above), on_step=note)
        follow(arm, approach, on_step=note)
        arm.gripper.close()
        arm.gripper.settle(on_step=note)
        assert arm.gripper.hold().holds()
        follow(arm, approach.reversed(), on_step=note)
        assert arm.gripper.hold().holds() and cube.pose()[2, 3] > 0.1
    return hashlib.sha256(np.array(record).tobytes()).hexdigest()


def test_a_pick_is_the_same_bit_for_bit():
    first, second = executed_digest(), executed_digest()
    assert first == second


def test_a_pick_is_the_same_in_another_process():
    code = f"import runpy; print(runpy.run_path({__file__!r})['executed_digest']())"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split()[-1] == executed_digest()
