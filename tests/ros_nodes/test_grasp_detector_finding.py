"""What the node asks its planner: the same as the benchmark does, on targets, within cones, from clouds, in time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from envs.clutter import DIALECT_A, ClutterSimulation, Observation
from envs.objects import ObjectSet
from geometry import PANDA_HAND, InputError, PinholeCamera, look_at, transform
from perception.grasping import DepthView, Grasps
from ros_nodes.grasp_detector import finding
from ros_nodes.grasp_detector.finding import GraspFinder, Wanted, check_weights, load_finder
from ros_nodes.grasp_detector.look import Place, points_in_workspace, view_of_depth, view_of_points
from ros_nodes.grasp_detector.settings import GraspDetectorSettings

DOWN = np.diag([1.0, -1.0, -1.0])
SMALL = PinholeCamera(width=64, height=48, fx=60.0, fy=60.0, cx=31.5, cy=23.5)
ANYWHERE = GraspDetectorSettings(table="none").place


@pytest.fixture(scope="module")
def observation(box_model: Callable) -> Observation:
    """The benchmark's look at its own scene, noise and all."""
    boxes = ObjectSet("boxes", (box_model((0.03, 0.03, 0.06)), box_model((0.035, 0.03, 0.07))))
    simulation = ClutterSimulation(DIALECT_A, boxes, "packed", np.random.default_rng(0))
    try:
        return simulation.observe()
    finally:
        simulation.close()


@pytest.fixture(scope="module")
def finder() -> GraspFinder:
    return load_finder(None, gripper=PANDA_HAND)


def settings_of(observation: Observation, **changes: object) -> GraspDetectorSettings:
    box = tuple(float(value) for value in observation.workspace.ravel())
    return GraspDetectorSettings(workspace=box, table_height_m=float(observation.table_z_m), **changes)


def look(observation: Observation, place: Place) -> DepthView:
    return view_of_depth(observation.depth_m, observation.camera, observation.T_world_camera, place)


def test_the_benchmark_s_look_gives_the_benchmark_s_grasps_bit_for_bit(
    observation: Observation, finder: GraspFinder
) -> None:
    from graspmimic.planners import NetworkPlanner

    expected = NetworkPlanner()(observation)
    settings = settings_of(observation)
    found = finder.find(look(observation, settings.place), settings.wanted)
    assert len(expected) > 0 and found.detection_ms > 0.0
    for name in ("poses", "widths_m", "scores", "object_ids"):
        assert np.array_equal(getattr(found.grasps, name), getattr(expected, name)), name
    assert settings.gripper == PANDA_HAND


def test_the_cloud_beside_the_grasps_is_the_benchmark_s(observation: Observation) -> None:
    points = points_in_workspace(look(observation, settings_of(observation).place))
    everything = observation.camera.unproject(observation.depth_m).reshape(-1, 3)
    world = everything @ observation.T_world_camera[:3, :3].T + observation.T_world_camera[:3, 3]
    inside = np.all((world >= observation.workspace[0]) & (world <= observation.workspace[1]), axis=1)
    assert 100 < len(points) == inside.sum()
    np.testing.assert_allclose(points, world[inside], atol=1e-6)


def test_a_target_narrows_what_the_network_looks_at(observation: Observation, finder: GraspFinder) -> None:
    settings = settings_of(observation)
    view = look(observation, settings.place)
    best = finder.find(view, settings.wanted).grasps
    point = best.positions[0]
    near = finder.find(view, Wanted(target=point)).grasps
    assert 0 < len(near) and np.linalg.norm(near.positions - point, axis=1).max() < 0.1
    nowhere = finder.find(view, Wanted(target=np.array([0.15, 0.15, 2.0]))).grasps
    assert len(nowhere) == 0 and nowhere.note


def flat_scene() -> DepthView:
    """A camera that looks straight down from 50 cm on a plate, with a block of 4 cm height in its middle."""
    depth = np.full((48, 64), 0.5, dtype=np.float32)
    depth[19:28, 27:36] = 0.46
    return view_of_depth(depth, SMALL, look_at((0.0, 0.0, 0.5), (0.0, 0.0, 0.0), (0.0, 1.0, 0.0)), ANYWHERE)


def planner_of(*grasps: tuple[float, float, float]) -> Callable:
    """A planner that always says the same: grasps from above at places, the better the sooner they are named."""
    poses = np.stack([transform(DOWN, place) for place in grasps])
    scores = np.linspace(0.9, 0.1, len(grasps))
    order = np.argsort(scores)
    return lambda view: SimpleNamespace(poses=poses[order], widths_m=np.full(len(poses), 0.05), scores=scores[order])


