"""Each task by hand: who succeeds, what counts, what is paid, how episodes begin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from envs.manipulation import ManipulationEnv
from envs.manipulation.tasks import LiftEnv, PickPlaceEnv, PushEnv, ReachEnv, Stack3Env, StackEnv
from policies.experts import make_expert

STEPS = {"Stack": 100}
ENVS: dict[str, type[ManipulationEnv]] = {
    "Reach": ReachEnv,
    "Push": PushEnv,
    "PickPlace": PickPlaceEnv,
    "Lift": LiftEnv,
    "Stack": StackEnv,
}


def begun(make: Any, **options: Any) -> ManipulationEnv:
    env = make(**options)
    env.reset(seed=0)
    return env


def step(env: ManipulationEnv, action: Any = None) -> tuple[float, dict[str, Any]]:
    """One step, still by default and with the fingers open."""
    still = np.zeros(env.action_space.shape)
    if action is None and not env.task.closed:
        still[-1] = 1.0
    _, reward, _, _, info = env.step(still if action is None else action)
    return reward, info


def put(env: ManipulationEnv, *places_m: tuple[float, float, float]) -> None:
    for prop, place in zip(env.scene.props, places_m, strict=True):
        prop.place(place)
    env.scene.sense()


@pytest.mark.parametrize("task", ENVS)
def test_scripted_experts_succeed(task: str) -> None:
    env, expert = ENVS[task](), make_expert(task)
    done = 0
    for seed in range(20):
        env.reset(seed=seed)
        expert.reset(env)
        for _ in range(STEPS.get(task, 50)):
            *_, info = env.step(expert.act(env))
        done += info["is_success"]
    env.close()
    assert done >= 19


@pytest.mark.parametrize("make", [PushEnv, PickPlaceEnv])
@pytest.mark.parametrize(("aside_m", "counts"), [(0.049, True), (0.051, False)])
def test_within_five_centimetres_counts(make: Any, aside_m: float, counts: bool) -> None:
    env = begun(make)
    env.task.goal[:] = (0.1, 0.05, 0.02)
    put(env, (0.1 - 0.6 * aside_m, 0.05 + 0.8 * aside_m, 0.02))
    reward, info = step(env)
    env.close()
    assert info["is_success"] is counts and reward == (0.0 if counts else -1.0)


@pytest.mark.parametrize(("aside_m", "counts"), [(0.0, True), (0.029, True), (0.031, False), (0.06, False)])
def test_a_tower_stands_only_with_both_cubes_within_three_centimetres(aside_m: float, counts: bool) -> None:
    """Panda-gym's distance of all six numbers together would count a cube that lies 4.5 cm beside the first."""
    env = begun(StackEnv)
    env.task.goal[:] = (0.1, 0.05, 0.02, 0.1, 0.05, 0.06)
    height = 0.06 if aside_m < 0.05 else 0.02
    put(env, (0.1, 0.05, 0.02), (0.1 + aside_m, 0.05, height))
    achieved = np.array(env.task.achieved(env.scene))
    assert bool(env.task.reached(achieved, env.task.goal)) is counts
    if aside_m in (0.0, 0.06):  # those stand by themselves
        assert step(env)[1]["is_success"] is counts
    env.close()


def test_a_tower_of_three_needs_every_cube() -> None:
    env = begun(Stack3Env)
    tower = np.array((0.1, 0.05, 0.02, 0.1, 0.05, 0.06, 0.1, 0.05, 0.10))
    env.task.goal[:] = tower
    put(env, *map(tuple, tower.reshape(3, 3)))
    assert step(env)[1]["is_success"] is True
    for number in range(3):
        short = tower.copy()
        short[3 * number + 1] += 0.031
        assert not env.task.reached(short, tower)
    assert not env.task.reached(np.roll(tower, 3), tower), "the order of the cubes matters"
    assert env.task.reached(np.stack([tower, short]), np.stack([tower, tower])).tolist() == [True, False]
    env.close()


def test_lift_needs_height_and_fingers() -> None:
    env = begun(LiftEnv)
    cube = env.scene.props[0]
    for height, held, counts in ((0.121, True, True), (0.119, True, False), (0.2, False, False)):
        cube.place((0.0, 0.0, height))
        env.scene.sense()
        env.scene.held = lambda prop, held=held: held  # type: ignore[method-assign]
        assert env.task.succeeded(env.scene, np.zeros(0)) is counts
    del env.scene.held
    expert = make_expert("Lift")
    env.reset(seed=3)
    for _ in range(50):
        reward, info = step(env, expert.act(env))
    assert info["is_success"] and cube.state.position[2] > 0.12
    for _ in range(12):  # let go
        reward, info = step(env)
    env.close()
    assert not info["is_success"] and info["success_once"] and cube.state.position[2] < 0.03


