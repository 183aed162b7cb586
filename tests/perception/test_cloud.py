import numpy as np
import open3d as o3d
import pytest

from geometry import InputError
from perception.cloud import (
    crop_box,
    find_clusters,
    finite_points,
    fit_surface,
    flying_pixels,
    noise_level,
    radius_inliers,
    smooth_depth,
    statistical_inliers,
    voxel_downsample,
)


def as_open3d(points):
    return o3d.geometry.PointCloud(o3d.utility.Vector3dVector(points))


def blob_and_strays(seed=0):
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(0, 0.01, (400, 3)), rng.uniform(-0.5, 0.5, (12, 3))])


def test_crop_box_keeps_shape_and_drops_nan():
    points = np.array([[[0, 0, 0], [2, 0, 0]], [[0.5, 0.5, 1.0], [np.nan, 0, 0]]])
    assert crop_box(points, [[-1, -1, -1], [1, 1, 1]]).tolist() == [[True, False], [True, False]]
    with pytest.raises(InputError, match="xmin"):
        crop_box(points, [[1, 0, 0], [0, 1, 1]])


def test_finite_points_are_kept_in_order():
    points = np.arange(15.0).reshape(5, 3)
    assert finite_points(points) is points
    for row, column, value in ((0, 0, np.nan), (2, 1, np.inf), (4, 2, -np.inf)):
        points[row, column] = value
    assert finite_points(points).tolist() == [[3.0, 4.0, 5.0], [9.0, 10.0, 11.0]]


def test_statistical_inliers_agree_with_open3d():
    points = blob_and_strays()
    _, kept = as_open3d(points).remove_statistical_outlier(nb_neighbors=16, std_ratio=2.0)
    assert np.flatnonzero(statistical_inliers(points)).tolist() == sorted(kept)


def test_radius_inliers_agree_with_open3d():
    points = blob_and_strays()
    _, kept = as_open3d(points).remove_radius_outlier(nb_points=6, radius=0.01)
    ours = np.flatnonzero(radius_inliers(points, radius_m=0.01, min_neighbours=6))
    assert ours.tolist() == sorted(kept)


def test_voxel_means_by_hand():
    points = [[0.1, 0, 0], [0.3, 0, 0], [1.5, 0, 0]]
    np.testing.assert_allclose(voxel_downsample(points, 1.0), [[0.2, 0, 0], [1.5, 0, 0]])


def test_normals_of_a_sphere_point_outwards():
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(4000, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    points = directions[directions[:, 2] > 0.2] * 0.05
    fitted = fit_surface(points, viewpoint=(0, 0, 1), neighbours=16)
    assert np.percentile(np.einsum("ij,ij->i", fitted.normals, points / 0.05), 2) > 0.98
    assert fitted.curvature.max() < 0.1


def test_lonely_point_looks_at_the_viewpoint():
    fitted = fit_surface([[0, 0, 0], [5, 0, 0], [9, 9, 9]], viewpoint=(0, 0, 2), at=[[0, 0, 0]], radius_m=0.1)
    np.testing.assert_allclose(fitted.normals, [[0, 0, 1]])


def test_clusters_by_falling_size_and_noise():
    rng = np.random.default_rng(0)
    small, large = rng.uniform(0, 0.02, (60, 3)), rng.uniform(0, 0.03, (200, 3)) + (0.1, 0, 0)
    labels = find_clusters(np.concatenate([small, large, [[1, 1, 1]]]), gap_m=0.02, min_points=20)
    assert set(labels[:60]) == {1} and set(labels[60:260]) == {0} and labels[-1] == -1


def test_clusters_agree_with_dbscan():
    rng = np.random.default_rng(1)
    points = np.concatenate([rng.normal(c, 0.004, (150, 3)) for c in ((0, 0, 0), (0.06, 0, 0), (0, 0.07, 0.03))])
    ours = find_clusters(points, gap_m=0.02, min_points=1)
    theirs = np.array(as_open3d(points).cluster_dbscan(eps=0.02, min_points=1))
    assert len({(a, b) for a, b in zip(ours, theirs, strict=True)}) == len(set(ours)) == len(set(theirs)) == 3


def test_flying_pixel_between_two_surfaces():
    depth = np.full((9, 12), 0.5)
    depth[:, 6:] = 0.8
    assert not flying_pixels(depth).any()  # a clean edge
    depth[:, 6] = 0.65
    assert flying_pixels(depth)[:, 6].all() and flying_pixels(depth).sum() == 9


def test_slanted_surface_does_not_fly():
    depth = np.tile(0.5 + 0.003 * np.arange(40), (20, 1))
    assert not flying_pixels(depth)[1:-1, 1:-1].any()


def test_noise_level_of_known_noise():
    clean = np.tile(np.linspace(0.5, 0.7, 160), (120, 1))
    noisy = clean + np.random.default_rng(0).normal(0, 0.004, clean.shape)
    assert noise_level(clean) < 1e-6
    assert noise_level(noisy) == pytest.approx(0.004, rel=0.05)


def test_smoothing_averages_noise_and_keeps_edges_and_holes():
    rng = np.random.default_rng(0)
    clean = np.full((60, 80), 0.5)
    clean[:, 40:] = 0.7
    depth = clean + rng.normal(0, 0.003, clean.shape)
    depth[10:12, 10:12] = 0.0
    smooth = smooth_depth(depth, radius_px=3, range_m=0.01)
    assert np.all(smooth[10:12, 10:12] == 0.0)
    error = (smooth - clean)[depth > 0]
    assert error.std() < 0.0013 and np.abs(error).max() < 0.01


@pytest.mark.parametrize("function", [statistical_inliers, radius_inliers, find_clusters])
def test_empty_and_single_point(function):
    assert len(function(np.zeros((0, 3)))) == 0
    assert len(function(np.zeros((1, 3)))) == 1


@pytest.mark.parametrize("function", [statistical_inliers, radius_inliers, lambda p: voxel_downsample(p, 0.01)])
def test_bad_points_raise(function):
    with pytest.raises(InputError, match="NaN"):
        function([[np.nan, 0, 0]])
    with pytest.raises(InputError, match="N, 3"):
        function(np.zeros((3, 2)))
