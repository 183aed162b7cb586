import numpy as np
import pytest

from envs.arms.obstacles import add_voxels, copy_body
from envs.arms.rrt import connect
from envs.panda import (
    HOME_Q,
    PandaArm,
    PathCollision,
    follow,
    joint_motion,
    plan_motion,
    solve_grasp_ik,
)
from envs.world import Body, World
from geometry import InputError, transform

WALL_HALF_M = (0.15, 0.02, 0.1)
T_WALL = transform(translation=(0.5, 0.0, 0.1))
LEFT = transform(np.diag([1.0, -1.0, -1.0]), (0.5, -0.25, 0.05))
HIGH = transform(np.diag([1.0, -1.0, -1.0]), (0.5, 0.0, 0.15))
RIGHT = transform(np.diag([1.0, -1.0, -1.0]), (0.5, 0.25, 0.05))


@pytest.fixture(scope="module")
def ends() -> np.ndarray:
    result, _ = solve_grasp_ik(np.stack([LEFT, RIGHT]))
    assert result.converged.all()
    return result.q


@pytest.fixture
def collision():
    with PathCollision() as collision:
        collision.add_box((1.0, 1.0, 0.05), transform(translation=(0.0, 0.0, -0.05)), name="table")
        yield collision


def touches(q_path: np.ndarray) -> bool:
    """Oracle: does the arm, stepped through a path in a world of its own, touch the wall by Bullet's contacts?"""
    with World() as world:
        arm = PandaArm(world)
        wall = world.add_box(WALL_HALF_M, T_WALL)
        for q in q_path:
            arm.set_q(q)
            if any(c.body_b == wall.uid or c.body_a == wall.uid for c in world.contacts_now(wall) if c.distance_m < 0):
                return True
    return False


def test_a_free_path_is_free(collision, ends):
    assert collision.check(ends).free
    assert collision.check(HOME_Q).free


def test_a_wall_in_the_way_is_found_and_named(collision, ends):
    collision.add_box(WALL_HALF_M, T_WALL, name="wall")
    result = collision.check(ends)
    assert not result.free and result.obstacle == "wall" and 0.0 < result.where < 1.0
    assert result.distance_m < collision.margin_m
    q_hit = ends[0] + result.where * (ends[1] - ends[0])
    assert touches(ends[0] + np.linspace(0.0, 1.0, 60)[:, None] * (ends[1] - ends[0]))
    assert not touches(ends[0] + np.linspace(0.0, 0.9 * result.where, 20)[:, None] * (ends[1] - ends[0]))
    assert not collision.check(q_hit).free


def test_the_time_of_a_collision_is_that_of_the_trajectory(collision, ends):
    collision.add_box(WALL_HALF_M, T_WALL, name="wall")
    trajectory = joint_motion(*ends)
    result = collision.check_trajectory(trajectory)
    along = collision.check(ends).where
    share = (trajectory.sample(result.where)[0] - ends[0]) @ (ends[1] - ends[0]) / np.sum((ends[1] - ends[0]) ** 2)
    assert share == pytest.approx(along, abs=0.05)


def test_the_margin_is_kept():
    """A plate 20 mm below the fingertips: free for a margin of 15 mm, not for one of 25 mm."""
    grasp = transform(np.diag([1.0, -1.0, -1.0]), (0.5, 0.0, 0.2))
    q = solve_grasp_ik(grasp)[0].q
    for margin_m, free in ((0.015, True), (0.025, False)):
        with PathCollision(margin_m=margin_m) as collision:
            collision.add_box((0.1, 0.1, 0.01), transform(translation=(0.5, 0.0, 0.17)), name="plate")
            assert collision.check(q).free is free


def test_ignored_and_removed_obstacles_do_not_count(collision, ends):
    wall = collision.add_box(WALL_HALF_M, T_WALL, name="wall")
    assert not collision.check(ends).free
    assert collision.check(ends, ignore=[wall]).free
    collision.remove(wall)
    assert collision.check(ends).free


def test_the_arm_may_not_fold_into_itself(collision):
    folded = np.array([0.0, 0.0, 0.0, -3.0, 0.0, 0.2, 0.8])
    result = collision.check(folded)
    assert not result.free
    assert result.obstacle in {"base", "link1", "link2", "link5"}


def test_bodies_of_another_world_are_copied_and_that_world_is_untouched(ends):
    with World() as world, PathCollision() as collision:
        wall = world.add_box(WALL_HALF_M, T_WALL, name="wall")
        arm = PandaArm(world)
        world.step(5)
        before = arm.q.tobytes(), wall.pose().tobytes()
        collision.add_body(wall)
        assert collision.check(ends).obstacle == "wall"
        assert (arm.q.tobytes(), wall.pose().tobytes()) == before


@pytest.mark.parametrize("kind", ["sphere", "cylinder", "turned box"])
def test_copies_have_the_shape_of_the_body(kind):
    """Rays through the private copy hit where they hit the original."""
    with World() as world, World() as copy:
        bullet = world.bullet
        if kind == "sphere":
            shape = bullet.createCollisionShape(bullet.GEOM_SPHERE, radius=0.07)
        elif kind == "cylinder":
            shape = bullet.createCollisionShape(bullet.GEOM_CYLINDER, radius=0.05, height=0.3)
        else:
            shape = bullet.createCollisionShape(bullet.GEOM_BOX, halfExtents=(0.1, 0.05, 0.02))
        uid = bullet.createMultiBody(0.0, shape, -1, (0.1, 0.2, 0.3), (0.1, 0.2, 0.3, 0.927))
        copy_body(Body(world, uid, kind, np.eye(4)), copy)
        for direction in np.eye(3):
            a, b = np.array([0.1, 0.2, 0.3]) - direction, np.array([0.1, 0.2, 0.3]) + direction
            np.testing.assert_allclose(bullet.rayTest(a, b)[0][2], copy.bullet.rayTest(a, b)[0][2], atol=1e-6)


