"""Detour: both ways are open, the straight one is not, a touch is remembered, and the side is told."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

from envs.manipulation.tasks import Detour, DetourEnv
from policies.experts import make_expert

STEPS = 50
FINGERS_HALF_M, PILLAR_RADIUS_M = 0.023, 0.06


@pytest.fixture
def env() -> Iterator[DetourEnv]:
    made = DetourEnv()
    yield made
    made.close()


def led(env: DetourEnv, points: list[tuple[float, float]]) -> dict[str, object]:
    """Lead the fingertips along points (x, y), each for some steps; the last step's info."""
    info: dict[str, object] = {}
    for x, y in points:
        for _ in range(12):
            hand = env.scene.arm.state.position
            way = np.array([x - hand[0], y - hand[1], 0.035 - hand[2]]) / 0.04
            *_, info = env.step(np.clip(way, -0.6, 0.6))
    return info


def placed(env: DetourEnv) -> tuple[float, float]:
    """Put pillar and goal in one line ahead of the hand; where the pillar's middle is."""
    env.reset(seed=0)
    env.scene.props[0].place((0.0, 0.0, 0.03))
    env.scene.sense()
    env.task.goal[:] = (0.16, 0.0, 0.035, 0.0)
    return 0.0, 0.0


@pytest.mark.parametrize(("side", "name"), [(1, "left"), (-1, "right")])
def test_either_way_leads_to_the_goal(env: DetourEnv, side: int, name: str) -> None:
    placed(env)
    y = side * 0.13
    info = led(env, [(-0.13, y), (0.0, y), (0.16, y), (0.16, 0.0)])
    assert info["is_success"] is True and info["touched"] is False and info["side"] == side, name


def test_the_straight_way_ends_at_the_pillar(env: DetourEnv) -> None:
    placed(env)
    info = led(env, [(0.16, 0.0)] * 3)
    assert info["touched"] is True and info["is_success"] is False and info["side"] == 0
    assert env.scene.arm.state.position[0] < -PILLAR_RADIUS_M + 0.02


def test_whoever_has_touched_has_failed_even_at_the_goal(env: DetourEnv) -> None:
    placed(env)
    info = led(env, [(0.0, 0.0), (-0.13, 0.0), (-0.13, 0.14), (0.16, 0.14), (0.16, 0.0)])
    assert math.dist(env.scene.arm.state.position, (0.16, 0.0, 0.035)) < 0.05
    assert info["touched"] is True and info["is_success"] is False and info["success_once"] is False
    assert info["side"] == 1
    _, info = env.reset(seed=1)
    assert info == {"is_success": False, "success_once": False, "touched": False, "side": 0}


def test_nearer_than_half_a_centimetre_is_a_touch(env: DetourEnv) -> None:
    for gap_m, touched in ((0.009, False), (0.002, True)):
        placed(env)
        y = PILLAR_RADIUS_M + FINGERS_HALF_M + gap_m
        led(env, [(-0.13, y)])
        led(env, [(0.0, y)] * 2)
        hand = env.scene.arm.state.position
        assert hand == pytest.approx((0.0, y, 0.035), abs=0.003)
        assert isinstance(env.task, Detour) and env.task.touched is touched, gap_m


def test_hindsight_takes_no_touched_way_for_a_clean_one() -> None:
    task, at = Detour(), [0.16, 0.0, 0.035]
    assert task.reached(np.array([*at, 0.0]), np.array([*at, 0.0]))
    assert not task.reached(np.array([*at, 1.0]), np.array([*at, 0.0]))
    assert not task.reached(np.array([0.10, 0.0, 0.035, 0.0]), np.array([*at, 0.0]))
    batch = task.reached(np.array([[*at, 0.0], [*at, 1.0]]), np.array([*at, 0.0]))
    assert batch.tolist() == [True, False]


def test_both_ways_are_about_equally_long_and_within_reach(env: DetourEnv) -> None:
    for seed in range(100):
        observation, info = env.reset(seed=seed)
        (px, py, _), goal = env.scene.props[0].state.position, observation["desired_goal"]
        hand = observation["achieved_goal"]
        assert not info["is_success"] and abs(py) <= 0.02 and abs(goal[1]) <= 0.03 and goal[3] == 0.0
        assert goal[0] - px > PILLAR_RADIUS_M + 0.05 and px - hand[0] > PILLAR_RADIUS_M + 0.05
        lengths = []
        for side in (-1, 1):
            corner = (px, py + side * (PILLAR_RADIUS_M + FINGERS_HALF_M))
            lengths.append(math.dist(hand[:2], corner) + math.dist(corner, goal[:2]))
        assert abs(lengths[0] - lengths[1]) < 0.08


def test_the_expert_goes_by_either_side_wherever_the_pillar_stands(env: DetourEnv) -> None:
    expert, sides, offsets = make_expert("Detour"), [], []
    for seed in range(60):
        env.reset(seed=seed)
        expert.reset(env)
        offsets.append(env.scene.props[0].state.position[1])
        for _ in range(STEPS):
            *_, info = env.step(expert.act(env))
        assert info["is_success"] and not info["touched"], seed
        sides.append(info["side"])
    left = np.array(sides) == 1
    assert 18 <= left.sum() <= 42  # three deviations about half of 60
    for near in (np.array(offsets) < -0.007, np.array(offsets) > 0.007):  # where one way is the shorter
        assert 0.15 < left[near].mean() < 0.85


def test_the_experts_side_follows_from_the_seed_and_takes_nothing_from_the_stream(env: DetourEnv) -> None:
    def side(seed: int) -> int:
        env.reset(seed=seed)
        expert = make_expert("Detour")
        expert.reset(env)
        return int(expert.side)  # type: ignore[attr-defined]

    forwards, backwards = [side(seed) for seed in range(20)], [side(seed) for seed in reversed(range(20))]
    assert forwards == backwards[::-1] and set(forwards) == {1, -1}
    env.reset(seed=3)
    expected = env.np_random.random()
    side(3)
    assert env.np_random.random() == expected


def test_the_expert_goes_on_by_the_side_to_which_a_hand_has_swerved(env: DetourEnv) -> None:
    expert = make_expert("Detour")
    for y in (0.08, -0.08):
        for seed in range(6):
            env.reset(seed=seed)
            led(env, [(-0.1, y)])
            expert.reset(env)
            for _ in range(STEPS - 12):
                *_, info = env.step(expert.act(env))
            assert info["side"] == np.sign(y) and info["is_success"]
