"""What the network is shown: the depth's scale against known factors, canvases, the table, and bad input."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from geometry import InputError, invert, transform
from perception.grasping.network.canonical_view import CANVAS, resample
from perception.grasping.network.depth_scale import scale_error
from perception.grasping.network.preparation import canvas_for, prepare
from perception.grasping.network.support import find_support

BOXES = [((-0.06, 0.02, 0.03), (0.02, 0.03, 0.03), 0.3), ((0.07, -0.02, 0.05), (0.03, 0.02, 0.05), -0.5)]


@pytest.mark.parametrize("factor", [1.03, 0.97, 1.1, 0.9, 1.0])
def test_a_known_scale_error_is_recovered(make_view, factor):
    view = make_view(BOXES)
    view.depth_m = (view.depth_m * factor).astype(np.float32)
    prepared = prepare(view)
    assert prepared.scale == pytest.approx(factor, rel=1e-3)
    depth = prepared.view.depth_m[0].numpy()
    height = transform_height(prepared, depth)
    assert np.nanpercentile(np.abs(height[height < 0.02]), 95) < 0.002


def transform_height(prepared, depth):
    """(H, W) height of the canonical image's points above the table."""
    points = prepared.camera.unproject(depth) @ prepared.T_table_camera[:3, :3].T + prepared.T_table_camera[:3, 3]
    return points[..., 2]


def test_noise_does_not_move_the_scale(make_view):
    view, rng = make_view(BOXES), np.random.default_rng(0)
    view.depth_m = (view.depth_m * 1.04 + rng.normal(0.0, 0.005, view.depth_m.shape)).astype(np.float32)
    assert prepare(view).scale == pytest.approx(1.04, rel=1e-3)


def test_no_scale_without_a_known_table(make_view):
    view = make_view(BOXES, table_z_m=None)
    assert prepare(view).scale == 1.0


def test_scale_says_nothing_where_it_sees_no_table():
    rng = np.random.default_rng(0)
    table = np.full(4000, 0.5, dtype=np.float32)
    assert scale_error(0.6 * table, table) == 1.0
    assert scale_error(np.zeros_like(table), table) == 1.0
    assert scale_error(table[:20], table[:20]) == 1.0
    spread = (table * rng.uniform(0.86, 1.14, 4000)).astype(np.float32)
    assert abs(scale_error(spread, table) - 1.0) < 0.02
    mixed = np.where(rng.random(4000) < 0.4, table * 1.05, table * rng.uniform(0.4, 1.05, 4000)).astype(np.float32)
    assert scale_error(mixed, table) == pytest.approx(1.05, abs=0.003)


def test_canvas_is_the_usual_one_for_the_benchmark(make_view):
    view = make_view(BOXES)
    assert prepare(view).view.depth_m.shape == (1, *CANVAS)
    small = make_view(BOXES, workspace=np.array([[-0.02, -0.02, 0.0], [0.02, 0.02, 0.1]]))
    assert prepare(small).view.depth_m.shape == (1, *CANVAS)


def test_canvas_grows_with_the_workspace(make_view):
    T = make_view([]).T_world_camera
    sizes = [canvas_for(np.array([half, half]), T, np.zeros(2)) for half in (0.15, 0.2, 0.3, 0.5, 5.0)]
    assert sizes[0] == CANVAS and sizes[-1] == (640, 640)
    assert all(h % 16 == 0 and w % 16 == 0 for h, w in sizes)
    assert all(a[1] < b[1] for a, b in zip(sizes[:3], sizes[1:4], strict=True))
    # at 0.3 m the usual 0.48 m is needed for 0.3 m wide things; 0.6 m wide ones need at least 0.3 m more
    assert sizes[2][1] >= CANVAS[1] + 0.3 / 0.002


def test_without_a_workspace_it_looks_at_what_stands_there(make_view):
    everywhere = np.array([[-np.inf] * 3, [np.inf] * 3])
    shifted = [((0.15, 0.1, 0.03), (0.03, 0.03, 0.03), 0.0)]
    prepared = prepare(make_view(shifted, workspace=everywhere))
    middle = prepared.T_table_camera[:3, 3] + prepared.T_table_camera[:3, 2] * prepared.camera.fx * 0.002
    np.testing.assert_allclose(middle[:2], (0.15, 0.1), atol=0.02)