def test_any_planner_will_do_and_its_grasps_are_put_in_order() -> None:
    found = GraspFinder(planner_of((0.0, 0.0, 0.02), (0.2, 0.0, 0.02)), gripper=PANDA_HAND)
    grasps = found.find(flat_scene(), Wanted()).grasps
    assert grasps.scores.tolist() == [0.9, 0.1] and grasps.positions[0].tolist() == [0.0, 0.0, 0.02]
    assert len(found.find(flat_scene(), Wanted(top_k=1)).grasps) == 1
    few = found.find(flat_scene(), Wanted(min_score=0.95)).grasps
    assert len(few) == 0 and "0.90, below 0.95" in few.note


@pytest.mark.parametrize("target", [(26.0, 18.0, 36.0, 28.0), (0.0, 0.0, 0.04), "mask"])
def test_of_any_planner_those_are_kept_that_hold_the_target(target: object) -> None:
    mask = np.zeros((48, 64), dtype=bool)
    mask[19:28, 27:36] = True
    found = GraspFinder(planner_of((0.2, 0.0, 0.02), (0.0, 0.0, 0.02)), gripper=PANDA_HAND)
    kept = found.find(flat_scene(), Wanted(target=mask if target == "mask" else np.array(target))).grasps
    assert kept.positions.tolist() == [[0.0, 0.0, 0.02]], "the block in the middle alone"


def test_a_cone_leaves_sideways_grasps_out() -> None:
    side = transform(np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]]), (0.0, 0.0, 0.05))
    both = Grasps(np.stack([side, transform(DOWN)]), np.full(2, 0.05), np.array([0.9, 0.5]))
    found = GraspFinder(lambda view: both, gripper=PANDA_HAND)
    assert len(found.find(flat_scene(), Wanted()).grasps) == 2
    assert found.find(flat_scene(), Wanted(cone_rad=0.5)).grasps.scores.tolist() == [0.5]


def test_images_that_hold_nothing_are_refused_in_one_line() -> None:
    pose = np.eye(4)
    for depth in (np.zeros((48, 64), np.float32), np.full((48, 64), np.nan, np.float32)):
        with pytest.raises(InputError, match="at least 100 pixels with a depth, got 0 of 3072"):
            view_of_depth(depth, SMALL, pose, ANYWHERE)
    with pytest.raises(InputError, match="the 64 x 48 pixels of its CameraInfo, got 32 x 24"):
        view_of_depth(np.ones((24, 32), np.float32), SMALL, pose, ANYWHERE)
    with pytest.raises(InputError, match="at least 100 points"):
        view_of_points(np.empty((0, 3)), pose, ANYWHERE)


def test_a_cloud_is_looked_at_from_its_sensor() -> None:
    rng = np.random.default_rng(0)
    T = transform(DOWN, (0.3, 0.2, 0.7))
    sensor = np.column_stack([rng.uniform(-0.1, 0.1, (5000, 2)), np.full(5000, 0.6)])
    view = view_of_points(sensor, T, ANYWHERE)
    np.testing.assert_allclose(view.T_world_camera[:3, 3], (0.3, 0.2, 0.7))
    assert view.table_z_m == -np.inf and np.array_equal(view.workspace, ANYWHERE.workspace)
    seen = points_in_workspace(view)
    np.testing.assert_allclose(seen[:, 2], 0.1, atol=1e-4)
    assert abs(seen[:, 0].mean() - 0.3) < 0.02 and abs(seen[:, 1].mean() - 0.2) < 0.02


def test_missing_and_damaged_weights_are_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="missing.safetensors and missing.json in .*no such file"):
        check_weights(tmp_path / "missing.safetensors")
    check_weights(None)
    from perception.grasping.network.detector import WEIGHTS

    assert finding._WEIGHTS == WEIGHTS, "named without PyTorch, which takes seconds to load"
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"not a network")
    broken.with_suffix(".json").write_text("{}")
    check_weights(broken)
    with pytest.raises(InputError) as error:
        load_finder(broken, gripper=PANDA_HAND)
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="a device that torch can use"):
        load_finder(None, device="cuda:77", gripper=PANDA_HAND)


def test_settings_make_place_and_hand() -> None:
    settings = GraspDetectorSettings()
    assert settings.gripper == PANDA_HAND and settings.place.table_z_m == 0.0
    assert np.isinf(settings.place.workspace).all()
    assert GraspDetectorSettings(table="find").place.table_z_m is None
    assert GraspDetectorSettings(table="none").place.table_z_m == -np.inf
    box = GraspDetectorSettings(workspace=(0.0, 1.0, 2.0, 3.0, 4.0, 5.0)).place.workspace
    assert box.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    for bad in ((0.0, 0.0, 0.0), (0.0, 1.0, 2.0, 3.0, 1.0, 5.0)):
        with pytest.raises(InputError, match="parameter workspace"):
            GraspDetectorSettings(workspace=bad)
    short = GraspDetectorSettings(finger_depth_m=0.01, finger_thickness_m=0.01, gripper_max_width_m=0.14)
    assert (short.gripper.tip_depth_m, short.gripper.max_width_m) == (0.005, 0.14)
