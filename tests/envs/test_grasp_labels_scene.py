"""The geometry that labels are made from: distances, hidden backs, obstacles, centres of mass."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from envs.cameras import RaycastCamera
from envs.clutter import DIALECT_A, DIALECT_B, try_and_shake, try_grasp
from envs.grasp_labels import PlacedObject, SceneGeometry, exit_depth, rate_grasps
from envs.objects import ObjectModel
from envs.scenes import Scene, add_bin
from envs.world import World
from geometry import PinholeCamera, look_at, transform

BoxModel = Callable[..., ObjectModel]
SIZE_M = (0.05, 0.04, 0.06)


def boxed_scene(model: ObjectModel, world: World) -> Scene:
    scene = Scene(world)
    scene.add(model, transform(None, (0.15, 0.15, scene.workspace.table_z_m + 0.5 * SIZE_M[2])))
    return scene


def slab_hits(rays: np.ndarray, eye: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where rays with z = 1 in the camera enter and leave a box."""
    with np.errstate(divide="ignore"):
        near, far = (low - eye) / rays, (high - eye) / rays
    return np.minimum(near, far).max(axis=-1), np.maximum(near, far).min(axis=-1)


def test_distances_to_a_box(box_model: BoxModel) -> None:
    geometry = SceneGeometry([PlacedObject(box_model(SIZE_M), 1.0, transform(None, (0.15, 0.15, 0.03)))])
    places = np.array([[0.15, 0.15, 0.03], [0.15 + 0.025 + 0.007, 0.15, 0.03], [0.15, 0.15, 0.075], [0.4, 0.0, 0.3]])
    poses = transform(None, places).astype(np.float32)
    units = geometry.field.at(poses, np.zeros((1, 3), np.float32))[:, 0]
    assert units[0] < 0 and units[3] == 127
    assert 0.000125 * units[1] == pytest.approx(0.007, abs=1.1e-3)  # the nearest node is at most half a voxel away
    assert 0.000125 * units[2] == pytest.approx(0.015, abs=1.1e-3)


def test_exit_depth_of_a_box_is_where_the_ray_leaves_it(box_model: BoxModel) -> None:
    camera = PinholeCamera(width=120, height=100, fx=250.0, fy=250.0, cx=59.5, cy=49.5)
    with World() as world:
        scene = boxed_scene(box_model(SIZE_M), world)
        T_world_camera = look_at((0.3, -0.15, 0.4), (0.15, 0.15, 0.08))
        T_table_camera = transform(translation=(0, 0, -0.05)) @ T_world_camera
        frame = RaycastCamera(world, camera).render(T_world_camera, normals=False)
        on_object = frame.segmentation == next(iter(scene.objects))
        found = exit_depth(SceneGeometry.of(scene), camera, T_table_camera, frame.depth_m, on_object)
    low, high = np.array([0.125, 0.13, 0.0]), np.array([0.175, 0.17, 0.06])
    enter, leave = slab_hits(camera.rays() @ T_table_camera[:3, :3].T, T_table_camera[:3, 3], low, high)
    inside = on_object & (leave - enter > 0.001)
    assert inside.sum() > 500
    assert np.abs(frame.depth_m - enter)[inside].max() < 1e-4
    assert np.abs(found - leave)[inside].max() < 2e-4
    assert not found[~on_object].any()


def test_exit_depth_passes_to_no_other_object(box_model: BoxModel) -> None:
    model = box_model(SIZE_M)
    objects = [PlacedObject(model, 1.0, transform(None, (0.15, y, 0.03))) for y in (0.15, 0.25)]
    camera = PinholeCamera(width=3, height=3, fx=1e4, fy=1e4, cx=1.0, cy=1.0)
    T_table_camera = look_at((0.15, -0.4, 0.03), (0.15, 0.15, 0.03))
    depth_m = np.full((3, 3), 0.53, np.float32)
    found = exit_depth(SceneGeometry(objects), camera, T_table_camera, depth_m, np.ones((3, 3), bool))
    assert np.allclose(found, 0.57, atol=2e-4)


def test_the_walls_of_a_bin_stand_in_the_way_and_cannot_be_grasped(box_model: BoxModel) -> None:
    with World() as world:
        scene = boxed_scene(box_model(SIZE_M), world)
        open_table = SceneGeometry.of(scene)
        add_bin(scene)
        geometry = SceneGeometry.of(scene)
    R_down = [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]]
    on_wall = transform(R_down, (0.31, 0.15, 0.03))  # the wall at x from 0.30 to 0.32, closed on along x
    found = rate_grasps(geometry, on_wall[None])
    assert found.quality[0] == 0.0 and found.object[0] == -1
    level = transform([[0, 1, 0], [0, 0, -1], [-1, 0, 0]], (0.15, 0.15, 0.035))
    assert rate_grasps(open_table, level[None]).quality[0] > 0.5
    assert rate_grasps(geometry, level[None]).quality[0] == 0.0  # the palm comes through the wall


def test_the_centre_of_mass_of_a_turned_box_is_its_middle(box_model: BoxModel) -> None:
    turned = look_at((0.2, 0.1, 0.2), (0.1, 0.2, 0.03))
    geometry = SceneGeometry([PlacedObject(box_model(SIZE_M), 1.5, turned)])
    assert np.allclose(geometry.coms, turned[:3, 3], atol=1e-9)


def test_a_firm_grip_survives_the_shake_and_the_trial_is_the_benchmarks(box_model: BoxModel) -> None:
    R_down = [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]]
    for rules in (DIALECT_A, DIALECT_B):
        with World(timestep_s=rules.timestep_s, solver_iterations=rules.solver_iterations) as world:
            scene = boxed_scene(box_model(SIZE_M), world)
            state = world.bullet.saveState()
            middle = transform(R_down, (0.15, 0.15, 0.075))
            execution, uid, shaken = try_and_shake(scene, middle, rules)
            world.bullet.restoreState(state)
            assert try_grasp(scene, middle, rules) == (execution, uid)
            assert execution.success and uid in scene.objects and shaken is True
            world.bullet.restoreState(state)
            beside = transform(R_down, (0.05, 0.15, 0.075))
            assert try_and_shake(scene, beside, rules)[1:] == (-1, None)
