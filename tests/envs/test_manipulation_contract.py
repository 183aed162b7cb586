"""What every id promises to Gymnasium, to Stable-Baselines3 and to whoever repeats an experiment."""

from __future__ import annotations

import copy
import itertools
import pickle
import runpy
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec, load_env_creator
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as check_env_for_sb3

import envs  # noqa: F401 - registers the ids
from envs.manipulation import ManipulationEnv
from envs.manipulation.props import UPRIGHT
from envs.manipulation.tasks import Reach
from geometry import InputError

REPOSITORY = Path(__file__).resolve().parents[2]
STEPS = {
    "Detour": 50,
    "Handover": 100,
    "Lift": 50,
    "PickPlace": 50,
    "Push": 50,
    "Reach": 50,
    "Slide": 50,
    "Stack": 100,
    "Stack3": 150,
}
"""Episode lengths as documented."""
IDS = sorted(name for name in gymnasium.registry if name.startswith("graspmimic/"))
ARM_IDS = [name for name in IDS if "ClutterPick" not in name]
GOAL_IDS = [name for name in ARM_IDS if "Lift" not in name]
OBSERVATIONS = ("state", "depth", "rgbd", "pointcloud", "state+depth")
ACTIONS = ("position", "position_yaw", "pose", "joint_velocity", "joint_position")
REWARDS = ("sparse", "dense")
SOME = [(name, OBSERVATIONS[i % 5], ACTIONS[(2 * i + i // 5) % 5], REWARDS[i % 2]) for i, name in enumerate(ARM_IDS)]
"""Every id and every mode at least once."""

pytestmark = pytest.mark.filterwarnings("error")  # gymnasium.logger.warn is a Python warning, too
Make = Callable[..., gymnasium.Env[Any, Any]]


@pytest.fixture
def make() -> Iterator[Make]:
    """Like gymnasium.make, for a task's name or a spec; closes what it made."""
    made: list[gymnasium.Env[Any, Any]] = []

    def make(task: str | EnvSpec, **options: Any) -> gymnasium.Env[Any, Any]:
        known = isinstance(task, EnvSpec) or "/" in task
        made.append(gymnasium.make(task if known else f"graspmimic/{task}-v0", **options))
        return made[-1]

    yield make
    for env in made:
        env.close()


def same(one: Any, other: Any) -> bool:
    """Equal bit for bit, types included."""
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    return type(one) is type(other) and one == other


def play(env: gymnasium.Env[Any, Any], seed: int | None, steps: int, hand: int = 0) -> list[Any]:
    """All that an episode gives out; the hand goes for the first thing on the table and now and then anywhere."""
    rng = np.random.default_rng(hand)
    played: list[Any] = [env.reset(seed=seed)]
    scene = env.unwrapped.scene
    for step in range(steps):
        if step % 6 == 0:
            action = rng.uniform(-1.0, 1.0, env.action_space.shape).astype(np.float32)
        if scene.props and step % 18 < 12:
            way = np.subtract(scene.props[0].state.position, scene.arm.state.position)
            action[:3] = np.clip(way / 0.04, -1.0, 1.0)
        played.append(env.step(action))
    return played


def test_the_ids_are_these_and_their_episodes_end_in_time() -> None:
    assert {gymnasium.spec(name).name: gymnasium.spec(name).max_episode_steps for name in IDS} == {
        **STEPS,
        "ClutterPick": None,
    }


@pytest.mark.parametrize("name", IDS)
def test_the_vector_entry_point_makes_the_same_class(name: str) -> None:
    spec = gymnasium.spec(name)
    assert load_env_creator(spec.vector_entry_point).args == (load_env_creator(spec.entry_point),)


def test_the_tables_in_the_docs_are_those_of_the_environments() -> None:
    tool = runpy.run_path(str(REPOSITORY / "tools" / "env_tables.py"))
    text = tool["DOC"].read_text(encoding="utf-8")
    assert tool["with_tables"](text) == text, "run python tools/env_tables.py --write"


def test_the_example_of_an_own_task_is_short_and_complete(make: Make) -> None:
    path = REPOSITORY / "examples" / "own_task.py"
    assert len(path.read_text(encoding="utf-8").splitlines()) < 100
    own = runpy.run_path(str(path))
    for options in ({}, {"observation": "state+depth", "action": "pose", "reward": "dense"}):
        check_env_for_sb3(make("my/KnockOver-v0", **options).unwrapped)
    env = own["KnockOverEnv"](reward="dense")
    env.reset(seed=0)
    block = env.scene.props[0]
    for quat_xyzw, fallen in ((UPRIGHT, 0.0), (about_x(0.5), 1.0 - np.cos(0.5)), (about_x(1.5), 1.0 - np.cos(1.5))):
        block.place((0.1, 0.1, 0.2), quat_xyzw)
        env.scene.sense()
        assert env.task.scene_terms[1].value(env.scene) == pytest.approx(fallen)
        assert env.task.succeeded(env.scene, None) is bool(fallen > 0.5)
    env.close()


def about_x(angle_rad: float) -> tuple[float, float, float, float]:
    return float(np.sin(angle_rad / 2)), 0.0, 0.0, float(np.cos(angle_rad / 2))


def test_make_vec_takes_the_id_as_it_is(make: Make) -> None:
    vector = gymnasium.make_vec("graspmimic/Push-v0", num_envs=4, workers=0, action="pose")
    observation, _ = vector.reset(seed=3)
    assert observation["observation"].shape[0] == 4 and vector.action_space.shape == (4, 6)
    single, _ = make("Push", action="pose").reset(seed=4)
    assert same(single["desired_goal"], observation["desired_goal"][1])
    for _ in range(STEPS["Push"]):
        *_, truncated, _ = vector.step(np.zeros((4, 6), dtype=np.float32))
    vector.close()
    assert truncated.all()


def test_importing_the_floor_brings_neither_physics_nor_cameras() -> None:
    heavy = ("pybullet", "open3d", "scipy", "matplotlib", "torch")
    code = f"import sys, envs; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
    code = "import envs, gymnasium as g; g.make('graspmimic/PickPlace-v0').reset()\n" + code.replace("'pybullet', ", "")
    code = code.replace("'scipy', ", "")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def checked(make: Make, name: str, observation: str, action: str, reward: str) -> None:
    env = make(name, observation=observation, action=action, reward=reward).unwrapped
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env)
        check_env_for_sb3(env)


@pytest.mark.parametrize(("name", "observation", "action", "reward"), SOME)
def test_checkers_have_nothing_to_say(make: Make, name: str, observation: str, action: str, reward: str) -> None:
    checked(make, name, observation, action, reward)


@pytest.mark.slow
@pytest.mark.parametrize("name", ARM_IDS)
def test_checkers_have_nothing_to_say_in_any_mode(make: Make, name: str) -> None:
    for modes in itertools.product(OBSERVATIONS, ACTIONS, REWARDS):
        checked(make, name, *modes)


def twins_agree(make: Make, name: str, steps: int, **options: Any) -> None:
    """Episodes of one seed are equal; the second environment plays others before and in between."""
    one, other = make(name, **options), make(name, **options)
    length = gymnasium.spec(f"graspmimic/{name}-v0").max_episode_steps
    assert length is not None
    for number in range(steps // length):
        for between in range(1 + number % 3):
            play(other, None if between else 1000 + number, 3 + 5 * between, hand=99 + number)
        first, second = play(one, number, length, hand=number), play(other, number, length, hand=number)
        assert same(first, second), f"episode {number}"
        assert same(one.reset(), other.reset()), "the stream of random numbers went on differently"


@pytest.mark.parametrize("name", ["Push", "Handover"])
def test_one_seed_gives_the_same_thousand_steps(make: Make, name: str) -> None:
    twins_agree(make, name, 1000)


def test_images_and_clouds_repeat_too(make: Make) -> None:
    twins_agree(make, "PickPlace", 100, observation="rgbd+pointcloud", reward="dense", action="position_yaw")


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(STEPS))
@pytest.mark.parametrize("observation", OBSERVATIONS)
def test_one_seed_gives_the_same_thousand_steps_in_any_mode(make: Make, name: str, observation: str) -> None:
    twins_agree(make, name, 1000, observation=observation, reward="dense", action="pose")


def test_the_hands_of_these_tests_do_touch_things(make: Make) -> None:
    """Else repeating would be no feat."""
    env = make("Push")
    moved = []
    for seed in range(5):
        start = play(env, seed, 50, hand=seed)[0][0]["achieved_goal"]
        moved.append(np.linalg.norm(env.unwrapped.scene.props[0].state.position - start) > 0.01)
    assert all(moved)


@pytest.mark.parametrize("name", ["Reach", "Stack", "Handover"])
def test_a_pickled_environment_is_made_anew(make: Make, name: str) -> None:
    env = make(name, reward="dense", action="pose")
    play(env, 5, 7)
    for copied in (pickle.loads(pickle.dumps(env)), copy.deepcopy(env)):
        assert copied.spec == env.spec
        assert same(play(copied, 11, 20), play(env, 11, 20))
        copied.close()


def test_an_environment_of_the_base_class_pickles() -> None:
    env = pickle.loads(pickle.dumps(ManipulationEnv(Reach(), action="pose")))
    assert env.action_space.shape == (6,) and isinstance(env.task, Reach)


def test_a_spec_makes_the_same_environment(make: Make) -> None:
    env = make("PickPlace", observation="depth", action="pose", reward="dense")
    expected = play(env, 2, 5)
    for spec in (env.spec, EnvSpec.from_json(env.spec.to_json())):
        assert spec == env.spec
        assert same(play(make(spec), 2, 5), expected)


def test_closing_twice_is_harmless(make: Make) -> None:
    for env in (make("Reach", render_mode="rgb_array"), make("Lift", observation="depth")):
        env.reset(seed=0)
        env.close()
        env.close()


@pytest.mark.parametrize("name", ["Reach", "Stack3"])
def test_an_episode_is_truncated_after_its_steps_and_never_terminated(make: Make, name: str) -> None:
    env = make(name)
    flags = [step[2:4] for step in play(env, 0, STEPS[name])[1:]]
    assert flags == [(False, False)] * (STEPS[name] - 1) + [(False, True)]


@pytest.mark.parametrize("reward", REWARDS)
@pytest.mark.parametrize("name", GOAL_IDS)
def test_compute_reward_gives_the_reward_of_the_step_one_by_one_and_in_batches(
    make: Make, name: str, reward: str
) -> None:
    env = make(name, reward=reward)
    played = play(env, 4, 24)[1:]
    achieved, desired = (np.stack([s[0][key] for s in played]) for key in ("achieved_goal", "desired_goal"))
    rewards, infos = np.array([s[1] for s in played]), np.array([s[4] for s in played])
    compute = env.unwrapped.compute_reward
    assert [compute(a, d, i) for a, d, i in zip(achieved, desired, infos, strict=True)] == rewards.tolist()
    batch = compute(achieved, desired, infos)
    assert batch.dtype == np.float32 and batch.shape == (24,)
    np.testing.assert_array_equal(batch, rewards.astype(np.float32))
    terms = [sum(value for key, value in info.items() if key.startswith("reward/")) for info in infos]
    np.testing.assert_allclose(terms, rewards, atol=1e-6)
    if reward == "sparse":
        assert compute(achieved.reshape(2, 12, -1), desired.reshape(2, 12, -1), {}).shape == (2, 12)
        assert (compute(desired, desired, {}) == 0.0).all() and (compute(achieved, achieved, {}) == 0.0).all()
        assert (compute(desired + 0.2, desired, {}) == -1.0).all()


def test_only_tasks_with_a_goal_have_compute_reward(make: Make) -> None:
    assert not hasattr(make("Lift").unwrapped, "compute_reward")
    assert hasattr(make("Reach").unwrapped, "compute_reward")


def test_a_dense_reward_says_what_it_lacks_when_infos_are_left_out(make: Make) -> None:
    compute = make("Push", reward="dense").unwrapped.compute_reward
    with pytest.raises(InputError, match="copy_info_dict=True"):
        compute(np.zeros((2, 3)), np.zeros((2, 3)), [{}, {}])


def test_success_is_as_things_stand_and_success_once_remembers(make: Make) -> None:
    env = make("Reach")
    observation, info = env.reset(seed=1)
    assert info == {"is_success": False, "success_once": False}
    seen = []
    for step in range(30):
        way = observation["desired_goal"] - observation["achieved_goal"]
        way = way if step < 15 else np.array([0.0, 0.0, 1.0]) if way[2] < 0 else np.array([0.0, 0.0, -1.0])
        observation, reward, _, _, info = env.step(np.clip(way / 0.04, -1.0, 1.0).astype(np.float32))
        assert info["is_success"] is (reward == 0.0)
        seen.append((info["is_success"], info["success_once"]))
    assert seen[0] == (False, False) and seen[14] == (True, True) and seen[-1] == (False, True)
    assert env.reset()[1] == {"is_success": False, "success_once": False}


def test_render_modes(make: Make) -> None:
    still, silent, window = (make("Push", render_mode=m).unwrapped for m in ("rgb_array", None, "human"))
    for env in (still, silent, window):
        env.reset(seed=0)
    picture = still.render()
    assert picture.shape == (360, 480, 3) and picture.dtype == np.uint8 and picture.std() > 10
    assert window.render() is None
    with pytest.warns(UserWarning, match="render_mode='rgb_array'"):
        assert silent.render() is None


@pytest.mark.parametrize(
    "options",
    [
        {"observation": "lidar"},
        {"observation": "state+state"},
        {"observation": "depth+rgbd"},
        {"observation": ""},
        {"action": "torque"},
        {"reward": "shaped"},
        {"render_mode": "ascii"},
    ],
    ids=lambda options: "{}={!r}".format(*next(iter(options.items()))),
)
def test_a_wrong_option_is_named_in_one_line(options: dict[str, str]) -> None:
    (name,) = options
    with pytest.raises(InputError, match=name) as caught:
        ManipulationEnv(Reach(), **options)
    assert "\n" not in str(caught.value) and "expected" in str(caught.value)


@pytest.mark.parametrize("action", [[0.0, np.nan, 0.0], [0.0, np.inf, 0.0], [0.0] * 4, [[0.0] * 3], 0.0])
def test_a_wrong_action_is_refused_in_one_line_and_moves_nothing(make: Make, action: Any) -> None:
    env = make("Reach").unwrapped
    env.reset(seed=0)
    before = env.scene.arm.state
    with pytest.raises(InputError, match="3 finite numbers") as caught:
        env.step(np.array(action))
    assert "\n" not in str(caught.value) and env.scene.arm.sense() == before


def test_actions_beyond_the_space_are_cut_off(make: Make) -> None:
    one, other = make("Reach").unwrapped, make("Reach").unwrapped
    one.reset(seed=0), other.reset(seed=0)
    assert same(one.step(np.array([7.0, -3.0, 0.5])), other.step(np.array([1.0, -1.0, 0.5])))


@pytest.mark.parametrize("name", ["PickPlace", "Lift"])
def test_reset_without_a_seed_goes_on_and_does_not_depend_on_the_steps(make: Make, name: str) -> None:
    one, other = make(name), make(name)
    first = [play(one, 8, 0)[0], play(one, None, 0)[0], play(one, None, 0)[0]]
    second = [play(other, 8, 13)[0], play(other, None, 4)[0], play(other, None, 0)[0]]
    assert same(first, second)
    assert not same(first[0], first[1]) and not same(first[1], first[2])
