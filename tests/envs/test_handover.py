"""Handover: a hand that moves like a hand, a grip of limited force, and resets that repeat bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from envs.manipulation import ManipulationEnv, Randomization
from envs.manipulation.giver import GRIP_N, Giver, leaning, turned
from envs.manipulation.reaching import ReachingMotion
from envs.manipulation.tasks import Handover, HandoverEnv
from envs.manipulation.tasks.handover import free_end
from geometry import FloatArray
from policies.experts import make_expert

STEPS = 100
STILL = np.zeros(3)


@pytest.fixture
def env() -> Iterator[ManipulationEnv]:
    made = HandoverEnv(reward="dense")
    yield made
    made.close()


def play(env: ManipulationEnv, seed: int, steps: int, *, by_expert: bool) -> FloatArray:
    """(steps, n) what is observed in an episode, and the exact place of the stick."""
    rng, expert, seen = np.random.default_rng(7), make_expert("Handover"), []
    env.reset(seed=seed)
    expert.reset(env)
    for _ in range(steps):
        action = expert.act(env) if by_expert else rng.uniform(-1.0, 1.0, 4)
        observation, reward, *_ = env.step(action)
        seen.append([*observation["observation"], reward, *env.scene.props[0].state.position])
    return np.array(seen)


def task_of(env: ManipulationEnv) -> tuple[Handover, Giver]:
    assert isinstance(env.task, Handover)
    return env.task, env.scene.built


def test_a_reach_from_rest_is_the_minimum_jerk_path() -> None:
    start, goal = np.array([0.5, -0.2, 0.1]), np.array([0.1, 0.1, 0.2])
    motion = ReachingMotion(start, STILL, STILL, STILL)
    motion.go_to(goal, 0.3, 1.2)
    for share in np.linspace(0.0, 1.0, 9):
        position, velocity = motion.at(0.3 + 1.2 * share)
        way = 10 * share**3 - 15 * share**4 + 6 * share**5
        pace = (30 * share**2 - 60 * share**3 + 30 * share**4) / 1.2
        np.testing.assert_allclose(position, start + way * (goal - start), atol=1e-12)
        np.testing.assert_allclose(velocity, pace * (goal - start), atol=1e-12)


def test_a_change_of_mind_is_smooth_and_ends_at_rest() -> None:
    motion = ReachingMotion(np.zeros(3), np.full(3, 0.01), np.array([0.3, 0.5, 0.4]), np.array([0.0, 1.0, 2.0]))
    motion.go_to(np.array([0.4, 0.0, 0.1]), 0.0, 1.0)
    eps = 1e-4
    (p0, v0), (_, v1) = motion.at(0.6), motion.at(0.6 + eps)
    motion.go_to(np.array([0.0, 0.3, 0.2]), 0.6, 0.8)
    (q0, w0), (q1, w1) = motion.at(0.6), motion.at(0.6 + eps)
    np.testing.assert_allclose(np.r_[q0, w0], np.r_[p0, v0], atol=1e-12)
    np.testing.assert_allclose((w1 - w0) / eps, (v1 - v0) / eps, atol=0.02)  # accelerations agree, too
    np.testing.assert_allclose((q1 - q0) / eps, w0, atol=1e-3)  # the velocity is the position's derivative
    end, speed = motion.at(1.4)
    assert np.abs(end - [0.0, 0.3, 0.2]).max() <= 0.01 + 1e-12  # the sway goes on
    assert np.abs(speed).max() <= 0.01 * 2 * np.pi * 0.5 + 1e-12


def test_a_changed_mind_comes_to_rest_without_a_jolt() -> None:
    motion = ReachingMotion(np.zeros(3), STILL, STILL, STILL)
    motion.go_to(np.array([0.4, 0.0, 0.1]), 0.0, 1.0)
    goal = np.array([0.0, 0.3, 0.2])
    motion.go_to(goal, 0.6, 0.8)
    before_s = 1e-3
    place, speed = motion.at(1.4 - before_s)
    np.testing.assert_allclose(place, goal, atol=1e-7)
    assert np.abs(speed / before_s).max() < 0.1  # m/s^2, the last acceleration; on the way it exceeds 3
    np.testing.assert_allclose(motion.at(2.0)[0], goal, atol=1e-12)


def test_leaning_turns_as_rotation_matrices_do() -> None:
    def about(axis: int, angle: float) -> FloatArray:
        c, s = np.cos(angle), np.sin(angle)
        matrix = np.eye(3)
        i, j = (axis + 1) % 3, (axis + 2) % 3
        matrix[i, i], matrix[j, j], matrix[i, j], matrix[j, i] = c, c, -s, s
        return matrix

    vector = np.array([0.3, -0.2, 0.5])
    expected = about(2, 0.5) @ about(1, -0.3) @ about(0, 0.2) @ vector
    np.testing.assert_allclose(turned(leaning(0.5, -0.3, 0.2), vector.tolist()), expected, atol=1e-12)


@pytest.mark.parametrize("by_expert", [False, True])
@pytest.mark.parametrize("steps", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_resets_repeat_bit_for_bit(steps: int, by_expert: bool) -> None:
    one, other = HandoverEnv(reward="dense"), HandoverEnv(reward="dense")
    first = play(one, 5, steps, by_expert=by_expert)
    play(other, 50, STEPS, by_expert=True)
    play(other, 60, 37, by_expert=False)
    assert np.array_equal(first, play(other, 5, steps, by_expert=by_expert))
    assert np.array_equal(first, play(one, 5, steps, by_expert=by_expert))
    assert not np.array_equal(first, play(one, 6, steps, by_expert=by_expert))
    one.close()
    other.close()


def test_the_hand_brings_the_stick_and_keeps_it(env: ManipulationEnv) -> None:
    task, giver = task_of(env)
    for seed in range(10):
        env.reset(seed=seed)
        assert task.giver_m[0] > 0.45
        for _ in range(STEPS):
            *_, info = env.step([-0.2, 0.0, 0.2, 1.0])  # the robot keeps away
            assert giver.slipped_m(task.giver_m.tolist()) < 0.012
            assert np.linalg.norm(np.subtract(free_end(env.scene), task.giver_m)) == pytest.approx(0.135, abs=0.015)
        assert not task.released and not info["success_once"]
        assert -0.02 < task.giver_m[0] < 0.16 and abs(task.giver_m[1]) < 0.16
        assert info["reward/touches the giver"] == 0.0


@pytest.mark.parametrize(("force_n", "torn"), [(0.6 * GRIP_N, False), (2.0 * GRIP_N, True)])
def test_the_grip_holds_up_to_its_force(env: ManipulationEnv, force_n: float, torn: bool) -> None:
    env.reset(seed=0)
    task, giver = task_of(env)
    world, uid = env.scene.world, giver.prop.uid

    def pull() -> None:
        place = world.bullet.getBasePositionAndOrientation(uid)[0]
        world.bullet.applyExternalForce(uid, -1, (0.0, 0.0, force_n), place, world.bullet.WORLD_FRAME)

    for step in range(60):
        world.on_step = pull if step >= 45 else None
        env.step([-0.2, 0.0, 0.2, 1.0])
    assert task.released is torn


def test_an_open_hand_lets_the_stick_fall(env: ManipulationEnv) -> None:
    env.reset(seed=0)
    task, giver = task_of(env)
    giver.let_go()
    stick = giver.prop
    height = stick.state.position[2]
    env.scene.step()
    env.scene.step()
    fallen = height - stick.state.position[2]
    assert fallen == pytest.approx(0.5 * 9.81 * 0.08**2, rel=0.08)  # 20 steps of 4 ms


def test_the_giver_lets_go_after_five_steps_in_the_grasp_and_withdraws(env: ManipulationEnv) -> None:
    env.reset(seed=1)
    (task, _), expert = task_of(env), make_expert("Handover")
    held, names = [], [entry.name for entry in env.state_entries]
    while not task.released:
        held.append(env.scene.held(env.scene.props[0]))
        observation, *_ = env.step(expert.act(env))
    assert held[-5:] == [True] * 5 and not held[-6]
    assert observation["observation"][names.index("giver has let go")] == 1.0
    near = task.giver_m.copy()
    for _ in range(40):
        observation, *_ = env.step(expert.act(env))
    assert task.giver_m[0] > 0.4 > near[0]
    x = names.index("giver position x")
    np.testing.assert_allclose(observation["observation"][x : x + 3], task.giver_m, atol=1e-6)


def test_touching_the_giver_costs(env: ManipulationEnv) -> None:
    env.reset(seed=1)
    task, _ = task_of(env)
    costs = []
    for _ in range(60):  # push the closed fingers into the forearm
        hand = np.array(env.scene.arm.state.position)
        action = np.clip((task.giver_m + [0.09, -0.02, 0.0] - hand) / 0.04, -0.5, 0.5)
        *_, info = env.step([*action, -1.0])
        costs.append(info["reward/touches the giver"])
    assert costs[0] == 0.0 and min(costs) == pytest.approx(-0.2)


def test_one_task_serves_worlds_of_several_sizes() -> None:
    options: dict[str, Any] = {"reward": "dense", "randomization": Randomization(size=(0.85, 1.2), mass=(0.5, 2.0))}
    one, other = HandoverEnv(**options), HandoverEnv(**options)
    sizes = set()
    for seed in range(8):
        first = play(one, seed, 40, by_expert=True)
        task, giver = task_of(one)
        sizes.add(giver.prop.prop.size_m)
        assert giver.slipped_m(task.giver_m.tolist()) < 0.012
        play(other, 7 - seed, 25, by_expert=False)
        assert np.array_equal(first, play(other, seed, 40, by_expert=True))
    assert len(sizes) > 2
    one.close()
    other.close()


def test_the_expert_takes_the_stick_home(env: ManipulationEnv) -> None:
    expert, done, touched = make_expert("Handover"), 0, 0
    for seed in range(12):
        env.reset(seed=seed)
        expert.reset(env)
        for _ in range(STEPS):
            *_, info = env.step(expert.act(env))
            touched += info["reward/touches the giver"] < 0.0
        done += info["is_success"]
    assert done >= 11 and touched <= 2
