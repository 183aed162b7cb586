"""Hindsight replay: what is drawn, how often, and with which goal."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3 import HerReplayBuffer
from stable_baselines3.common.vec_env import DummyVecEnv

from geometry import InputError
from policies.reinforcement.goal_replay import GoalReplay

BOX = spaces.Box(-1e6, 1e6, (1,), np.float32)
SPACE = spaces.Dict(observation=BOX, achieved_goal=BOX, desired_goal=BOX)


class Equal(gymnasium.Env):  # type: ignore[type-arg]
    observation_space, action_space = SPACE, spaces.Box(-1, 1, (1,), np.float32)

    def compute_reward(self, achieved: Any, desired: Any, info: Any) -> Any:
        return -(achieved[..., 0] != desired[..., 0]).astype(np.float32)


def filled(kind: type, size: int, steps: int, length: int = 7, envs: int = 2) -> Any:
    """A buffer with `steps` numbered steps of each of two environments; step t of environment e achieves 1000 e + t."""
    vector = DummyVecEnv([Equal] * envs)
    buffer = kind(size * envs, SPACE, Equal.action_space, env=vector, device="cpu", n_envs=envs)
    for step in range(steps):
        at = np.array([[1000.0 * env + step] for env in range(envs)], dtype=np.float32)
        seen = {"observation": at, "achieved_goal": at - 1, "desired_goal": at * 0 - 1}
        after = {"observation": at + 1, "achieved_goal": at, "desired_goal": at * 0 - 1}
        done = np.full(envs, step % length == length - 1)
        infos = [{"TimeLimit.truncated": bool(end)} for end in done]
        buffer.add(seen, after, np.zeros((envs, 1)), np.full(envs, -1.0), done, infos)
    return buffer


@pytest.mark.parametrize("steps", [20, 40, 60])
def test_every_transition_of_a_finished_episode_is_drawn_as_often_as_another(steps: int) -> None:
    ours, theirs = (filled(kind, 40, steps) for kind in (GoalReplay, HerReplayBuffer))
    wanted = set(np.unique(theirs.sample(20_000).observations["observation"].numpy()))
    values, counts = np.unique(ours.sample(40_000).observations["observation"].numpy(), return_counts=True)
    assert set(values) == wanted
    expected = 40_000 / len(wanted)
    assert np.abs(counts - expected).max() < 5 * np.sqrt(expected)


def test_goals_come_from_the_same_episode_and_not_from_before() -> None:
    drawn = filled(GoalReplay, 50, 49).sample(5000)
    assert (drawn.rewards[:1000] == -1).all(), "a fifth keeps its own goal"
    step, goal = (drawn.observations[key][1000:, 0].numpy().astype(int) for key in ("observation", "desired_goal"))
    assert (goal >= step).all() and (goal // 1000 == step // 1000).all()
    assert (goal % 1000 // 7 == step % 1000 // 7).all()
    np.testing.assert_array_equal(drawn.rewards[1000:, 0].numpy(), -(goal != step).astype(np.float32))
    assert (drawn.dones == 0).all(), "a time limit is no end"


def test_sparse_finished_episodes_are_found() -> None:
    buffer = filled(GoalReplay, 200, 150, length=149)
    buffer.ep_length[1:] = 0
    assert set(buffer.sample(64).observations["observation"].numpy().ravel()) == {0.0, 1000.0}


def test_no_finished_episode_is_said() -> None:
    with pytest.raises(InputError, match="learning_starts"):
        filled(GoalReplay, 50, 5).sample(4)
