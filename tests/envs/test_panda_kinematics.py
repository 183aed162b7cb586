import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from envs.panda import (
    HOME_Q,
    PANDA_LIMITS,
    IKConfig,
    PandaArm,
    grasp_pose,
    pose_and_jacobian,
    posture_cost,
    solve_grasp_ik,
    solve_ik,
)
from envs.world import World
from geometry import InputError, rotation_angle, transform


def random_postures(count: int, seed: int = 0, margin_rad: float = 0.02) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return PANDA_LIMITS.clamp(rng.uniform(PANDA_LIMITS.lower_rad, PANDA_LIMITS.upper_rad, (count, 7)), margin_rad)


def downward_grasps(count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    turn = Rotation.from_euler("z", rng.uniform(-np.pi, np.pi, (count, 1)))
    tilt = Rotation.from_euler("x", np.pi + rng.uniform(-0.5, 0.5, (count, 1)))
    places = np.stack([rng.uniform(0.35, 0.65, count), rng.uniform(-0.3, 0.3, count), rng.uniform(0.0, 0.2, count)], -1)
    return transform(turn * tilt, places)


def test_home_reaches_the_documented_pose():
    """By hand, in the x-z plane: upper arm 45 degrees back, forearm level, hand straight down."""
    T = grasp_pose(HOME_Q)
    r = np.sqrt(0.5)
    elbow = np.array([-0.316 * r + 0.0825 * r, 0.333 + 0.316 * r + 0.0825 * r])
    wrist = elbow + np.array([0.384, 0.0]) + np.array([0.0, 0.0825])
    np.testing.assert_allclose(T[:3, 3], [wrist[0] + 0.088, 0.0, wrist[1] - 0.107 - 0.1122], atol=1e-9)
    np.testing.assert_allclose(T[:3, :3], np.diag([1.0, -1.0, -1.0]), atol=1e-9)


def test_forward_kinematics_agree_with_bullet():
    base = transform(Rotation.from_euler("z", 0.4), (0.3, -0.2, 0.1))
    with World() as world:
        arm = PandaArm(world, base)
        for q in random_postures(30):
            arm.set_q(q)
            np.testing.assert_allclose(arm.T_world_grasp, base @ grasp_pose(q), atol=1e-6)


def test_jacobian_agrees_with_finite_differences():
    for q in random_postures(10, seed=1):
        T, jacobian = pose_and_jacobian(q)
        for joint in range(7):
            step = 1e-6 * np.eye(7)[joint]
            ahead, behind = grasp_pose(q + step), grasp_pose(q - step)
            linear = (ahead[:3, 3] - behind[:3, 3]) / 2e-6
            angular = Rotation.from_matrix(ahead[:3, :3] @ behind[:3, :3].T).as_rotvec() / 2e-6
            np.testing.assert_allclose(jacobian[:, joint], [*linear, *angular], atol=1e-7)
        np.testing.assert_allclose(T, grasp_pose(q))


def test_batches_equal_single_calls():
    q = random_postures(6).reshape(2, 3, 7)
    T, jacobian = pose_and_jacobian(q)
    one, one_jacobian = pose_and_jacobian(q[1, 2])
    assert T.shape == (2, 3, 4, 4) and jacobian.shape == (2, 3, 6, 7)
    np.testing.assert_array_equal(T[1, 2], one)
    np.testing.assert_array_equal(jacobian[1, 2], one_jacobian)


def test_ik_converges_on_random_reachable_poses():
    targets = grasp_pose(random_postures(1000, seed=2))
    result = solve_ik(targets)
    assert result.converged.mean() >= 0.99
    reached = grasp_pose(result.q[result.converged])
    wanted = targets[result.converged]
    assert np.linalg.norm(reached[:, :3, 3] - wanted[:, :3, 3], axis=-1).max() < 2e-6
    assert rotation_angle(reached[:, :3, :3], wanted[:, :3, :3]).max() < 1e-5
    assert PANDA_LIMITS.margin(result.q).min() > 0.0


def test_most_poses_need_no_restart():
    """Joints at their limits must not hold up the others: without that, 0.69 instead of 0.85."""
    result = solve_ik(grasp_pose(random_postures(500, seed=4)), config=IKConfig(restarts=0))
    assert result.converged.mean() > 0.8


@pytest.mark.parametrize("place", [(1.2, 0.0, 0.3), (0.0, 0.0, 0.0), (0.5, 0.0, -1.0)])
def test_ik_says_so_when_out_of_reach(place):
    result = solve_ik(transform(np.diag([1.0, -1.0, -1.0]), place))
    assert not result.converged
    assert result.position_error_m > 1e-3
    assert PANDA_LIMITS.margin(result.q).min() >= 0.0


def test_ik_result_does_not_depend_on_the_batch():
    targets = downward_grasps(8)
    together = solve_ik(targets)
    for i in range(8):
        np.testing.assert_allclose(solve_ik(targets[i]).q, together.q[i], atol=1e-9)


def test_the_redundancy_moves_towards_the_rest_posture():
    target = grasp_pose(HOME_Q + [0.6, 0.3, -0.6, 0.2, 0.5, 0.1, 0.3])
    seed = HOME_Q + np.array([0.6, 0.3, -0.6, 0.2, 0.5, 0.1, 0.3])
    drawn = solve_ik(target, seed + 0.05)
    stayed = solve_ik(target, seed + 0.05, config=IKConfig(centring=0.0))
    assert drawn.converged and stayed.converged
    assert np.linalg.norm(drawn.q - HOME_Q) < np.linalg.norm(stayed.q - HOME_Q) - 0.05


def test_the_twin_is_taken_when_it_is_nearer():
    grasps = downward_grasps(40, seed=3)
    result, turned = solve_grasp_ik(grasps)
    assert result.converged.all()
    assert 0.2 < turned.mean() < 0.8
    half_turn = transform(np.diag([-1.0, -1.0, 1.0]))
    wanted = np.where(turned[:, None, None], grasps @ half_turn, grasps)
    np.testing.assert_allclose(grasp_pose(result.q), wanted, atol=1e-5)
    plain = solve_ik(grasps)
    assert np.all(posture_cost(result.q, HOME_Q) <= posture_cost(plain.q, HOME_Q) + 1e-9)


def test_bad_targets_are_refused():
    with pytest.raises(InputError, match="finite T_base_grasp"):
        solve_ik(np.full((4, 4), np.nan))
    with pytest.raises(InputError, match="restarts"):
        IKConfig(restarts=1000)
