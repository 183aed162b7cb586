"""Table and objects of an analytic desk, from a depth image and from its cloud."""

from __future__ import annotations

import numpy as np
import pytest

from geometry import InputError, PinholeCamera, invert, transform, transform_points
from perception.frames import find_support, object_clusters, on_targets, scene_from_cloud, scene_from_depth
from perception.grasping import Grasps

DOWN = np.diag([1.0, -1.0, -1.0])


def rng():
    return np.random.default_rng(0)


def true_objects(frame):
    """(H, W) pixels whose point lies on a box, 4 cm or more above the desk."""
    points = transform_points(frame.T_desk_camera, frame.camera.unproject(frame.depth_m))
    return np.nan_to_num(points[..., 2]) > 0.04


def test_table_has_the_desks_normal_and_height(desk_frame):
    support = scene_from_depth(desk_frame.depth_m, desk_frame.camera, rng()).support
    T_camera_desk = invert(desk_frame.T_desk_camera)
    assert support.normal @ T_camera_desk[:3, 2] > np.cos(np.radians(0.3))
    assert support.height(T_camera_desk[:3, 3]) == pytest.approx(0.0, abs=0.002)


def test_targets_are_the_boxes(desk_frame):
    scene = scene_from_depth(desk_frame.depth_m, desk_frame.camera, rng())
    truth = true_objects(desk_frame)
    assert scene.targets[truth].mean() > 0.95
    on_desk = transform_points(desk_frame.T_desk_camera, desk_frame.camera.unproject(desk_frame.depth_m))[..., 2]
    assert not scene.targets[np.nan_to_num(on_desk, nan=0.0) < 0.004].any()


def test_two_boxes_are_two_clusters(desk_frame):
    points = desk_frame.camera.unproject(desk_frame.depth_m)
    points = points[np.isfinite(points[..., 2])]
    labels = object_clusters(points, find_support(points, rng()))
    assert labels.max() == 1


def test_a_wall_is_no_table_and_no_object(desk_frame):
    rays = desk_frame.camera.rays() @ desk_frame.T_desk_camera[:3, :3].T
    eye = desk_frame.T_desk_camera[:3, 3]
    wall = np.where(rays[..., 1] > 0.0, (0.3 - eye[1]) / rays[..., 1], np.inf)
    depth = np.where(desk_frame.depth_m > 0.0, np.minimum(desk_frame.depth_m, wall), wall)
    depth = np.where(depth < 1.4, depth, 0.0).astype(np.float32)
    scene = scene_from_depth(depth, desk_frame.camera, rng())
    assert scene.support.normal @ invert(desk_frame.T_desk_camera)[:3, 2] > 0.999
    assert scene.targets[true_objects(desk_frame)].mean() > 0.9
    on_wall = (np.abs(depth - wall) < 1e-4) & ~true_objects(desk_frame)
    assert scene.targets[on_wall].mean() < 0.01


def test_what_rises_beyond_the_rim_is_not_on_the_table(desk_frame):
    """A ball behind the desk whose top is higher than the desk, as seen over its far edge."""
    centre, radius = np.array([0.0, 0.5, -0.015]), 0.05
    rays = desk_frame.camera.rays() @ desk_frame.T_desk_camera[:3, :3].T
    to_eye = desk_frame.T_desk_camera[:3, 3] - centre
    a, b = (rays**2).sum(-1), (rays * to_eye).sum(-1)
    root = b * b - a * (to_eye @ to_eye - radius**2)
    ball = np.where(root > 0, (-b - np.sqrt(np.maximum(root, 0))) / a, np.inf)
    depth = np.where(desk_frame.depth_m > 0.0, np.minimum(desk_frame.depth_m, ball), ball)
    depth = np.where(np.isfinite(depth), depth, 0.0).astype(np.float32)
    is_ball = np.isfinite(ball) & (np.abs(depth - ball) < 1e-5)
    assert is_ball.sum() > 200
    scene = scene_from_depth(depth, desk_frame.camera, rng())
    assert not (scene.targets & is_ball).any()
    assert scene.targets[true_objects(desk_frame)].mean() > 0.9


