"""The TSDF of one view against a plain loop of its formula, hand-computed planes, and Open3D."""

from __future__ import annotations

import math

import numpy as np
import open3d as o3d
import pytest

from envs.clutter import DIALECT_A, ClutterSimulation, single_view_tsdf
from envs.objects import load_objects
from geometry import PinholeCamera, invert, look_at, transform

CAMERA = PinholeCamera(width=160, height=120, fx=135.0, fy=130.0, cx=80.0, cy=61.0)
T_SIDE = look_at((0.15, -0.3696, 0.40), (0.15, 0.15, 0.10))


def loop(depth: np.ndarray, camera: PinholeCamera, T_world_camera: np.ndarray, size: float, n: int) -> np.ndarray:
    """The protocol's formula, voxel by voxel."""
    T = np.linalg.inv(T_world_camera)
    grid = np.zeros((n, n, n))
    voxel = size / n
    for i in range(n):
        for j in range(n):
            for k in range(n):
                x, y, z, _ = T @ [(i + 0.5) * voxel, (j + 0.5) * voxel, (k + 0.5) * voxel, 1.0]
                u = math.floor(camera.fx * x / z + camera.cx + 0.5)
                v = math.floor(camera.fy * y / z + camera.cy + 0.5)
                if z <= 0.0 or not (0 <= u < camera.width and 0 <= v < camera.height) or depth[v, u] <= 0.0:
                    continue
                ray = math.sqrt(1.0 + ((u - camera.cx) / camera.fx) ** 2 + ((v - camera.cy) / camera.fy) ** 2)
                s = (depth[v, u] - z) * ray / (4 * voxel)
                if -0.98 <= s < 0.98:
                    grid[i, j, k] = (s + 1.0) / 2.0
    return grid


def test_equal_to_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    depth = rng.uniform(0.4, 0.8, (120, 160)).astype(np.float32)
    depth[rng.random(depth.shape) < 0.2] = 0.0
    grid = single_view_tsdf(depth, CAMERA, T_SIDE, 0.3, resolution=16)
    expected = loop(depth, CAMERA, T_SIDE, 0.3, 16)
    assert grid.shape == (16, 16, 16) and grid.dtype == np.float32
    assert 0.2 < np.mean(expected > 0) < 0.9
    np.testing.assert_allclose(grid, expected, atol=1e-6)


def test_a_flat_plane_by_hand() -> None:
    """A camera looks straight down from 0.6 m, along the axis of voxel (20, 20); a plane lies at z = 0.1.

    Voxel centres along that axis are at z = (k + 0.5) * 7.5 mm, so s = (z - 0.1) / 0.03.
    """
    camera = PinholeCamera(width=641, height=481, fx=540.0, fy=540.0, cx=320.0, cy=240.0)
    axis = 20.5 * 0.0075
    T = transform(np.diag([1.0, -1.0, -1.0]), (axis, axis, 0.6))
    grid = single_view_tsdf(np.full((481, 641), 0.5, np.float32), camera, T, 0.3)
    column = grid[20, 20]
    for k in range(40):
        s = ((k + 0.5) * 0.0075 - 0.1) / 0.03
        assert column[k] == pytest.approx((s + 1) / 2 if -0.98 <= s < 0.98 else 0.0, abs=2e-6), k
    assert column[13] == pytest.approx(0.5 + (0.10125 - 0.1) / 0.06, abs=1e-5)  # just above the surface
    assert np.count_nonzero(column) == 8


def test_voxels_behind_the_camera_or_without_return_are_zero() -> None:
    T = transform(np.diag([1.0, -1.0, -1.0]), (0.15, 0.15, 0.15))
    grid = single_view_tsdf(np.full((120, 160), 0.05, np.float32), CAMERA, T, 0.3)
    assert np.all(grid[:, :, 20:] == 0.0) and grid.max() > 0.0
    assert not single_view_tsdf(np.zeros((120, 160), np.float32), CAMERA, T_SIDE, 0.3).any()


def open3d_tsdf(depth: np.ndarray, camera: PinholeCamera, T_world_camera: np.ndarray) -> np.ndarray:
    volume = o3d.pipelines.integration.UniformTSDFVolume(
        length=0.3, resolution=40, sdf_trunc=0.03, color_type=o3d.pipelines.integration.TSDFVolumeColorType.NoColor
    )
    c = camera
    intrinsic = o3d.camera.PinholeCameraIntrinsic(c.width, c.height, c.fx, c.fy, c.cx, c.cy)
    image = o3d.geometry.Image(np.ascontiguousarray(depth))
    rgbd = o3d.geometry.RGBDImage.create_from_color_and_depth(
        o3d.geometry.Image(np.zeros(depth.shape, np.uint8)), image, 1.0, 2.0, False
    )
    volume.integrate(rgbd, intrinsic, invert(T_world_camera))
    grid = np.zeros((40, 40, 40))
    for voxel in volume.extract_voxel_grid().get_voxels():
        grid[tuple(voxel.grid_index)] = voxel.color[0]
    return grid


@pytest.mark.parametrize("seed", [0, 1])
def test_agrees_with_open3d_on_the_benchmarks_own_images(seed: int) -> None:
    simulation = ClutterSimulation(DIALECT_A, load_objects("procedural", limit=7), "pile", np.random.default_rng(seed))
    look = simulation.observe()
    simulation.close()
    expected = open3d_tsdf(look.depth_m, look.camera, look.T_world_camera)
    difference = np.abs(look.tsdf - expected)
    assert np.count_nonzero(expected) > 2000
    assert difference.max() < 1e-4
    assert look.tsdf is look.tsdf
