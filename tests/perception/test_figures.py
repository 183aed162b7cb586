"""Pictures, videos, atomic files and the live view."""

from __future__ import annotations

import io
import sys

import imageio.v3 as iio
import numpy as np
import pytest

from geometry import GripperSpec, InputError, PinholeCamera, look_at, transform
from perception.figures import (
    GraspPicture,
    LiveView,
    VideoWriter,
    grasp_figure,
    output_file,
    render_points,
    score_range,
    shade_depth,
)
from perception.figures.gripper_shape import fork_tubes, gripper_fork

CAMERA = PinholeCamera(width=101, height=81, fx=100.0, fy=100.0, cx=50.0, cy=40.0)
BLACK, RED, BLUE = (0, 0, 0), (255, 0, 0), (0, 0, 255)


def test_a_point_falls_where_the_camera_projects_it():
    T_world_camera = look_at((0.5, -1.0, 0.7), (0.5, 0.0, 0.2))
    point = T_world_camera[:3, 3] + T_world_camera[:3, :3] @ (0.2, -0.1, 1.0)
    image = render_points(point[None], np.array([RED], np.uint8), 0.001, CAMERA, T_world_camera, shading=0.0)
    assert np.argwhere((image == RED).all(axis=-1)).tolist() == [[30, 70]]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_nearer_point_hides_the_farther(order):
    points = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 2.0]])[list(order)]
    colors = np.array([RED, BLUE], np.uint8)[list(order)]
    image = render_points(points, colors, 0.0, CAMERA, np.eye(4), shading=0.0)
    assert tuple(image[40, 50]) == RED


def test_points_cover_their_size():
    image = render_points(np.array([[0.0, 0.0, 1.0]]), np.array([RED], np.uint8), 0.06, CAMERA, np.eye(4), shading=0.0)
    assert (image == RED).all(axis=-1).sum() == 7 * 7


def test_points_behind_the_camera_and_none_at_all_leave_the_background():
    behind = render_points(np.array([[0.0, 0.0, -1.0]]), np.array([RED], np.uint8), 0.1, CAMERA, np.eye(4))
    none = render_points(np.zeros((0, 3)), np.zeros((0, 3), np.uint8), 0.1, CAMERA, np.eye(4), background=BLACK)
    assert (behind == 255).all() and (none == 0).all()


def test_the_fork_ends_at_the_fingertips():
    gripper = GripperSpec(finger_depth_m=0.04)
    fork = gripper_fork(transform(None, (1.0, 2.0, 3.0))[None], np.array([0.06]), gripper)[0]
    left, right, bridge, stem = fork
    np.testing.assert_allclose(left, [[1.0, 2.03, 2.96], [1.0, 2.03, 3.0]])
    np.testing.assert_allclose(right, [[1.0, 1.97, 2.96], [1.0, 1.97, 3.0]])
    np.testing.assert_allclose(bridge, [[1.0, 2.03, 2.96], [1.0, 1.97, 2.96]])
    np.testing.assert_allclose(stem[0], [1.0, 2.0, 2.96])
    assert stem[1, 2] < stem[0, 2]


def test_tubes_have_their_radius():
    segments = np.array([[[0.0, 0.0, 0.0], [0.0, 0.0, 1.0]], [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]])
    points, normals = fork_tubes(segments, radius_m=0.1)
    np.testing.assert_allclose(np.linalg.norm(points[0, :, :2], axis=-1), 0.1)
    np.testing.assert_allclose(np.linalg.norm(points[1, :, 1:], axis=-1), 0.1)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=-1), 1.0)


def test_equal_scores_look_equal():
    assert score_range(np.array([0.95, 0.94]))(0.94) > 0.9
    assert score_range(np.array([0.5]))(0.5) == pytest.approx(1.0)
    assert score_range(np.zeros(0))(0.5) == pytest.approx(0.5)


def test_shading_tells_a_slope_from_a_level_and_marks_holes():
    depth = np.ones((60, 80), dtype=np.float32)
    depth[:, 40:] += np.linspace(0.0, 0.5, 40, dtype=np.float32)
    depth[:5] = 0.0
    picture = shade_depth(depth, PinholeCamera(width=80, height=60, fx=80.0, fy=80.0, cx=40.0, cy=30.0))
    assert picture.shape == (60, 80, 3) and picture.dtype == np.uint8
    assert (picture[:5] == picture[0, 0]).all()
    assert np.abs(picture[30, 20].astype(int) - picture[30, 60].astype(int)).max() > 20