def test_an_unknown_table_is_found_in_any_frame(make_view):
    view = make_view(BOXES, table_z_m=None)
    T_other_world = transform(Rotation.from_euler("xyz", [0.4, -0.3, 1.0]), (0.3, -0.2, 0.5))
    view.T_world_camera = T_other_world @ view.T_world_camera
    view.workspace = np.array([[-np.inf] * 3, [np.inf] * 3])
    support = find_support([view])
    assert support.is_table
    normal = support.T_world_table[:3, 2]
    assert np.degrees(np.arccos(normal @ T_other_world[:3, 2])) < 0.3
    heights = (invert(support.T_world_table) @ T_other_world)[2, 3]
    assert abs(heights) < 0.001


def test_without_a_table_the_frame_lies_below_what_is_seen(make_view):
    view = make_view([((0.0, 0.0, 0.05), (0.03, 0.03, 0.05), 0.0)], table_z_m=-np.inf, drawn_table_z_m=None)
    prepared = prepare(view)
    assert not prepared.has_table and prepared.scale == 1.0
    heights = transform_height(prepared, prepared.view.depth_m[0].numpy())
    seen = resample(view.depth_m, view.camera, prepared.T_table_real, prepared.camera, prepared.T_table_camera) > 0.0
    assert seen.any() and 0.0 < np.nanmin(heights[seen]) < 0.05
    np.testing.assert_allclose(heights[~seen], 0.0, atol=1e-5)  # what is not seen shows the make-believe table


def test_an_image_without_depth_stays_empty(make_view):
    view = make_view(BOXES, table_z_m=-np.inf)
    view.depth_m = np.zeros_like(view.depth_m)
    assert not prepare(view).view.depth_m.any()


def test_holes_are_holes_however_they_are_written(make_view):
    view = make_view(BOXES)
    rng = np.random.default_rng(3)
    hole = rng.random(view.depth_m.shape) < 0.3
    images = []
    for nothing in (0.0, np.nan, np.inf, -1.0):
        view.depth_m = np.where(hole, nothing, make_view(BOXES).depth_m).astype(np.float32)
        images.append(prepare(view).view.depth_m)
    assert all(torch.equal(images[0], image) for image in images[1:]) and torch.isfinite(images[0]).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"depth_m": np.full((240, 320), 500, dtype=np.uint16)}, "divide integer depth by its units"),
        ({"depth_m": np.full((240, 320), 500.0, dtype=np.float32)}, "look like millimetres"),
        ({"depth_m": np.zeros((240, 320, 1), dtype=np.float32)}, "float image"),
        ({"depth_m": np.zeros((100, 320), dtype=np.float32)}, "(240, 320)"),
        ({"T_world_camera": np.eye(3)}, "T_world_camera"),
        ({"T_world_camera": np.diag([1.0, 1.0, -1.0, 1.0])}, "rigid"),
        ({"T_world_camera": np.full((4, 4), np.nan)}, "rigid"),
        ({"workspace": np.zeros(6)}, "workspace"),
        ({"workspace": np.array([[1.0] * 3, [0.0] * 3])}, "workspace"),
        ({"table_z_m": 2.0}, "a camera above the table"),
        ({"table_z_m": np.nan}, "table_z_m"),
    ],
)
def test_bad_input_is_said(make_view, change, said):
    with pytest.raises(InputError) as caught:
        prepare(make_view(BOXES, **change))
    assert said in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (16, 20)])
def test_tiny_images(make_view, size):
    view = make_view(BOXES)
    step = (240 // size[0], 320 // size[1])
    depth = view.depth_m[:: step[0], :: step[1]][: size[0], : size[1]]
    camera = type(view.camera)(
        width=size[1],
        height=size[0],
        fx=270.0 / step[1],
        fy=270.0 / step[0],
        cx=159.5 / step[1],
        cy=119.5 / step[0],
    )
    for table_z_m in (0.0, None, -np.inf):
        view.depth_m, view.camera, view.table_z_m = depth, camera, table_z_m
        assert prepare(view).view.depth_m.shape == (1, *CANVAS)
