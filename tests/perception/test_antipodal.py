"""Planners on analytic scenes whose true geometry is known."""

import numpy as np
import pytest

from geometry import PANDA_HAND, transform_points
from perception.grasping import AntipodalPlanner, TopDownPlanner, count_collisions, view_of_cloud

NARROW_BOX = ((0.0, 0.0, 0.035), (0.02, 0.06, 0.035), 0.4)
"""4 cm by 12 cm, 7 cm tall, turned by 0.4 rad: only the short way fits between the fingers."""


def box_surface(box, step=0.002):
    """Points all over a box, its back and its underside included."""
    centre, half, yaw = box
    axes = [np.arange(-h, h + 1e-9, step) for h in half]
    faces = []
    for k in range(3):
        for side in (-half[k], half[k]):
            grid = [axes[j] if j != k else np.array([side]) for j in range(3)]
            faces.append(np.stack(np.meshgrid(*grid, indexing="ij"), axis=-1).reshape(-1, 3))
    c, s = np.cos(yaw), np.sin(yaw)
    return np.concatenate(faces) @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]).T + centre


def lowest_point(poses):
    boxes = PANDA_HAND.boxes()
    corners = np.array([[b[i, 0], b[j, 1], b[k, 2]] for b in boxes for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    return transform_points(poses, corners)[..., 2].min(axis=1)


@pytest.mark.parametrize("seed", [0, 1])
def test_best_grasps_go_across_the_box_and_hit_nothing(make_view, seed):
    grasps = AntipodalPlanner()(make_view([NARROW_BOX], seed=seed)).top(10)
    across = np.array([np.cos(0.4), np.sin(0.4), 0.0])
    assert len(grasps) == 10 and np.all(np.diff(grasps.scores) <= 0)
    assert np.all(np.abs(grasps.closings @ across) > 0.85) and abs(grasps.closings[0] @ across) > 0.95
    counts = count_collisions(grasps, box_surface(NARROW_BOX), open_fully=True)
    assert np.all(counts.colliding == 0) and np.all(counts.between > 50)
    assert np.all(lowest_point(grasps.poses) > 0.001)
    assert np.all(np.abs(grasps.widths_m - 0.05) < 0.015)


def test_grasps_stay_off_the_neighbour(make_view):
    neighbour = ((0.045, 0.0, 0.05), (0.01, 0.06, 0.05), 0.0)
    target = ((0.0, 0.0, 0.025), (0.015, 0.015, 0.025), 0.0)
    grasps = AntipodalPlanner()(make_view([target, neighbour])).top(5)
    both = np.concatenate([box_surface(target), box_surface(neighbour)])
    assert np.all(count_collisions(grasps, both, open_fully=True).colliding == 0)


def test_hand_stays_above_the_table_at_a_flat_thing(make_view):
    grasps = AntipodalPlanner()(make_view([((0.0, 0.0, 0.008), (0.02, 0.05, 0.008), 0.0)]))
    assert len(grasps) and np.all(lowest_point(grasps.poses) > 0.0029)


def test_hand_is_drawn_back_along_its_approach_until_the_table_is_clear():
    """Straight down with tips 1 cm below the table: 13 mm up. Ten centimetres below: too far, given up."""
    down = np.diag([1.0, -1.0, -1.0, 1.0])
    sunk, buried = down.copy(), down.copy()
    sunk[2, 3], buried[2, 3] = -0.01, -0.1
    moved = AntipodalPlanner(table_clearance_m=0.003)._off_the_table(np.stack([sunk, buried]), has_table=True)
    np.testing.assert_allclose(moved[:, :3, 3], [[0.0, 0.0, 0.003]], atol=1e-12)


def test_finds_the_table_by_itself(make_view):
    grasps = AntipodalPlanner()(make_view([NARROW_BOX], table_z_m=None)).top(5)
    assert np.all(count_collisions(grasps, box_surface(NARROW_BOX), open_fully=True).colliding == 0)
    assert np.all(lowest_point(grasps.poses) > -0.001)


def test_cloud_without_an_image(make_view):
    view = make_view([NARROW_BOX])
    points = transform_points(view.T_world_camera, view.camera.unproject(view.depth_m).reshape(-1, 3))
    cloud = view_of_cloud(
        points, np.random.default_rng(0), viewpoint=view.T_world_camera[:3, 3], workspace=view.workspace, table_z_m=0.0
    )
    grasps = AntipodalPlanner()(cloud).top(5)
    assert len(grasps) == 5
    assert np.all(count_collisions(grasps, box_surface(NARROW_BOX), open_fully=True).colliding == 0)


@pytest.mark.parametrize("planner", [AntipodalPlanner(), TopDownPlanner()])
def test_same_seed_same_grasps_bit_for_bit(make_view, planner):
    first, second = (planner(make_view([NARROW_BOX], seed=3)) for _ in range(2))
    assert first.poses.tobytes() == second.poses.tobytes() and first.scores.tobytes() == second.scores.tobytes()


@pytest.mark.parametrize("planner", [AntipodalPlanner(), TopDownPlanner()])
@pytest.mark.parametrize("depth", [np.zeros((240, 320)), np.full((240, 320), np.nan), np.full((240, 320), 0.4)])
def test_nothing_to_grasp_is_an_empty_batch_with_a_reason(make_view, planner, depth):
    grasps = planner(make_view([], depth_m=depth, workspace=np.array([[-0.01, -0.01, 0.001], [0.01, 0.01, 0.3]])))
    assert len(grasps) == 0 and grasps.note


@pytest.mark.parametrize("planner", [AntipodalPlanner(), TopDownPlanner()])
@pytest.mark.parametrize("table_z_m", [0.0, None])
def test_bare_table_has_no_grasps(make_view, planner, table_z_m):
    assert len(planner(make_view([], table_z_m=table_z_m))) == 0


def test_too_wide_a_box_gives_a_reason_or_only_poor_grasps(make_view):
    wide = AntipodalPlanner()(make_view([((0, 0, 0.06), (0.06, 0.06, 0.06), 0.0)]))
    good = AntipodalPlanner()(make_view([NARROW_BOX]))
    assert wide.note if not len(wide) else wide.scores[0] < good.scores[0] - 0.1


def test_grasps_name_what_they_hold(make_view):
    two = [((-0.06, 0, 0.02), (0.015, 0.015, 0.02), 0.0), ((0.06, 0, 0.02), (0.015, 0.015, 0.02), 0.0)]
    grasps = AntipodalPlanner()(make_view(two))
    left = grasps.positions[:, 0] < 0
    ids = [set(grasps.object_ids[left].tolist()), set(grasps.object_ids[~left].tolist())]
    assert [len(i) for i in ids] == [1, 1] and ids[0] != ids[1]


def test_topdown_grasps_across_the_box_from_above(make_view):
    grasps = TopDownPlanner()(make_view([NARROW_BOX]))
    assert len(grasps) == 1
    np.testing.assert_allclose(grasps.approaches[0], [0, 0, -1], atol=1e-9)
    assert abs(grasps.closings[0] @ [np.cos(0.4), np.sin(0.4), 0.0]) > 0.97
    assert np.linalg.norm(grasps.positions[0, :2]) < 0.012
    assert grasps.positions[0, 2] == pytest.approx(0.04, abs=0.004)
