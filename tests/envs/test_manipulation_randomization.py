"""Domain randomisation: what Bullet says after many episodes, delays to the step, faults by their statistics."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest

import envs  # noqa: F401 - registers the ids
from envs.manipulation import SIM_TO_REAL, CameraSettings, ManipulationEnv, Randomization
from envs.manipulation.delays import DelayLine
from geometry import InputError

Make = Callable[..., ManipulationEnv]
pytestmark = pytest.mark.filterwarnings("error")
METRES = CameraSettings(metres=True)


@pytest.fixture
def make() -> Iterator[Make]:
    """An environment of a task without its wrappers; closes what it made."""
    made: list[Any] = []

    def make(task: str = "PickPlace", randomization: Randomization | None = None, **options: Any) -> ManipulationEnv:
        made.append(gymnasium.make(f"graspmimic/{task}-v0", randomization=randomization, **options))
        return made[-1].unwrapped

    yield make
    for env in made:
        env.close()


def dynamics(env: ManipulationEnv, prop: int = 0) -> tuple[float, float, tuple[float, ...]]:
    """Mass, lateral friction and moments of inertia, from Bullet."""
    info = env.scene.world.bullet.getDynamicsInfo(env.scene.props[prop].uid, -1)
    return info[0], info[1], info[2]


def colour(env: ManipulationEnv, uid: int) -> np.ndarray:
    return np.array(env.scene.world.bullet.getVisualShapeData(uid)[0][7])


def readings(env: ManipulationEnv, actions: np.ndarray, seed: int = 0) -> list[Any]:
    """Every observation of an episode."""
    return [env.reset(seed=seed)[0], *(env.step(action)[0] for action in actions)]


def actions_for(env: ManipulationEnv, count: int) -> np.ndarray:
    return np.random.default_rng(5).uniform(-1.0, 1.0, (count, *env.action_space.shape))


def test_masses_and_frictions_are_the_default_times_a_factor_however_many_episodes(make: Make) -> None:
    env = make("Push", Randomization(mass=(0.5, 2.0), friction=(0.8, 1.5)))
    found = []
    for seed in range(40):
        env.reset(seed=seed)
        mass, friction, inertia = dynamics(env)
        assert inertia == pytest.approx([mass * 0.04**2 / 6.0] * 3, rel=1e-6)
        found.append((mass / 0.3, friction / 1.0))
    mass, friction = np.array(found).T
    assert 0.5 <= mass.min() < 0.6 and 1.7 < mass.max() <= 2.0
    assert 0.8 <= friction.min() < 0.88 and 1.38 < friction.max() <= 1.5
    env.reset(seed=3)
    assert dynamics(env)[0] / 0.3 == mass[3]


def test_every_prop_has_its_own_factors(make: Make) -> None:
    env = make("Stack", Randomization(mass=(0.5, 2.0)))
    env.reset(seed=0)
    assert dynamics(env, 0)[0] != dynamics(env, 1)[0]
    assert dynamics(env, 0)[1] == dynamics(env, 1)[1] == 1.0


def test_factors_are_even_in_the_logarithm() -> None:
    rng = np.random.default_rng(0)
    draws = [Randomization(mass=(0.5, 2.0), action_delay=(1, 3)).draw(rng, 2) for _ in range(2000)]
    logs = np.log2([mass for draw in draws for mass in draw.masses])
    assert abs(logs.mean()) < 0.05 and logs.std() == pytest.approx(2.0 / np.sqrt(12.0), rel=0.05)
    assert -1.0 <= logs.min() and logs.max() <= 1.0
    counts = np.bincount([draw.action_delay for draw in draws])
    assert len(counts) == 4 and counts[0] == 0 and counts[1:].min() > 590


def test_nothing_varies_unless_asked() -> None:
    draw = Randomization().draw(np.random.default_rng(0), 2)
    assert {draw.ambient, draw.field_of_view, draw.action_gain, *draw.masses, *draw.frictions} == {1.0}
    assert draw.size == draw.action_delay == draw.observation_delay == 0
    for zeros in (draw.light_turn_rad, draw.camera_shift_m, draw.camera_turn_rad, draw.colors, draw.biases_m):
        assert not np.any(zeros)


def test_a_field_does_not_change_what_is_drawn_for_the_others() -> None:
    light, heavy = (Randomization(mass=m, color=0.3).draw(np.random.default_rng(1), 1) for m in ((1, 2), (2, 5)))
    assert light.colors == heavy.colors and light.masses != heavy.masses


def test_randomisation_that_varies_nothing_changes_nothing(make: Make) -> None:
    plain, varied = make(), make(randomization=Randomization())
    actions = actions_for(plain, 30)
    for one, other in zip(readings(plain, actions), readings(varied, actions), strict=True):
        assert all(np.array_equal(one[key], other[key]) for key in one)


def test_sizes_are_worlds_of_their_own_where_things_rest_on_the_table(make: Make) -> None:
    env = make("Stack", Randomization(size=(0.8, 1.25), size_variants=3))
    edges, worlds = set(), set()
    for seed in range(12):
        env.reset(seed=seed)
        edge = env.scene.world.bullet.getVisualShapeData(env.scene.props[0].uid)[0][3][0]
        edges.add(round(edge, 6))
        worlds.add(id(env.scene))
        assert env.scene.props[0].state.position[2] == pytest.approx(0.5 * edge)
        assert env.task.goal[[2, 5]] == pytest.approx([0.5 * edge, 1.5 * edge])
        for _ in range(5):
            env.step([0.0, 0.0, 0.0, 1.0])
        assert env.scene.props[0].state.position[2] == pytest.approx(0.5 * edge, abs=5e-4)
    assert edges == {0.032, 0.04, 0.05} and len(worlds) == 3


def test_colours_stay_near_their_default_and_are_seen(make: Make) -> None:
    env = make(randomization=Randomization(color=0.1), observation="rgb")
    images, props, tables = [], [], []
    for seed in range(20):
        images.append(env.reset(seed=seed)[0]["rgb"][:, 60, 5])
        props.append(colour(env, env.scene.props[0].uid))
        tables.append(colour(env, env.scene.table.uid))
    for found, default in ((props, (0.85, 0.25, 0.2, 1.0)), (tables, (0.80, 0.78, 0.74, 1.0))):
        change = np.array(found) - default
        assert np.abs(change).max() <= 0.1 + 1e-6 and not change[:, 3].any()
        assert change[:, :3].min() < -0.06 and change[:, :3].max() > 0.06
    assert np.ptp(images, axis=0).min() > 20


def test_light_and_camera_vary_the_image(make: Make) -> None:
    for varied in (
        Randomization(ambient=(0.5, 0.6)),
        Randomization(light_turn_rad=0.5),
        Randomization(camera_shift_m=0.05),
        Randomization(camera_turn_rad=0.05),
        Randomization(field_of_view=(0.7, 0.95)),
    ):
        plain = make("Reach", observation="rgb").reset(seed=0)[0]["rgb"]
        env = make("Reach", varied, observation="rgb")
        first, again, other = (env.reset(seed=seed)[0]["rgb"] for seed in (0, 0, 1))
        assert np.array_equal(first, again)
        assert (first != plain).mean() > 0.02 and (first != other).any(), varied  # the robot starts the same


def test_the_field_of_view_is_its_default_times_the_factor(make: Make) -> None:
    """A camera that looks straight down from 1 m sees 2 tan(fov / 2) m of the table, whose edge is at y = 0.7 m."""
    down = CameraSettings(
        metres=True, eye_m=(-0.3, 0.5, 1.0), target_m=(-0.3, 0.50001, 0.0), field_of_view_rad=0.8, keep_robot=True
    )
    for factor in (0.75, 1.0, 1.1):
        env = make("Reach", Randomization(field_of_view=(factor, factor)), observation="depth", camera=down)
        column = env.reset(seed=0)[0]["depth"][0, :, 32]
        table = np.flatnonzero(np.abs(column - 1.0) < 1e-3)
        edge = 31.5 - 0.2 * 32.0 / np.tan(0.4 * factor)
        assert table[0] == np.ceil(max(edge, 0.0)) and table[-1] == 63


@pytest.mark.parametrize("task", ["PickPlace", "Reach"])
def test_an_action_takes_effect_that_many_steps_later(make: Make, task: str) -> None:
    prompt, late = make(task), make(task, Randomization(action_delay=(3, 3)))
    actions = actions_for(prompt, 12)
    waiting = np.zeros((3, actions.shape[1]))
    waiting[:, 3:] = 1.0  # the gripper stays open
    expected = readings(prompt, np.concatenate([waiting, actions]))
    found = readings(late, np.concatenate([actions, waiting]))
    for one, other in zip(expected, found, strict=True):
        assert np.array_equal(one["observation"], other["observation"])


def test_an_impulse_moves_the_hand_in_the_step_after_its_delay(make: Make) -> None:
    env = make("Reach", Randomization(action_delay=(2, 2)))
    x = [o["observation"][0] for o in readings(env, np.array([[1.0, 0, 0], *np.zeros((5, 3))]))]
    moved = np.abs(np.diff(x)) > 0.005
    assert not moved[:2].any() and moved[2]


def test_the_gain_scales_how_far_the_arm_goes_and_not_the_gripper(make: Make) -> None:
    plain, weak = make(), make(randomization=Randomization(action_gain=(0.5, 0.5)))
    actions = actions_for(plain, 10)
    halved = actions * np.array([0.5, 0.5, 0.5, 1.0])
    for one, other in zip(readings(plain, halved), readings(weak, actions), strict=True):
        assert np.array_equal(one["observation"], other["observation"])


def test_observations_are_late_and_goals_are_not(make: Make) -> None:
    prompt = make(observation="state+depth")
    late = make(randomization=Randomization(observation_delay=(2, 2)), observation="state+depth")
    actions = actions_for(prompt, 10)
    now, then = readings(prompt, actions), readings(late, actions)
    for step in range(len(now)):
        for key in ("observation", "depth"):
            assert np.array_equal(then[step][key], now[max(step - 2, 0)][key])
        assert np.array_equal(then[step]["achieved_goal"], now[step]["achieved_goal"])
    assert not np.array_equal(now[-1]["depth"], now[-3]["depth"])
    then[0]["observation"][:] = 7.0
    assert not (then[1]["observation"] == 7.0).any()  # handed out twice, but not the same array


def test_noise_strikes_what_is_perceived_with_its_size_and_consistently(make: Make) -> None:
    faults = Randomization(position_noise_m=0.004, rotation_noise=0.03, velocity_noise=0.05)
    env, clean = make("PickPlace", faults), make("PickPlace")
    still = np.tile([0.0, 0.0, 0.0, 1.0], (400, 1))
    noisy = np.array([o["observation"] for o in readings(env, still)], dtype=np.float64)
    true = np.array([o["observation"] for o in readings(clean, still)], dtype=np.float64)
    names = [entry.name for entry in env.state_entries]
    error = {name: (noisy - true)[:, i] for i, name in enumerate(names)}
    assert not any(error[name].any() for name in names if name.startswith(("hand", "gripper")))
    for axis in "xy":
        assert error[f"cube position {axis}"].std() == pytest.approx(0.004, rel=0.15)
        from_hand = names.index(f"cube from the hand {axis}")
        entry = env.state_entries[from_hand]
        inside = (np.abs(noisy[:, from_hand]) < entry.high - 1e-6) & (np.abs(true[:, from_hand]) < entry.high - 1e-6)
        gap = error[entry.name] - error[f"cube position {axis}"]
        assert inside.sum() > 100 and np.abs(gap[inside]).max() < 1e-6  # beyond the entry's range it is cut off
        assert error[f"cube velocity {axis}"].std() == pytest.approx(0.05, rel=0.15)
        assert abs(error[f"cube position {axis}"].mean()) < 0.001
    assert error["cube R10"].std() == pytest.approx(0.03, rel=0.15)


def test_a_bias_stays_for_an_episode(make: Make) -> None:
    env, clean = make("Push", Randomization(position_bias_m=0.01)), make("Push")
    biases = []
    for seed in range(20):
        still = np.zeros((3, 3))
        difference = [
            one["observation"][6:9] - other["observation"][6:9]
            for one, other in zip(readings(env, still, seed), readings(clean, still, seed), strict=True)
        ]
        assert np.ptp(np.array(difference)[:, :2], axis=0).max() < 1e-6
        biases.append(difference[0][:2])
    assert np.abs(biases).max() <= 0.01 + 1e-6 and np.min(biases) < -0.007 and np.max(biases) > 0.007


def test_stuck_readings_and_dropped_frames_come_as_often_as_said(make: Make) -> None:
    env = make(randomization=Randomization(stuck=0.3, dropped_frames=0.5), observation="state+depth")
    seen = readings(env, np.random.default_rng(0).uniform(-1.0, 1.0, (400, 4)))
    for key, share in (("observation", 0.3), ("depth", 0.5)):
        repeated = [np.array_equal(a[key], b[key]) for a, b in zip(seen, seen[1:], strict=False)]
        assert np.mean(repeated) == pytest.approx(share, abs=0.08)


def test_depth_noise_grows_with_the_square_of_the_depth(make: Make) -> None:
    noisy = make("Reach", Randomization(depth_noise_m=0.01), observation="depth", camera=METRES)
    clean = make("Reach", observation="depth", camera=METRES)
    still = np.zeros((40, 3))
    true, measured = (np.array([o["depth"] for o in readings(env, still)]) for env in (clean, noisy))
    seen = (true > 0.45) & (true < 1.5) & (measured > 0.0)
    scaled = (measured[seen] - true[seen]) / true[seen] ** 2
    near = true[seen] < np.median(true[seen])
    assert scaled[near].std() == pytest.approx(0.01, rel=0.05)
    assert scaled[~near].std() == pytest.approx(0.01, rel=0.05)


def test_holes_take_their_share_of_the_image(make: Make) -> None:
    env = make("Reach", Randomization(depth_holes=0.2), observation="depth")
    true = make("Reach", observation="depth").reset(seed=0)[0]["depth"] > 0
    shares = [1.0 - (env.reset(seed=seed)[0]["depth"] > 0)[true].mean() for seed in range(20)]
    assert np.mean(shares) == pytest.approx(0.2, abs=0.02)


def test_a_moved_camera_moves_the_cloud_for_the_robot_does_not_know(make: Make) -> None:
    """All of the table is in the cloud here: a camera that stands higher or lower by h sees it lower or higher by h."""
    above = CameraSettings(eye_m=(0.0, 0.5, 0.8), target_m=(0.0, 0.5001, 0.0), lower_m=(-1.0, -1.0, -0.1))
    env = make("Reach", Randomization(camera_shift_m=0.03), observation="pointcloud", camera=above)
    heights = np.array([np.median(env.reset(seed=seed)[0]["pointcloud"].reshape(-1, 3)[:, 2]) for seed in range(30)])
    assert np.abs(heights).max() <= 0.0301 and heights.min() < -0.02 and heights.max() > 0.02


def test_a_seed_gives_the_same_goals_with_and_without_randomisation(make: Make) -> None:
    goals = []
    for randomization in (None, Randomization(mass=(0.5, 2.0), stuck=0.5), Randomization(action_delay=(0, 3))):
        env = make("PickPlace", randomization)
        first = env.reset(seed=4)[0]["desired_goal"]
        env.step([0.0] * 4)
        goals.append([first.tolist(), env.reset()[0]["desired_goal"].tolist()])
    assert goals[0] == goals[1] == goals[2]


@pytest.mark.parametrize("mode", ["state", "rgbd+pointcloud"])
def test_all_of_it_repeats_with_other_episodes_in_between(make: Make, mode: str) -> None:
    one, other = (make("Push", SIM_TO_REAL, observation=mode) for _ in range(2))
    for seed in range(4):
        actions = np.random.default_rng(seed).uniform(-1.0, 1.0, (50, 3))
        actions[:, 2] -= 0.3
        expected = readings(one, actions, seed)
        readings(other, actions[: 7 * seed], seed + 100)
        other.reset()
        for a, b in zip(expected, readings(other, actions, seed), strict=True):
            assert all(np.array_equal(a[key], b[key]) for key in a)


@pytest.mark.slow
@pytest.mark.parametrize("task", ["PickPlace", "Stack", "Slide", "Handover"])
def test_a_thousand_steps_of_all_of_it_repeat_in_every_task(make: Make, task: str) -> None:
    one, other = (make(task, SIM_TO_REAL, observation="state+rgbd+pointcloud") for _ in range(2))
    for seed in range(20):
        actions = np.random.default_rng(seed).uniform(-1.0, 1.0, (50, 4))[:, : one.action_space.shape[0]]
        expected = readings(one, actions, seed)
        readings(other, actions[: 2 * seed], seed + 100)
        for a, b in zip(expected, readings(other, actions, seed), strict=True):
            assert all(np.array_equal(a[key], b[key]) for key in a)


def test_the_reward_is_that_of_the_goals_in_the_observation(make: Make) -> None:
    env = make("Push", SIM_TO_REAL, observation="state+depth", reward="dense")
    env.reset(seed=0)
    for action in actions_for(env, 10):
        observation, reward, _, _, info = env.step(action)
        assert reward == env.compute_reward(observation["achieved_goal"], observation["desired_goal"], info)


def test_it_pickles(make: Make) -> None:
    env = make("Push", SIM_TO_REAL)
    again = pickle.loads(pickle.dumps(env))
    assert np.array_equal(env.reset(seed=1)[0]["observation"], again.reset(seed=1)[0]["observation"])
    again.close()


def test_a_delay_line_gives_what_was_pushed_before() -> None:
    assert [DelayLine(0, 9).push(n) for n in (1, 2)] == [1, 2]
    line = DelayLine(2, 9)
    assert [line.push(n) for n in (1, 2, 3, 4)] == [9, 9, 1, 2]


@pytest.mark.parametrize(
    "wrong",
    [
        {"mass": (0.0, 1.0)},
        {"friction": (2.0, 1.0)},
        {"size": (0.5, np.inf)},
        {"size": (0.5, 1.0), "size_variants": 1},
        {"action_delay": (0.5, 1)},
        {"observation_delay": (-1, 0)},
        {"position_noise_m": -0.1},
        {"stuck": 1.5},
        {"depth_noise_m": np.nan},
    ],
)
def test_wrong_ranges_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="Randomization"):
        Randomization(**wrong)
