"""Collectors: the same episodes from one process and from several."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.wrappers import TimeLimit

from geometry import InputError
from policies.demonstrations import Episode
from policies.reinforcement.collector import Exploration, ProcessCollector, SerialCollector
from policies.reinforcement.lean_sac import LeanSAC
from policies.reinforcement.policy_file import TrainedPolicy, policy_of

make_pendulum = partial(gymnasium.make, "Pendulum-v1", max_episode_steps=30)


@pytest.fixture(scope="module")
def policy() -> TrainedPolicy:
    from policies.reinforcement.features import GoalFeatures

    model: Any = LeanSAC(
        "MlpPolicy", gymnasium.make("Pendulum-v1"), seed=4, buffer_size=2, device="cpu",
        policy_kwargs={"net_arch": [16], "features_extractor_class": GoalFeatures},
    )  # fmt: skip
    return policy_of(model, {})


def equal(ours: list[Episode], theirs: list[Episode]) -> bool:
    return len(ours) == len(theirs) and all(
        np.array_equal(a.actions, b.actions)
        and np.array_equal(a.rewards, b.rewards)
        and (a.terminated, a.success) == (b.terminated, b.success)
        and a.observations.keys() == b.observations.keys()
        and all(np.array_equal(a.observations[key], b.observations[key]) for key in a.observations)
        for a, b in zip(ours, theirs, strict=True)
    )


@pytest.mark.slow
def test_processes_play_the_same_episodes(policy: TrainedPolicy) -> None:
    options: dict[str, Any] = {"envs": 3, "seed": 7, "exploration": Exploration(noise=0.2, random_action=0.1)}
    serial = SerialCollector(make_pendulum, policy.record, **options)
    several = ProcessCollector(make_pendulum, policy.record, workers=2, **options)
    try:
        weights = policy.weights()
        for number in range(2):
            ours, theirs = (collector.collect(weights, 200) for collector in (serial, several))
            assert len(ours) == 9 and equal(ours, theirs), "3 x 3 episodes of 30 steps reach 67 steps each"
            weights = {name: table + 0.1 * (number + 1) for name, table in weights.items()}
    finally:
        serial.close()
        several.close()


def test_an_episode_is_what_the_actor_does(policy: TrainedPolicy) -> None:
    still = Exploration(noise=0.0)
    (episode,) = SerialCollector(make_pendulum, policy.record, envs=1, seed=1, exploration=still).collect(
        policy.weights(), 5
    )
    assert episode.actions.shape == (30, 1) and not episode.terminated
    for seen, action in zip(episode.observations["observation"], episode.actions, strict=False):
        np.testing.assert_allclose(action, policy.act(seen), atol=1e-6)
    env = TimeLimit(gymnasium.make("Pendulum-v1").unwrapped, 30)
    env.reset(seed=0)
    env.unwrapped.state = np.array(  # type: ignore[attr-defined]
        [np.arctan2(*episode.observations["observation"][0][[1, 0]]), episode.observations["observation"][0][2]]
    )
    for number, action in enumerate(episode.actions):
        seen, reward, *_ = env.step(action)
        np.testing.assert_allclose(seen, episode.observations["observation"][number + 1], atol=1e-4)
        assert reward == pytest.approx(episode.rewards[number], abs=1e-4)


def test_environments_and_exploration_differ(policy: TrainedPolicy) -> None:
    collector = SerialCollector(make_pendulum, policy.record, envs=2, seed=1, exploration=Exploration(random_action=1))
    first, second, third, fourth = collector.collect(policy.weights(), 120)
    starts = [tuple(each.observations["observation"][0]) for each in (first, second, third, fourth)]
    assert len(set(starts)) == 4
    assert np.abs(first.actions).max() <= 2 and np.std(first.actions) > 0.8, "uniform in -2 to 2"


@pytest.mark.slow
def test_a_failure_in_a_process_is_told(policy: TrainedPolicy) -> None:
    for make, words in ((partial(gymnasium.make, "NoSuch-v0"), "NoSuch"), (partial(os._exit, 9), r"exit codes \[9\]")):
        collector = ProcessCollector(make, policy.record, envs=1, workers=1, seed=0)
        with pytest.raises(RuntimeError, match=words):
            collector.collect(policy.weights(), 1)
        collector.close()


def test_foreign_weights_and_senseless_numbers_are_refused(policy: TrainedPolicy) -> None:
    collector = SerialCollector(make_pendulum, policy.record, envs=1, seed=0)
    with pytest.raises(InputError, match="architecture"):
        collector.collect({"a": np.zeros(3, np.float32)}, 1)
    with pytest.raises(InputError, match="random_action"):
        Exploration(random_action=1.5)
    with pytest.raises(InputError, match="1 worker to as many"):
        ProcessCollector(make_pendulum, policy.record, envs=1, workers=2, seed=0)