def test_dense_rewards_of_push_by_hand() -> None:
    env = begun(PushEnv, reward="dense")
    env.task.goal[:] = (0.0, 0.1, 0.02)
    put(env, (0.12, 0.1, 0.02))
    reward, info = step(env)
    hand = np.linalg.norm(np.subtract(env.scene.arm.state.position, (0.12, 0.1, 0.02)))
    expected = {
        "reward/cube near goal": 0.5 * (1.0 - 0.5370496),  # tanh(0.12 / 0.2)
        "reward/cube at goal": 0.0,
        "reward/hand near cube": 0.2 * (1.0 - np.tanh(hand / 0.1)),
        "reward/time": -1.0,
    }
    assert {key: info[key] for key in info if key.startswith("reward/")} == pytest.approx(expected, abs=2e-4)
    assert reward == pytest.approx(sum(expected.values()), abs=4e-4)
    put(env, (0.03, 0.1, 0.02))
    assert step(env)[1]["reward/cube at goal"] == pytest.approx(0.3)
    env.close()


def test_the_dense_reward_of_reach_is_minus_the_distance() -> None:
    env = begun(ReachEnv, reward="dense")
    env.task.goal[:] = np.add(env.scene.arm.state.position, (0.03, 0.0, -0.04))
    assert step(env)[0] == pytest.approx(-0.05, abs=1e-3)
    env.close()


def test_holding_pays() -> None:
    env = begun(PickPlaceEnv, reward="dense")
    expert = make_expert("PickPlace")
    grasped = [step(env, expert.act(env))[1]["reward/grasped"] for _ in range(40)]
    env.close()
    assert grasped[0] == 0.0 and set(grasped) == {0.0, 0.2}


def starts(make: Any, count: int = 300, **options: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions of the props (count, P, 3), their angles (count, P), and goals (count, G)."""
    env = make(**options)
    env.reset(seed=12)
    positions, yaws, goals = [], [], []
    for _ in range(count):
        env.reset()
        states = [prop.state for prop in env.scene.props]
        positions.append([state.position for state in states])
        yaws.append([2.0 * np.arctan2(s.quat_xyzw[2], s.quat_xyzw[3]) for s in states])
        goals.append(env.task.goal.copy())
    env.close()
    return np.array(positions), np.array(yaws), np.array(goals)


def fills(values: np.ndarray, low: Any, high: Any) -> bool:
    """Whether values (N, n) lie within a box and reach near all of its sides."""
    low, high = np.asarray(low, dtype=float), np.asarray(high, dtype=float)
    slack = 0.05 * (high - low)
    inside = (values >= low - 1e-6).all() and (values <= high + 1e-6).all()
    return bool(inside and (values.min(0) <= low + slack).all() and (values.max(0) >= high - slack).all())


def test_reach_begins_anywhere_in_its_box() -> None:
    assert fills(starts(ReachEnv)[2], (-0.15, -0.15, 0.02), (0.15, 0.15, 0.32))


@pytest.mark.parametrize("make", [PushEnv, PickPlaceEnv, LiftEnv])
def test_cubes_begin_on_their_square(make: Any) -> None:
    positions, yaws, goals = starts(make)
    assert fills(positions[:, 0, :2], (-0.15, -0.15), (0.15, 0.15))
    np.testing.assert_allclose(positions[:, 0, 2], 0.02, atol=1e-6)
    assert not yaws.any()
    if make is PushEnv:
        assert fills(goals[:, :2], (-0.15, -0.15), (0.15, 0.15)) and np.allclose(goals[:, 2], 0.02)
    if make is PickPlaceEnv:
        assert fills(goals, (-0.15, -0.15, 0.02), (0.15, 0.15, 0.22))
        assert 0.22 < np.isclose(goals[:, 2], 0.02, atol=1e-6).mean() < 0.38  # 3 in 10, within three deviations


def test_cubes_are_turned_where_the_hand_can_turn() -> None:
    _, yaws, _ = starts(LiftEnv, 100, action="position_yaw")
    assert fills(yaws, [-np.pi / 4], [np.pi / 4])


@pytest.mark.parametrize("make", [StackEnv, Stack3Env])
def test_no_cube_of_a_tower_begins_near_another_or_in_the_towers_place(make: Any) -> None:
    positions, _, goals = starts(make)
    cubes = positions.shape[1]
    tower = goals.reshape(-1, cubes, 3)
    np.testing.assert_allclose(tower[:, :, 2], np.tile(0.02 + 0.04 * np.arange(cubes), (300, 1)), atol=1e-6)
    assert (np.ptp(tower[..., :2], axis=1) == 0.0).all()
    spots = np.concatenate([positions[..., :2], tower[:, :1, :2]], axis=1)
    apart = np.linalg.norm(spots[:, :, None] - spots[:, None], axis=-1)[(slice(None), *np.triu_indices(cubes + 1, 1))]
    assert 0.08 < apart.min() < 0.09
    assert fills(spots.reshape(-1, 2), (-0.15, -0.15), (0.15, 0.15))
