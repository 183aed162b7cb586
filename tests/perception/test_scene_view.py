import numpy as np
import pytest

from geometry import InputError, invert, transform_points
from perception.grasping import view_of_cloud


def sphere_cap(rng, count=4000):
    """The half of a 4 cm sphere at (0, 0, 0.6) that the origin sees."""
    d = rng.normal(size=(count, 3))
    d /= np.linalg.norm(d, axis=1, keepdims=True)
    return np.array([0, 0, 0.6]) - 0.04 * d * np.sign(d[:, 2:])


def test_cloud_becomes_an_image_that_unprojects_onto_it():
    cloud = sphere_cap(np.random.default_rng(0))
    view = view_of_cloud(cloud, np.random.default_rng(0))
    points = view.camera.unproject(view.depth_m)
    points = transform_points(view.T_world_camera, points[np.isfinite(points[..., 2])])
    radius = np.linalg.norm(points - (0, 0, 0.6), axis=1)
    assert len(points) > 500 and np.abs(radius - 0.04).max() < 0.004 and np.abs(np.median(radius) - 0.04) < 0.0005


def test_camera_stands_at_the_viewpoint_and_sees_the_cloud():
    cloud = sphere_cap(np.random.default_rng(0)) + (0.3, 0.2, 0.0)
    view = view_of_cloud(cloud, np.random.default_rng(0), viewpoint=(0.0, -0.5, 1.0))
    np.testing.assert_allclose(view.T_world_camera[:3, 3], (0.0, -0.5, 1.0))
    pixels = view.camera.project(transform_points(invert(view.T_world_camera), cloud))
    assert np.all((pixels > 0) & (pixels < (view.camera.width, view.camera.height)))


def test_nearest_point_wins():
    far = np.c_[np.random.default_rng(0).uniform(-0.05, 0.05, (3000, 2)), np.full(3000, 0.7)]
    near = far * (0.5, 0.5, 1.0) - (0, 0, 0.2)
    view = view_of_cloud(np.concatenate([far, near]), np.random.default_rng(0))
    middle = view.depth_m[view.camera.height // 2 - 3 :, view.camera.width // 2 - 3 :][:6, :6]
    assert np.median(middle[middle > 0]) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("points", [np.zeros((0, 3)), np.full((5, 3), np.nan), [[0.1, 0.0, 0.5]]])
def test_small_clouds_give_an_image(points):
    view = view_of_cloud(points, np.random.default_rng(0))
    assert view.depth_m.shape == (view.camera.height, view.camera.width)


def test_wrong_shape():
    with pytest.raises(InputError, match="N, 3"):
        view_of_cloud(np.zeros((3, 4)), np.random.default_rng(0))


@pytest.mark.parametrize("workspace", [None, [[-0.03, -0.03, 0.5], [0.03, 0.03, 0.7]]])
def test_image_is_what_loops_over_points_and_pixels_make_of_the_cloud(workspace):
    cloud = sphere_cap(np.random.default_rng(0), 400)
    cloud[::17] = np.nan
    view = view_of_cloud(cloud, np.random.default_rng(0), workspace=workspace)
    known = np.array([point for point in cloud if np.isfinite(point).all()])
    low, high = ([-9.0] * 3, [9.0] * 3) if workspace is None else workspace
    inside = [point for point in known if all(a <= x <= b for a, x, b in zip(low, point, high, strict=True))]
    points = transform_points(invert(view.T_world_camera), known)
    spacing = np.median([sorted(np.linalg.norm(inside - point, axis=1))[4] for point in inside])
    assert view.camera.fx == pytest.approx(np.median(points[:, 2]) / spacing, rel=1e-9)
    nearest = np.full(view.depth_m.shape, np.inf)
    for (u, v), z in zip(np.rint(view.camera.project(points)).astype(int), points[:, 2], strict=True):
        if 0 <= u < view.camera.width and 0 <= v < view.camera.height:
            nearest[v, u] = min(nearest[v, u], z)
    expected = np.where(np.isinf(nearest), 0.0, nearest)
    for v, u in np.argwhere(np.isinf(nearest)):
        around = nearest[max(0, v - 1) : v + 2, max(0, u - 1) : u + 2]
        if np.isfinite(around).sum() >= 5:
            expected[v, u] = np.median(around[np.isfinite(around)])
    np.testing.assert_array_equal(view.depth_m, expected.astype(np.float32))
