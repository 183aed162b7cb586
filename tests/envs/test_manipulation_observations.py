"""What policies see, against geometry worked out by hand."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import envs  # noqa: F401 - registers the ids
from envs.manipulation import ManipulationEnv
from envs.manipulation.camera_settings import CameraSettings
from geometry import InputError

pytestmark = pytest.mark.filterwarnings("error")
Make = Callable[..., ManipulationEnv]
HALF_EDGE_M = 0.02
MODES = ("state", "depth", "rgb", "rgbd", "pointcloud", "state+depth", "state+rgbd+pointcloud")


@pytest.fixture
def make() -> Iterator[Make]:
    """An environment of a task without its wrappers; closes what it made."""
    made: list[Any] = []

    def make(task: str = "PickPlace", **options: Any) -> ManipulationEnv:
        made.append(gymnasium.make(f"graspmimic/{task}-v0", **options))
        return made[-1].unwrapped

    yield make
    for env in made:
        env.close()


def looking_down_a_slope(**options: Any) -> CameraSettings:
    """A camera whose middle pixel meets the table after 0.5 m: 0.3 m sideways and 0.4 m down."""
    return CameraSettings(width=65, height=65, eye_m=(0.2, 0.5, 0.4), target_m=(0.2, 0.2, 0.0), **options)


def cloud_of(env: ManipulationEnv, columns: int = 3, seed: int = 0, steps: int = 0) -> np.ndarray:
    observation, _ = env.reset(seed=seed)
    for _ in range(steps):
        observation = env.step(env.action_space.sample())[0]
    return observation["pointcloud"].reshape(-1, columns)


def from_cubes_surface(env: ManipulationEnv, points: np.ndarray) -> np.ndarray:
    """(N,) distance of points to the surface of the first prop, a cube of 4 cm, from where Bullet says it is."""
    position, quat = env.scene.world.bullet.getBasePositionAndOrientation(env.scene.props[0].uid)
    inside = np.abs(Rotation.from_quat(quat).inv().apply(points - np.array(position)))
    beyond = np.linalg.norm(np.maximum(inside - HALF_EDGE_M, 0.0), axis=1)
    return np.where(beyond > 0.0, beyond, HALF_EDGE_M - inside.max(axis=1))


def test_the_tables_depth_is_the_length_of_the_ray(make: Make) -> None:
    image = make(observation="depth", camera=looking_down_a_slope(metres=True)).reset(seed=0)[0]["depth"]
    assert image.dtype == np.float32 and image.shape == (1, 65, 65)
    assert image[0, 32, 32] == pytest.approx(0.5, abs=1e-5)


def test_bytes_of_depth_count_from_near_to_far(make: Make) -> None:
    settings = looking_down_a_slope()
    image = make(observation="depth", camera=settings).reset(seed=0)[0]["depth"]
    assert image.dtype == np.uint8
    assert image[0, 32, 32] == 22  # 1 + 254 * (0.5 - 0.4) / (1.6 - 0.4) = 22.2
    depth = np.array([0.0, 0.4, 1.0, 1.6], np.float32)
    assert settings.depth_in_bytes(depth).tolist() == [0, 1, 128, 255]
    assert np.abs(settings.depth_in_metres(settings.depth_in_bytes(depth)) - depth).max() < 0.0024


def test_bytes_are_the_metres_within_half_a_step(make: Make) -> None:
    fine = make(observation="depth", camera=CameraSettings(metres=True)).reset(seed=3)[0]["depth"]
    coarse = make(observation="depth").reset(seed=3)[0]["depth"]
    assert np.array_equal(coarse == 0, fine == 0.0) and (fine == 0.0).any() and (fine > 0.0).mean() > 0.5
    assert np.abs(CameraSettings().depth_in_metres(coarse) - fine).max() < 0.5 * 1.2 / 254 + 1e-5


def test_the_clouds_points_lie_on_the_cube(make: Make) -> None:
    env = make(observation="pointcloud", action="position_yaw")
    for seed in range(4):
        points = cloud_of(env, seed=seed)
        assert points.shape == (512, 3) and points.dtype == np.float32
        assert len(np.unique(points, axis=0)) >= 8
        assert from_cubes_surface(env, points).max() < 1e-4


def test_the_robots_points_are_there_only_if_kept(make: Make) -> None:
    without = make(observation="pointcloud")
    kept = make(observation="pointcloud", camera=CameraSettings(keep_robot=True))
    points = cloud_of(kept)
    robots = from_cubes_surface(kept, points) > 1e-3
    assert 0.2 < robots.mean() < 1.0
    hand = np.array(kept.scene.arm.state.position)
    assert np.linalg.norm(points[robots] - hand, axis=1).min() < 0.05
    assert points[robots, 2].min() > 0.15  # the hand waits 0.2 m above the table
    assert (from_cubes_surface(without, cloud_of(without)) < 1e-3).all()


def test_a_lower_corner_below_the_table_keeps_the_table(make: Make) -> None:
    settings = CameraSettings(lower_m=(-0.35, -0.4, -0.01))
    env = make(observation="pointcloud", camera=settings)
    points = cloud_of(env)
    on_table = np.abs(points[:, 2]) < 1e-4
    assert on_table.mean() > 0.8 and ((on_table) | (from_cubes_surface(env, points) < 1e-3)).all()
    assert len(np.unique(points, axis=0)) == 512  # enough pixels: none is taken twice


def test_every_pixel_is_there_before_any_is_there_twice(make: Make) -> None:
    few, many = (cloud_of(make(observation="pointcloud", camera=CameraSettings(points=n))) for n in (64, 2000))
    assert {tuple(p) for p in few} == {tuple(p) for p in many}
    assert few.shape == (64, 3) and many.shape == (2000, 3)


def test_a_cloud_of_nothing_is_zeros(make: Make) -> None:
    nowhere = CameraSettings(lower_m=(0.0, 0.0, 0.5), upper_m=(0.1, 0.1, 0.6))
    env = make(observation="pointcloud", camera=nowhere)
    observation, _ = env.reset(seed=0)
    assert not observation["pointcloud"].any() and observation in env.observation_space


def test_points_may_carry_colour(make: Make) -> None:
    points = cloud_of(make(observation="pointcloud", camera=CameraSettings(points_rgb=True)), columns=6)
    assert points.shape == (512, 6)
    red, green, blue = points[:, 3:].T
    assert (red > 2.0 * green).all() and (red > 2.0 * blue).all() and 0.3 < red.max() <= 1.0


def test_the_cube_is_red_where_the_camera_sees_it(make: Make) -> None:
    env = make(observation="rgb")
    for seed in range(4):
        image = env.reset(seed=seed)[0]["rgb"]
        assert image.shape == (3, 64, 64) and image.dtype == np.uint8
        settings = CameraSettings()
        forward = np.subtract(settings.target_m, settings.eye_m)
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, (0.0, 0.0, 1.0))
        right /= np.linalg.norm(right)
        to_cube = np.subtract(env.scene.props[0].state.position, settings.eye_m)
        focal = 32.0 / np.tan(0.34)
        column = 31.5 + focal * (to_cube @ right) / (to_cube @ forward)
        row = 31.5 + focal * (to_cube @ np.cross(forward, right)) / (to_cube @ forward)
        red, green, blue = image[:, round(row), round(column)].tolist()
        assert red > 2 * green and red > 2 * blue


@pytest.mark.parametrize(
    ("task", "low", "high"),
    [("PickPlace", (-0.15, -0.15, 0.0), (0.15, 0.15, 0.22)), ("Slide", (-0.15, -0.12, 0.0), (0.42, 0.12, 0.05))],
)
def test_the_tasks_camera_sees_the_whole_region_of_the_task(
    make: Make, task: str, low: tuple[float, ...], high: tuple[float, ...]
) -> None:
    settings = make(task).task.camera
    corners = np.array([(x, y, z) for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])
    T = settings.T_world_camera
    pixels = settings.intrinsics().project((corners - T[:3, 3]) @ T[:3, :3])
    assert pixels.min() > -0.5 and pixels.max() < 63.5


@pytest.mark.parametrize(("task", "closed"), [("PickPlace", False), ("Push", True)])
def test_without_state_the_vector_is_what_the_arm_itself_knows(make: Make, task: str, closed: bool) -> None:
    env = make(task, observation="depth")
    vector = env.reset(seed=0)[0]["observation"]
    assert len(vector) == len(env.state_entries) == (6 if closed else 7)
    assert all(entry.name.startswith(("hand", "gripper")) for entry in env.state_entries)
    full = make(task).reset(seed=0)[0]["observation"]
    assert np.array_equal(vector, full[: len(vector)]) and len(full) > len(vector)


def test_mixtures_hold_the_parts(make: Make) -> None:
    mixed = make(observation="state+rgbd+pointcloud").reset(seed=5)[0]
    assert set(mixed) == {"observation", "rgb", "depth", "pointcloud", "achieved_goal", "desired_goal"}
    for mode, keys in (
        ("state", ["observation"]),
        ("rgb", ["rgb"]),
        ("depth", ["depth"]),
        ("pointcloud", ["pointcloud"]),
    ):
        alone = make(observation=mode).reset(seed=5)[0]
        assert all(np.array_equal(alone[key], mixed[key]) for key in [*keys, "achieved_goal", "desired_goal"])


@pytest.mark.parametrize("task", ["Lift", "Reach", "Stack"])
def test_observations_lie_in_their_space(make: Make, task: str) -> None:
    for mode in MODES:
        env = make(task, observation=mode)
        observation, _ = env.reset(seed=1)
        assert observation in env.observation_space, mode
        for _ in range(5):
            assert env.step(env.action_space.sample())[0] in env.observation_space, mode


def test_a_seed_gives_the_same_episodes_in_every_mode(make: Make) -> None:
    goals = []
    for mode in MODES:
        env = make(observation=mode)
        first = env.reset(seed=9)[0]["desired_goal"]
        env.step(env.action_space.sample())
        goals.append(np.concatenate([first, env.reset()[0]["desired_goal"], env.reset()[0]["desired_goal"]]))
    assert all(np.array_equal(goals[0], other) for other in goals[1:])


def test_observations_stay_what_they_were(make: Make) -> None:
    env = make(observation="state+rgbd+pointcloud", camera=CameraSettings(metres=True))
    observation, _ = env.reset(seed=0)
    before = {key: value.copy() for key, value in observation.items()}
    for _ in range(8):
        env.step(np.array([1.0, 1.0, -1.0, -1.0]))
    env.reset()
    assert all(np.array_equal(before[key], observation[key]) for key in before)


def test_achieved_goal_beside_images_is_where_the_cube_is(make: Make) -> None:
    env = make(observation="rgbd")
    observation, _ = env.reset(seed=2)
    np.testing.assert_allclose(observation["achieved_goal"], env.scene.props[0].state.position, atol=1e-6)


def test_an_environment_with_a_camera_of_its_own_pickles(make: Make) -> None:
    env = make(observation="pointcloud", camera=CameraSettings(points=40, keep_robot=True))
    again = pickle.loads(pickle.dumps(env))
    assert np.array_equal(cloud_of(env, seed=4), cloud_of(again, seed=4))
    again.close()


@pytest.mark.parametrize("observation", ["", "video", "state+state", "rgb+rgbd", "depth+"])
def test_unknown_and_repeated_parts_are_refused(make: Make, observation: str) -> None:
    with pytest.raises(InputError, match="state, depth, rgb, rgbd, pointcloud"):
        make(observation=observation)


@pytest.mark.parametrize(
    "wrong",
    [{"width": 0}, {"points": 0}, {"field_of_view_rad": 3.2}, {"near_m": 2.0}, {"lower_m": (1.0, 0.0, 0.0)}],
)
def test_wrong_cameras_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="CameraSettings"):
        CameraSettings(**wrong)