def picture_of(desk_frame, count):
    points = desk_frame.camera.unproject(desk_frame.depth_m)
    seen = np.isfinite(points[..., 2])
    image = shade_depth(desk_frame.depth_m, desk_frame.camera)
    world = points[seen] @ desk_frame.T_desk_camera[:3, :3].T + desk_frame.T_desk_camera[:3, 3]
    poses = np.stack([transform(np.diag([1.0, -1.0, -1.0]), (-0.075 + 0.02 * i, 0.0, 0.1)) for i in range(count)])
    return GraspPicture(
        image=image,
        camera=desk_frame.camera,
        T_world_camera=desk_frame.T_desk_camera,
        points=world,
        point_colors=image[seen],
        point_sizes_m=np.full(len(world), 0.004),
        poses=poses.reshape(-1, 4, 4),
        widths_m=np.full(count, 0.06),
        scores=np.linspace(0.9, 0.2, count),
        focus=world[world[:, 2] > 0.01],
    )


def drawn(figure):
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return iio.imread(content.getvalue())[..., :3]


def test_grippers_are_drawn_where_the_image_shows_the_object(desk_frame):
    picture = picture_of(desk_frame, 3)
    figure = grasp_figure(picture, title="three grasps")
    left = figure.axes[0]
    tips = desk_frame.camera.project(
        (picture.poses[0, :3, 3] - desk_frame.T_desk_camera[:3, 3]) @ desk_frame.T_desk_camera[:3, :3]
    )
    best = max(left.collections, key=lambda lines: lines.get_zorder())
    ends = np.concatenate([segment for segment in best.get_segments()])
    assert np.linalg.norm(ends - tips, axis=1).min() < 40
    assert (ends[:, 0].min() <= tips[0] <= ends[:, 0].max()) and len(left.collections) == 3
    x, y = sorted(left.get_xlim()), sorted(left.get_ylim())
    assert x[0] <= tips[0] <= x[1] and y[0] <= tips[1] <= y[1]
    assert len(np.unique(drawn(figure).reshape(-1, 3), axis=0)) > 100


def test_no_grasp_is_a_figure_too(desk_frame):
    empty = picture_of(desk_frame, 1)
    empty = GraspPicture(
        **{**vars(empty), "poses": np.zeros((0, 4, 4)), "widths_m": np.zeros(0), "scores": np.zeros(0)}
    )
    figure = grasp_figure(empty, title="no grasp")
    assert len(figure.axes) == 2 and not figure.axes[0].collections


def test_video_plays_back_with_even_sizes(tmp_path):
    with VideoWriter(tmp_path / "deep" / "v.mp4", rate_hz=10) as video:
        for level in (0, 100, 200):
            video.add(np.full((51, 33, 3), level, np.uint8))
    frames = iio.imread(tmp_path / "deep" / "v.mp4")
    assert frames.shape == (3, 52, 34, 3)
    np.testing.assert_allclose(frames.mean(axis=(1, 2, 3)), [0, 100, 200], atol=4)
    assert "yuv420p" in iio.immeta(tmp_path / "deep" / "v.mp4")["pix_fmt"]
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["v.mp4"]


def test_a_video_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), VideoWriter(tmp_path / "v.mp4") as video:
        video.add(np.zeros((8, 8, 3), np.uint8))
        _ = 1 / 0
    with pytest.raises(InputError, match="at least one frame"), VideoWriter(tmp_path / "v.mp4"):
        pass
    with pytest.raises(InputError, match=r"first frame's shape \(8, 8, 3\), got \(8, 9, 3\)"):
        with VideoWriter(tmp_path / "v.mp4") as video:
            video.add(np.zeros((8, 8, 3), np.uint8))
            video.add(np.zeros((8, 9, 3), np.uint8))
    assert not list(tmp_path.iterdir())


def test_a_file_keeps_what_it_held_when_writing_fails(tmp_path):
    path = tmp_path / "out.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), output_file(path) as draft:
        draft.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    with output_file(path) as draft:
        draft.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new" and [p.name for p in tmp_path.iterdir()] == ["out.txt"]


def test_live_view_writes_a_recording(tmp_path, desk_frame):
    pytest.importorskip("rerun")
    picture = picture_of(desk_frame, 2)
    with LiveView("test", file=tmp_path / "scene.rrd") as view:
        view.at(0.5)
        view.camera("camera", picture.camera, picture.T_world_camera, rgb=picture.image, depth_m=desk_frame.depth_m)
        view.cloud("cloud", picture.points, picture.point_colors)
        view.grasps("grasps", picture.poses, picture.widths_m, picture.scores)
        view.mesh("robot/link0", np.eye(3), [[0, 1, 2]])
        view.pose("robot/link0", np.eye(4))
        view.text("log", "two grasps")
    content = (tmp_path / "scene.rrd").read_bytes()
    assert content[:4] == b"RRF2" and len(content) > 50_000
    assert [p.name for p in tmp_path.iterdir()] == ["scene.rrd"]


def test_live_view_without_the_extra_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "rerun", None)
    with pytest.raises(InputError, match=r'--view: expected the package rerun-sdk.*pip install "graspmimic\[view\]"'):
        LiveView("test")