def test_from_straight_above_only_the_top_of_a_box_is_seen_and_it_stands_all_the_same():
    camera = PinholeCamera(width=160, height=120, fx=150.0, fy=150.0, cx=79.5, cy=59.5)
    top = np.full((120, 160), 0.7, dtype=np.float32)
    rays = camera.rays() * 0.58
    on_box = (np.abs(rays[..., 0]) < 0.03) & (np.abs(rays[..., 1]) < 0.03)
    top[on_box] = 0.58
    scene = scene_from_depth(top, camera, rng())
    assert scene.support.offset_m == pytest.approx(-0.7, abs=0.001)
    assert scene.targets[on_box].mean() > 0.7 and not scene.targets[~on_box].any()


def test_mask_and_workspace_narrow_the_targets(desk_frame):
    left = np.zeros(desk_frame.depth_m.shape, dtype=bool)
    left[:, :160] = True
    masked = scene_from_depth(desk_frame.depth_m, desk_frame.camera, rng(), mask=left)
    assert masked.targets.any() and not masked.targets[:, 160:].any()
    box = [[0.0, -1.0, 0.0], [1.0, 1.0, 2.0]]  # the right half of what the camera sees
    boxed = scene_from_depth(desk_frame.depth_m, desk_frame.camera, rng(), workspace_camera=box)
    assert boxed.targets.any() and not boxed.targets[:, :159].any()


def test_without_a_table_everything_in_range_is_a_target(desk_frame):
    scene = scene_from_depth(desk_frame.depth_m, desk_frame.camera, rng(), find_table=False)
    assert scene.support is None and scene.table_z_m == -np.inf
    assert scene.targets.sum() > 0.9 * (desk_frame.depth_m > 0.0).sum()


def test_range_cuts_the_background(desk_frame):
    with pytest.raises(InputError, match="surfaces within 0.2 m.*raise --max-range"):
        scene_from_depth(desk_frame.depth_m, desk_frame.camera, rng(), max_range_m=0.2)


def test_cloud_gives_the_same_table(desk_frame):
    points = desk_frame.camera.unproject(desk_frame.depth_m)
    scene = scene_from_cloud(points[np.isfinite(points[..., 2])], rng())
    normal_in_file = scene.T_source_camera[:3, :3] @ scene.support.normal
    assert normal_in_file @ invert(desk_frame.T_desk_camera)[:3, 2] > 0.999
    at_boxes = transform_points(
        desk_frame.T_desk_camera @ scene.T_source_camera @ invert(scene.T_world_camera), scene.target_points()
    )
    assert at_boxes[:, 2].min() > 0.003 and at_boxes[:, 2].max() == pytest.approx(0.12, abs=0.004)


def test_grasps_on_targets_are_kept_others_not(desk_frame):
    scene = scene_from_depth(desk_frame.depth_m, desk_frame.camera, rng())
    T_world_desk = scene.T_world_camera @ invert(desk_frame.T_desk_camera)
    on_box, on_desk = transform(DOWN, (-0.075, -0.005, 0.10)), transform(DOWN, (0.0, 0.15, 0.0))
    grasps = Grasps(T_world_desk @ np.stack([on_desk, on_box]), np.full(2, 0.08), np.array([0.9, 0.5]))
    kept = on_targets(grasps, scene)
    assert kept.scores.tolist() == [0.5]


def test_a_finger_beyond_the_border_of_the_image_is_in_the_unknown(desk_frame):
    """The border cuts the tall box: a grasp across its visible half would run into the other."""
    camera, first = desk_frame.camera, 106
    cut = PinholeCamera(width=camera.width - first, height=camera.height, fx=300, fy=300, cx=159.5 - first, cy=119.5)
    scene = scene_from_depth(desk_frame.depth_m[:, first:], cut, rng())
    T_world_desk = scene.T_world_camera @ invert(desk_frame.T_desk_camera)
    across = transform(DOWN @ [[0, 1, 0], [-1, 0, 0], [0, 0, 1]], (-0.07, -0.01, 0.10))
    along = transform(DOWN, (-0.06, -0.005, 0.10))
    grasps = Grasps(T_world_desk @ np.stack([across, along]), np.full(2, 0.06), np.array([0.9, 0.5]))
    assert on_targets(grasps, scene).scores.tolist() == [0.5]


def test_grasps_return_to_the_frame_of_the_file(desk_frame):
    points = desk_frame.camera.unproject(desk_frame.depth_m)
    scene = scene_from_cloud(points[np.isfinite(points[..., 2])], rng())
    target = scene.target_points()[0]
    grasp = Grasps(transform(DOWN, target)[None], np.array([0.05]), np.array([1.0]))
    in_file = scene.in_source_frame(grasp).positions[0]
    assert np.nanmin(np.linalg.norm(points - in_file, axis=-1)) < 0.004
