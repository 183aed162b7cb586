import numpy as np
import pytest

from geometry import InputError, transform_points
from perception.grasping.table_scene import read_scene

BOX = ((0.0, 0.0, 0.03), (0.02, 0.04, 0.03), 0.0)


def true_points(scene):
    return transform_points(scene.T_world_table, scene.object_points)


def test_object_pixels_lie_on_the_box(make_view):
    scene = read_scene(make_view([BOX]))
    points = true_points(scene)
    assert len(points) > 100 and scene.has_table
    outside = np.maximum(np.abs(points - BOX[0]) - BOX[1], 0).max(axis=1)
    assert outside.max() < 0.001 and points[:, 2].max() == pytest.approx(0.06, abs=0.001)


@pytest.mark.parametrize("scale", [0.94, 1.05])
def test_known_table_puts_a_wrong_depth_scale_right(make_view, scale):
    view = make_view([BOX])
    view.depth_m = (view.depth_m * scale).astype(np.float32)
    points = true_points(read_scene(view))
    assert np.percentile(np.maximum(np.abs(points - BOX[0]) - BOX[1], 0).max(axis=1), 99) < 0.001


def test_the_correction_of_the_scale_can_be_left_out(make_view):
    view = make_view([BOX])
    view.depth_m = (view.depth_m * 0.95).astype(np.float32)
    raised = true_points(read_scene(view, correct_scale=False))[:, 2].max()
    height_m = view.T_world_camera[2, 3]
    assert raised == pytest.approx(height_m - 0.95 * (height_m - 0.06), abs=0.002)


def test_table_is_found_where_none_is_given(make_view):
    scene = read_scene(make_view([BOX], table_z_m=None))
    assert scene.has_table
    np.testing.assert_allclose(scene.T_world_table[:3, 2], [0, 0, 1], atol=1e-3)
    assert abs(scene.T_world_table[:3, 3] @ [0, 0, 1]) < 1e-3


def test_without_a_table_up_is_towards_the_camera(make_view):
    rng = np.random.default_rng(0)
    floating = [(rng.uniform((-0.1, -0.1, 0.02), (0.1, 0.1, 0.25)), (0.006, 0.006, 0.006), 0.3 * i) for i in range(40)]
    view = make_view(floating, table_z_m=None, drawn_table_z_m=None)
    scene = read_scene(view)
    assert not scene.has_table and len(scene.object_points) > 20
    np.testing.assert_allclose(scene.T_world_table[:3, 2], -view.T_world_camera[:3, 2], atol=1e-9)


def test_depth_is_not_changed_in_place(make_view):
    view = make_view([BOX])
    before = view.depth_m.copy()
    read_scene(view)
    np.testing.assert_array_equal(view.depth_m, before)


def test_noise_is_smoothed(make_view):
    view = make_view([BOX])
    view.depth_m = (view.depth_m + np.random.default_rng(0).normal(0, 0.004, view.depth_m.shape)).astype(np.float32)
    scene = read_scene(view)
    top = np.abs(true_points(scene)[:, :2]) < (0.012, 0.03)
    heights = true_points(scene)[np.all(top, axis=1), 2]
    assert scene.noise_m == pytest.approx(0.004, rel=0.25)
    assert np.std(heights[heights > 0.05]) < 0.0025


@pytest.mark.parametrize("depth", [np.zeros((240, 320)), np.full((240, 320), np.nan), np.full((240, 320), np.inf)])
def test_nothing_seen_is_no_object(make_view, depth):
    assert not read_scene(make_view([], depth_m=depth)).is_object.any()


def test_bad_input(make_view):
    with pytest.raises(InputError, match="320"):
        read_scene(make_view([], depth_m=np.zeros((10, 10))))
    with pytest.raises(InputError, match="T_world_camera"):
        read_scene(make_view([], T_world_camera=np.full((4, 4), np.nan)))
    with pytest.raises(InputError, match="workspace"):
        read_scene(make_view([], workspace=np.zeros((2, 3))))
