"""Organised clouds are read as the depth images that they were made of; all others as points."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from std_msgs.msg import Header

from geometry import FloatArray, PinholeCamera, transform, transform_points
from perception.grasping import Grasps
from ros_nodes.grasp_detector.look import EVERYWHERE, Place, view_of_grid, view_of_points
from ros_nodes.grasp_detector.organised_clouds import image_of_cloud
from ros_nodes.messages.clouds import cloud_from_points, grid_from_cloud
from tests.ros_nodes.depth_camera import DepthCamera, Diagnostics

CAMERA = PinholeCamera(width=64, height=48, fx=61.25, fy=59.5, cx=30.75, cy=25.25)
PLACE = Place(workspace=EVERYWHERE, table_z_m=-np.inf, seed=0)
T_WORLD_CAMERA = transform(np.diag([1.0, -1.0, -1.0]), (0.3, 0.2, 0.7))


def bumpy_depth() -> np.ndarray:
    """(48, 64) float32 metres between 0.4 and 0.6, a tenth of it without return."""
    rng = np.random.default_rng(0)
    depth = rng.uniform(0.4, 0.6, (CAMERA.height, CAMERA.width)).astype(np.float32)
    depth[rng.random(depth.shape) < 0.1] = 0.0
    return depth


def points_of(depth: np.ndarray, nothing: float = np.nan) -> FloatArray:
    """(48, 64, 3) what a driver makes of a depth image, pixel by pixel, written without the project's geometry."""
    v, u = np.mgrid[0 : CAMERA.height, 0 : CAMERA.width]
    z = depth.astype(np.float64)
    points = np.stack([(u - 30.75) / 61.25 * z, (v - 25.25) / 59.5 * z, z], axis=-1)
    points[depth == 0.0] = nothing
    return points


@pytest.mark.parametrize("nothing", [np.nan, np.inf, 0.0])
def test_the_image_behind_an_organised_cloud_is_found(nothing: float) -> None:
    depth = bumpy_depth()
    message = cloud_from_points(points_of(depth, nothing).reshape(-1, 3), Header())
    message.height, message.width, message.row_step = 48, 64, 64 * 12
    found = image_of_cloud(grid_from_cloud(message))
    assert found is not None and found.depth_m.dtype == np.float32
    np.testing.assert_array_equal(found.depth_m, depth)
    for name in ("fx", "fy", "cx", "cy"):
        assert getattr(found.camera, name) == pytest.approx(getattr(CAMERA, name), abs=1e-4)
    assert (found.camera.width, found.camera.height) == (64, 48)


def moved_by_a_pixel(points: FloatArray) -> FloatArray:
    row, column = np.argwhere(np.isfinite(points[:-1, :-1, 2]) & np.isfinite(points[:-1, 1:, 2]))[500]
    points[row, column] = points[row, column + 1]
    return points


def bent_by_a_lens(points: FloatArray) -> FloatArray:
    r2 = (points[..., :1] ** 2 + points[..., 1:2] ** 2) / points[..., 2:] ** 2
    return points * np.concatenate([1.0 + 0.2 * r2, 1.0 + 0.2 * r2, np.ones_like(r2)], axis=-1)


def turning_laser(points: FloatArray) -> FloatArray:
    up, round_about = np.radians(np.linspace(15, -15, 48))[:, None], np.radians(np.linspace(-60, 60, 64))
    rays = np.stack(
        np.broadcast_arrays(np.cos(up) * np.sin(round_about), -np.sin(up), np.cos(up) * np.cos(round_about)), -1
    )
    return np.asarray(2.0 * rays)


OTHERS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "mixed up": lambda points: np.random.default_rng(0).permutation(points.reshape(-1, 3)).reshape(points.shape),
    "one row": lambda points: points.reshape(1, -1, 3),
    "one column": lambda points: points.reshape(-1, 1, 3),
    "in the world's frame": lambda points: transform_points(T_WORLD_CAMERA, points),
    "mirrored": lambda points: points * (-1.0, 1.0, 1.0),
    "upside down": lambda points: points[::-1],
    "behind the camera": lambda points: np.where(points[..., 2:] > 0.59, -points, points),
    "a lens": bent_by_a_lens,
    "a laser": turning_laser,
    "one point in its neighbour's place": moved_by_a_pixel,
    "all in one place": lambda points: np.ones_like(points),
    "next to nothing": lambda points: np.where(np.arange(48 * 64).reshape(48, 64, 1) < 60, points, np.nan),
    "nothing": lambda points: np.full_like(points, np.nan),
    "no points": lambda points: points[:0],
}


@pytest.mark.parametrize("change", OTHERS.values(), ids=OTHERS.keys())
def test_what_no_pinhole_sees_so_has_no_image(change: Callable[[FloatArray], FloatArray]) -> None:
    assert image_of_cloud(points_of(bumpy_depth())) is not None
    assert image_of_cloud(change(points_of(bumpy_depth()))) is None


def test_an_organised_cloud_is_looked_at_through_its_own_camera() -> None:
    depth = bumpy_depth()
    view = view_of_grid(points_of(depth), T_WORLD_CAMERA, PLACE)
    np.testing.assert_array_equal(view.depth_m, depth)
    np.testing.assert_array_equal(view.T_world_camera, T_WORLD_CAMERA)
    assert view.table_z_m == -np.inf and view.camera.fx == pytest.approx(61.25, abs=1e-6)


def test_others_are_looked_at_as_points() -> None:
    points = points_of(bumpy_depth())
    finite = points[np.isfinite(points[..., 2])]
    expected = view_of_points(finite, T_WORLD_CAMERA, PLACE)
    view = view_of_grid(points.reshape(1, -1, 3), T_WORLD_CAMERA, PLACE)
    np.testing.assert_array_equal(view.depth_m, expected.depth_m)
    assert view.camera == expected.camera and view.camera.width != 64


def test_the_node_searches_the_image_behind_a_cloud(ros) -> None:
    from rclpy.parameter import Parameter

    from ros_nodes.grasp_detector.node import GraspDetectorNode

    seen = []

    def planner(view):
        seen.append(view)
        return Grasps(note="nothing here")

    overrides = [Parameter("input", value="cloud"), Parameter("table", value="none")]
    ros.start(GraspDetectorNode, planner=planner, parameter_overrides=overrides)
    eye, said, depth = DepthCamera(ros, CAMERA, T_WORLD_CAMERA), Diagnostics(ros), bumpy_depth()
    assert ros.wait_until(eye.is_heard, 20.0)
    assert ros.wait_until(lambda: eye.send_cloud(points_of(depth)) or seen, 20.0)
    np.testing.assert_array_equal(seen[-1].depth_m, depth)
    np.testing.assert_allclose(seen[-1].T_world_camera, T_WORLD_CAMERA, atol=1e-12)
    assert ros.wait_until(lambda: said.says("detection", "ok", "nothing here"), 20.0)
