import numpy as np
import pytest

from geometry import InputError
from perception.cloud import find_plane

NORMAL = np.array([0.6, 0.0, 0.8])


def tilted_plane(count, rng, offset=0.5, noise=0.001):
    u, v = rng.uniform(-0.3, 0.3, (2, count))
    points = NORMAL * offset + u[:, None] * (0.8, 0.0, -0.6) + v[:, None] * (0.0, 1.0, 0.0)
    return points + rng.normal(0.0, noise, (count, 1)) * NORMAL


def test_known_plane_among_outliers():
    rng = np.random.default_rng(1)
    plane_points, clutter = tilted_plane(600, rng), rng.uniform(-0.2, 0.2, (400, 3)) + 0.8 * NORMAL
    plane = find_plane(np.concatenate([plane_points, clutter]), rng, viewpoint=2.0 * NORMAL)
    assert np.degrees(np.arccos(plane.normal @ NORMAL)) < 0.3
    assert abs(plane.offset_m - 0.5) < 0.0005
    assert plane.inliers[:600].mean() > 0.99 and plane.inliers[600:].mean() < 0.1
    np.testing.assert_allclose(plane.height(NORMAL * 0.7), 0.2, atol=0.001)


def test_normal_points_to_the_viewpoint():
    rng = np.random.default_rng(1)
    points = tilted_plane(300, rng)
    assert find_plane(points, rng, viewpoint=-2.0 * NORMAL).normal @ NORMAL < -0.99


def test_table_wins_over_a_larger_box_top():
    rng = np.random.default_rng(2)
    table = np.c_[rng.uniform(-0.5, 0.5, (400, 2)), np.zeros(400)]
    box_top = np.c_[rng.uniform(-0.2, 0.2, (500, 2)), np.full(500, 0.1)]
    plane = find_plane(np.concatenate([table, box_top]), rng, viewpoint=(0, 0, 1))
    assert abs(plane.offset_m) < 0.001


def test_up_excludes_walls():
    rng = np.random.default_rng(3)
    wall = np.c_[rng.uniform(-0.5, 0.5, 800), np.full(800, 0.5), rng.uniform(0, 0.5, 800)]
    floor = np.c_[rng.uniform(-0.5, 0.5, (300, 2)), np.zeros(300)]
    plane = find_plane(np.concatenate([wall, floor]), rng, viewpoint=(0, -1, 1), up=(0, 0, 2))
    np.testing.assert_allclose(plane.normal, [0, 0, 1], atol=1e-3)


def test_same_seed_same_plane_bit_for_bit():
    points = tilted_plane(500, np.random.default_rng(4))
    a, b = (find_plane(points, np.random.default_rng(7)) for _ in range(2))
    assert a.normal.tobytes() == b.normal.tobytes() and a.offset_m == b.offset_m


@pytest.mark.parametrize("points", [np.zeros((0, 3)), np.zeros((1, 3)), np.full((9, 3), np.nan), np.ones((50, 3))])
def test_no_plane_is_none(points):
    assert find_plane(points, np.random.default_rng(0)) is None


def test_scattered_points_hold_no_plane():
    points = np.random.default_rng(0).uniform(-1, 1, (500, 3))
    assert find_plane(points, np.random.default_rng(0)) is None


def test_nan_rows_are_never_inliers():
    points = np.concatenate([tilted_plane(100, np.random.default_rng(5)), [[np.nan] * 3]])
    plane = find_plane(points, np.random.default_rng(0))
    assert plane.inliers.shape == (101,) and not plane.inliers[-1]


def test_wrong_shape():
    with pytest.raises(InputError, match="N, 3"):
        find_plane(np.zeros((4, 2)), np.random.default_rng(0))
