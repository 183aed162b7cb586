"""The adapter against Stable-Baselines3's own DummyVecEnv, and under its learners."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.wrappers import TimeLimit
from stable_baselines3 import PPO, SAC, HerReplayBuffer
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor, VecNormalize

from envs.vector import SharedMemoryVectorEnv
from geometry import InputError
from policies.reinforcement.sb3_vec_env import SB3VecEnv


def slider(limit: int = 6) -> Callable[[], gymnasium.Env[Any, Any]]:
    """Makes a point that is pushed to a goal; it ends (terminated) beyond 1.5, and at the limit (truncated)."""

    class Slider(gymnasium.Env[Any, Any]):
        metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012
        render_mode = "rgb_array"
        near_m = 0.1

        def __init__(self) -> None:
            point = spaces.Box(-10.0, 10.0, (2,), np.float32)
            self.observation_space = spaces.Dict({"observation": point, "achieved_goal": point, "desired_goal": point})
            self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)

        def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
            super().reset(seed=seed)
            self.place = np.full(2, (options or {}).get("place", 0.0), np.float32)
            self.goal = self.np_random.uniform(-1.0, 1.0, 2).astype(np.float32)
            return self._observation(), {"is_success": False, "goal_x": float(self.goal[0])}

        def step(self, action: Any) -> Any:
            self.place = self.place + np.float32(0.5) * action
            reward = float(self.compute_reward(self.place, self.goal, {}))
            over = bool(np.abs(self.place).max() > 1.5)
            info = {"is_success": reward == 0.0, "success_once": reward == 0.0, "parts": {"near": reward}}
            return self._observation(), reward, over, False, info

        def compute_reward(self, achieved: Any, desired: Any, info: Any) -> Any:
            return (np.linalg.norm(achieved - desired, axis=-1) < self.near_m).astype(np.float32) - 1.0

        def render(self) -> Any:
            return np.full((4, 4, 3), 7, dtype=np.uint8)

        def _observation(self) -> Any:
            return {"observation": self.place, "achieved_goal": self.place, "desired_goal": self.goal}

    return lambda: TimeLimit(Slider(), limit)


@pytest.fixture(params=[0, 2], ids=["serial", "two workers"])
def env(request: pytest.FixtureRequest) -> Iterator[SB3VecEnv]:
    made = SB3VecEnv(SharedMemoryVectorEnv([slider()] * 3, workers=request.param))
    yield made
    made.close()
    made.close()


def test_it_steps_as_dummy_vec_env_does(env: SB3VecEnv) -> None:
    theirs = DummyVecEnv([slider()] * 3)
    assert (env.observation_space, env.action_space) == (theirs.observation_space, theirs.action_space)
    assert env.seed(5) == theirs.seed(5)
    first, wanted_first = env.reset(), theirs.reset()
    assert isinstance(first, dict) and isinstance(wanted_first, dict)
    np.testing.assert_equal(first, dict(wanted_first))
    assert env.reset_infos == theirs.reset_infos
    rng, ends = np.random.default_rng(1), set()
    for _ in range(40):
        actions = rng.uniform(-1.0, 1.0, (3, 2)).astype(np.float32)
        mine, wanted = env.step(actions), theirs.step(actions)
        np.testing.assert_equal(mine[0], dict(wanted[0]))  # type: ignore[call-overload]
        for number in (1, 2):
            np.testing.assert_array_equal(mine[number], wanted[number])
            assert mine[number].dtype == wanted[number].dtype  # type: ignore[union-attr]
        for over, info, full in zip(wanted[2], mine[3], wanted[3], strict=True):
            assert isinstance(info["TimeLimit.truncated"], bool)
            if over:
                np.testing.assert_equal(info, full)
                ends.add(info["TimeLimit.truncated"])
            else:
                assert info == {key: full[key] for key in ("is_success", "success_once", "TimeLimit.truncated")}
        assert env.reset_infos == theirs.reset_infos
    assert ends == {True, False}, "both ends of episodes must have been seen"
    assert env._seeds == [None] * 3, "a seed is used once"


def test_rewards_of_other_goals_cost_no_word_with_the_workers(env: SB3VecEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    env.reset()
    env.set_attr("near_m", 0.5)
    monkeypatch.setattr(env.vector_env, "call", lambda *_, **__: pytest.fail("asked the workers"))
    achieved, desired = np.zeros((4, 2)), np.array([[0.1, 0.1], [0.4, 0.2], [0.4, 0.4], [2.0, 0.0]])
    rewards = env.env_method("compute_reward", achieved, desired, [{}] * 4, indices=[0])
    assert len(rewards) == 1
    np.testing.assert_array_equal(rewards[0], [0.0, 0.0, -1.0, -1.0])


def test_attributes_options_and_wrappers(env: SB3VecEnv) -> None:
    env.set_options({"place": 0.25})
    observation = env.reset()
    assert isinstance(observation, dict)
    np.testing.assert_array_equal(observation["observation"], np.full((3, 2), 0.25))
    assert env.get_attr("near_m", [1]) == [0.1]
    env.set_attr("near_m", 0.3, 1)
    assert env.get_attr("near_m") == [0.1, 0.3, 0.1]
    assert env.has_attr("compute_reward") and not env.has_attr("action_masks")
    with pytest.raises(AttributeError, match="action_masks"):
        env.get_attr("action_masks")
    assert env.env_is_wrapped(TimeLimit) == [True] * 3
    assert env.env_is_wrapped(Monitor, 0) == [False]
    picture = env.render("rgb_array")
    assert picture is not None and picture.shape == (8, 8, 3) and picture.max() == 7
    env.set_options([{"place": 1.0}, {}, {}])
    with pytest.raises(InputError, match="same options"):
        env.reset()


def test_sac_with_hindsight_learns_from_it(env: SB3VecEnv) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = SAC(
            "MultiInputPolicy", VecNormalize(VecMonitor(env), norm_reward=False), learning_starts=60, batch_size=32,
            replay_buffer_class=HerReplayBuffer, policy_kwargs={"net_arch": [16]}, seed=0,
        )  # fmt: skip
        model.learn(240)
    assert model.num_timesteps == 240
    lengths = {episode["l"] for episode in model.ep_info_buffer or ()}
    assert lengths and max(lengths) == 6
    assert len(model.ep_success_buffer or ()) == len(model.ep_info_buffer or ())


def test_on_policy_learners_run_over_it(env: SB3VecEnv) -> None:
    model = PPO("MultiInputPolicy", env, n_steps=16, batch_size=24, n_epochs=1, seed=0, policy_kwargs={"net_arch": [8]})
    assert model.learn(48).num_timesteps == 48
