"""Slide: the puck obeys friction, its goals are out of reach, and a strike is what sends it there."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

from envs.manipulation import ManipulationEnv
from envs.manipulation.tasks import SlideEnv
from policies.experts import make_expert

FRICTION = 0.045
STEPS = 50


@pytest.fixture
def env() -> Iterator[ManipulationEnv]:
    made = SlideEnv()
    yield made
    made.close()


@pytest.mark.parametrize("angle_deg", [0.0, 30.0, 45.0, 80.0])
@pytest.mark.parametrize(("spin_rad_s", "stray_deg"), [(0.0, 1.5), (2.0, 3.0)])  # it stands on four points, so it curls
def test_a_sliding_puck_stops_where_friction_says(
    env: ManipulationEnv, angle_deg: float, spin_rad_s: float, stray_deg: float
) -> None:
    env.reset(seed=0)
    puck, angle, speed = env.scene.props[0], math.radians(angle_deg), 0.6
    puck.place((-0.1, 0.05, 0.012))
    env.scene.step()
    velocity = (speed * math.cos(angle), speed * math.sin(angle), 0.0)
    env.scene.world.bullet.resetBaseVelocity(puck.uid, velocity, (0.0, 0.0, spin_rad_s))
    start, heights = np.array(puck.sense().position), []
    for _ in range(STEPS):
        env.scene.step()
        heights.append(puck.state.position[2])
    way = np.array(puck.state.position) - start
    expected = speed**2 / (2.0 * FRICTION * 9.81)  # 0.408 m; spinning makes it a little longer
    assert np.linalg.norm(puck.state.velocity) < 1e-3
    assert np.linalg.norm(way) == pytest.approx(expected, rel=0.04)
    assert math.degrees(math.atan2(way[1], way[0])) == pytest.approx(angle_deg, abs=stray_deg)
    assert np.ptp(heights) < 2e-4  # neither sinks in nor wobbles


def test_goals_cannot_be_reached_by_pushing(env: ManipulationEnv) -> None:
    hand_ends, finger, radius, tolerance = 0.22, 0.0105, 0.03, 0.05
    pushed_m = hand_ends + finger + radius
    for seed in range(200):
        observation, info = env.reset(seed=seed)
        x, y, z = observation["desired_goal"]
        assert not info["is_success"]
        assert pushed_m < x - tolerance and x < 0.7 and abs(y) < 0.6 and z == pytest.approx(0.012)


def test_a_strike_hands_over_the_speed_of_the_hand(env: ManipulationEnv) -> None:
    env.reset(seed=0)
    puck = env.scene.props[0]
    puck.place((-0.1, 0.0, 0.012))
    fastest_hand = fastest_puck = 0.0
    for _ in range(20):
        hand = env.scene.arm.state.position
        env.step(np.clip([(-0.2 - hand[0]) / 0.04, -hand[1] / 0.04, (0.012 - hand[2]) / 0.04], -0.5, 0.5))
    for _ in range(6):
        env.step([0.5, 0.0, 0.0])
        fastest_hand = max(fastest_hand, env.scene.arm.state.velocity[0])
        fastest_puck = max(fastest_puck, puck.state.velocity[0])
    assert fastest_hand == pytest.approx(0.5, abs=0.1)
    assert fastest_puck == pytest.approx(fastest_hand, rel=0.1)


def test_a_hand_at_rest_leaves_the_puck_where_it_is(env: ManipulationEnv) -> None:
    observation, _ = env.reset(seed=3)
    for _ in range(STEPS):
        last, *_, info = env.step(np.zeros(3))
    assert last["achieved_goal"] == pytest.approx(observation["achieved_goal"], abs=1e-4)
    assert not info["success_once"]


def test_the_expert_strikes_well(env: ManipulationEnv) -> None:
    expert, done = make_expert("Slide"), 0
    for seed in range(20):
        env.reset(seed=seed)
        expert.reset(env)
        for _ in range(STEPS):
            *_, info = env.step(expert.act(env))
        done += info["is_success"]
    assert done >= 18