def test_observed_points_are_obstacles(collision, ends):
    rng = np.random.default_rng(0)
    points = T_WALL[:3, 3] + rng.uniform(-1.0, 1.0, (4000, 3)) * WALL_HALF_M
    points[::100] = np.nan
    collision.add_cloud(points, voxel_m=0.01)
    result = collision.check(ends)
    assert not result.free and result.obstacle == "cloud"
    assert collision.add_cloud(np.full((5, 3), np.nan)) is None


def test_one_voxel_is_a_cube_of_its_size():
    with World() as world:
        add_voxels(world, [[0.003, 0.004, 0.005]], 0.01)
        for axis in range(3):
            for side, face in ((-1.0, 0.0), (1.0, 0.01)):
                start = np.full(3, 0.005)
                end = start.copy()
                start[axis] += side
                hit = world.bullet.rayTest(start, end)[0]
                assert hit[3][axis] == pytest.approx(face, abs=1e-6)


def test_what_is_carried_counts(collision):
    grasp = transform(np.diag([1.0, -1.0, -1.0]), (0.5, 0.0, 0.1))
    q = solve_grasp_ik(grasp)[0].q
    assert collision.check(q).free
    collision.attach_box((0.02, 0.02, 0.08), transform(translation=(0.0, 0.0, 0.04)))
    result = collision.check(q)
    assert result.link == "attached" and result.obstacle == "table"
    collision.detach()
    assert collision.check(q).free


def test_direct_motion_where_nothing_is_in_the_way(collision, ends):
    plan = plan_motion(collision, *ends, np.random.default_rng(0))
    assert plan.how == "direct" and plan.trajectory.duration_s == joint_motion(*ends).duration_s


def test_the_arm_lifts_over_a_wall(collision, ends):
    collision.add_box(WALL_HALF_M, T_WALL, name="wall")
    plan = plan_motion(collision, *ends, np.random.default_rng(0))
    assert plan.how == "lifted" and plan.blocked_by.obstacle == "wall"
    np.testing.assert_allclose(plan.trajectory.q[[0, -1]], ends, atol=1e-9)
    with World() as world:
        arm = PandaArm(world, q=ends[0])
        wall = world.add_box(WALL_HALF_M, T_WALL)
        result = follow(arm, plan.trajectory, stop_when=lambda: bool(world.contacts(wall)))
        assert result.completed


def test_the_tree_finds_a_way_round_a_high_wall(collision):
    ends = solve_grasp_ik(np.stack([transform(translation=(0.0, y, 0.0)) @ HIGH for y in (-0.3, 0.3)]))[0].q
    collision.add_box((0.15, 0.03, 0.3), transform(translation=(0.5, 0.0, 0.3)), name="wall")
    plans = [plan_motion(collision, *ends, np.random.default_rng(3)) for _ in range(2)]
    assert plans[0].how == "tree" and plans[0].blocked_by.obstacle == "wall"
    assert collision.check_trajectory(plans[0].trajectory).free
    np.testing.assert_array_equal(plans[0].trajectory.q, plans[1].trajectory.q)


def test_a_blocked_goal_is_a_result(collision, ends):
    collision.add_box((0.05,) * 3, RIGHT, name="block")
    plan = plan_motion(collision, *ends, np.random.default_rng(0))
    assert plan.trajectory is None and plan.how == "blocked" and plan.blocked_by.obstacle == "block"


def test_the_tree_solves_a_bug_trap_in_the_plane():
    """Only joints 1 and 2 move: a wall with a gap, whose freedom is a formula."""

    def is_free(path: np.ndarray) -> bool:
        dense = np.concatenate(
            [a + np.linspace(0, 1, 50)[:, None] * (b - a) for a, b in zip(path[:-1], path[1:], strict=True)]
        )
        return not np.any((np.abs(dense[:, 0]) < 0.2) & (np.abs(dense[:, 1] - 1.0) > 0.3))

    start, goal = HOME_Q.copy(), HOME_Q.copy()
    start[:2], goal[:2] = (-1.0, -0.5), (1.0, -0.5)
    path = connect(is_free, start, goal, np.random.default_rng(0), tree_size=2000)
    assert path is not None and is_free(path)
    np.testing.assert_array_equal(path[[0, -1]], [start, goal])
    assert connect(lambda path: len(path) == 1, start, goal, np.random.default_rng(0), tree_size=20) is None


def test_bad_paths_are_refused(collision):
    with pytest.raises(InputError, match="finite path"):
        collision.check(np.zeros((3, 6)))
    with pytest.raises(InputError, match="margin_m"):
        PathCollision(margin_m=-0.01)
    with pytest.raises(InputError, match="voxel_m"):
        collision.add_cloud([[0.0, 0.0, 0.0]], voxel_m=0.0)
