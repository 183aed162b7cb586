"""Demonstrations: what is recorded, kept and drawn, and what imitation does to an actor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import SAC, TD3, HerReplayBuffer
from stable_baselines3.common.vec_env import DummyVecEnv

from geometry import InputError
from policies.demonstrations import DemonstrationSet, DemonstrationWriter, SetInfo
from policies.reinforcement.demonstrations import Demonstrations, collect_demonstrations
from policies.reinforcement.lean_sac import LeanSAC
from policies.reinforcement.lean_td3 import LeanDDPG, LeanTD3


class Homing:
    """Steps straight to the goal; one that `sleeps` does nothing in every second episode."""

    def __init__(self, sleeps: bool = False) -> None:
        self.sleeps, self.episodes = sleeps, 0

    def reset(self, env: Any) -> None:
        self.episodes += 1

    def act(self, env: Any) -> np.ndarray:
        awake = not (self.sleeps and self.episodes % 2)
        return awake * np.clip((env.goal - env.at) / 0.1, -1, 1).astype(np.float32)


@pytest.fixture
def shown(point_mass: Any) -> Demonstrations:
    return collect_demonstrations(point_mass(), Homing(), episodes=8, seed=5)


def same(ours: Demonstrations, theirs: Demonstrations) -> bool:
    return len(ours.episodes) == len(theirs.episodes) and all(
        np.array_equal(a.actions, b.actions)
        and np.array_equal(a.rewards, b.rewards)
        and (a.terminated, a.success) == (b.terminated, b.success)
        and a.observations.keys() == b.observations.keys()
        and all(np.array_equal(a.observations[key], b.observations[key]) for key in a.observations)
        for a, b in zip(ours.episodes, theirs.episodes, strict=True)
    )


def test_an_episode_is_recorded_as_it_was(point_mass: Any, shown: Demonstrations) -> None:
    env, expert = point_mass(), Homing()
    seen, _ = env.reset(seed=5)
    for step, action in enumerate(shown.episodes[0].actions):
        np.testing.assert_array_equal(shown.episodes[0].observations["achieved_goal"][step], seen["achieved_goal"])
        np.testing.assert_array_equal(action, expert.act(env))
        seen, reward, *_ = env.step(action)
        assert shown.episodes[0].rewards[step] == reward
    np.testing.assert_array_equal(shown.episodes[0].observations["observation"][-1], seen["observation"])
    assert shown.transitions == 8 * 25 and shown.success == 1


def test_failures_are_left_out_unless_wanted(point_mass: Any) -> None:
    assert collect_demonstrations(point_mass(), Homing(sleeps=True), episodes=6, seed=0).success == 1
    every = collect_demonstrations(point_mass(), Homing(sleeps=True), episodes=6, seed=0, keep_failures=True)
    assert every.success == 0.5
    with pytest.raises(InputError, match="0 of 8"):
        collect_demonstrations(point_mass(), Homing(), episodes=2, seed=0, noise=1e3)


def test_a_set_on_disk_is_shown_as_it_was_kept(point_mass: Any, shown: Demonstrations, tmp_path: Path) -> None:
    writer = DemonstrationWriter(tmp_path, SetInfo.of_env(point_mass()))
    for episode in shown.episodes:
        writer.add(episode)
    assert same(Demonstrations(tuple(DemonstrationSet.open(tmp_path))), shown)


def test_episodes_without_a_last_look_are_refused(shown: Demonstrations) -> None:
    episode = shown.episodes[0]
    cut = replace(episode, observations={key: table[:-1] for key, table in episode.observations.items()})
    with pytest.raises(InputError, match="26 observations in episode 1"):
        Demonstrations((episode, cut))


def test_noise_is_drawn_from_the_episodes_own_seed(point_mass: Any) -> None:
    env, expert = point_mass(), Homing()
    shown = collect_demonstrations(env, expert, episodes=2, seed=7, noise=0.2, keep_failures=True)
    for seed, episode in zip((7, 8), shown.episodes, strict=True):
        rng = np.random.default_rng(seed)
        env.reset(seed=seed)
        for action in episode.actions:
            wanted = np.clip(expert.act(env) + 0.2 * rng.standard_normal(2), -1, 1).astype(np.float32)
            np.testing.assert_allclose(action, wanted, atol=1e-6)
            env.step(action)


def test_replay_holds_the_same_transitions_with_scaled_actions(point_mass: Any, shown: Demonstrations) -> None:
    class Wide(point_mass):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.action_space = spaces.Box(np.float32([-2, 0]), np.float32([2, 4]))

    env = DummyVecEnv([Wide])
    buffer = HerReplayBuffer(300, env.observation_space, env.action_space, env=env, device="cpu")
    shown.fill(buffer)
    episode = shown.episodes[3]
    rows = slice(75, 100)
    np.testing.assert_array_equal(buffer.observations["observation"][rows, 0], episode.observations["observation"][:-1])
    np.testing.assert_array_equal(
        buffer.next_observations["desired_goal"][rows, 0], episode.observations["desired_goal"][1:]
    )
    np.testing.assert_allclose(buffer.actions[rows, 0], episode.actions / 2 - [0, 1], atol=1e-6)
    assert (buffer.ep_start[rows, 0] == 75).all() and (buffer.ep_length[rows, 0] == 25).all()
    assert buffer.timeouts[99, 0] and buffer.dones[99, 0]


def test_another_task_or_buffer_is_refused(point_mass: Any, shown: Demonstrations, model_of: Any) -> None:
    env = DummyVecEnv([point_mass])
    with pytest.raises(InputError, match="200 steps"):
        shown.fill(HerReplayBuffer(100, env.observation_space, env.action_space, env=env))
    cut = list(shown.episodes)
    cut[0] = replace(cut[0], actions=cut[0].actions[:, :1])
    with pytest.raises(InputError, match="actions"):
        Demonstrations(tuple(cut))
    other = Demonstrations((cut[0],))
    with pytest.raises(InputError, match="action mode"):
        model_of(LeanDDPG).show(other)


@pytest.mark.parametrize("kind", [LeanSAC, LeanTD3])
def test_a_batch_ends_with_its_share_of_demonstrations(kind: type, model_of: Any, shown: Demonstrations) -> None:
    model = model_of(kind, demo_fraction=0.25)
    assert all(batch.shown == 0 for batch in model._batches(2, 32))
    model.show(shown)
    known = np.concatenate([episode.actions for episode in shown.episodes])
    for batch in model._batches(3, 32):
        assert batch.shown == 8 and batch.actions.shape == (32, 2) and batch.seen.shape == (32, 8)
        near = np.abs(batch.actions.numpy()[:, None] - known).max(axis=-1).min(axis=1)
        assert (near[-8:] < 1e-6).all() and (near[:-8] > 1e-6).any()


@pytest.mark.parametrize("q_filter", [False, True])
@pytest.mark.parametrize(("oracle_kind", "kind"), [(SAC, LeanSAC), (TD3, LeanTD3)])
def test_imitation_adds_its_gradient(
    oracle_kind: type, kind: type, q_filter: bool, model_of: Any, shown: Demonstrations
) -> None:
    model = model_of(kind, demo_fraction=0.5, bc_weight=3.0, q_filter=q_filter)
    model.show(shown)
    batch = next(model._batches(1, 64))
    actions = torch.rand(64, 2) * 2 - 1
    values = [q.detach() for q in model.critic(observed(model, batch.seen), actions)]
    theirs = [q.detach() for q in model.critic(observed(model, batch.seen), batch.actions)]
    ours, rival = (torch.cat(qs, 1).min(1)[0] if kind is LeanSAC else qs[0][:, 0] for qs in (values, theirs))
    chosen = (rival > ours)[32:] if q_filter else torch.ones(32, dtype=torch.bool)
    assert q_filter is not bool(chosen.all())
    leaf = actions.clone().requires_grad_()
    (3.0 * ((leaf[32:] - batch.actions[32:]).square().sum(1) * chosen).sum() / 32).backward()
    with torch.no_grad():
        added = model._imitate(torch.zeros(64, 2), batch, actions, ours[:, None], batch.seen)
    torch.testing.assert_close(added, leaf.grad, atol=1e-6, rtol=1e-5)


def observed(model: Any, features: torch.Tensor) -> dict[str, torch.Tensor]:
    """Observations of the point mass whose features these are; its bounds are -1 and 1."""
    names = list(model.observation_space.spaces)
    return {name: features[:, 2 * index : 2 * index + 2] for index, name in enumerate(names)}


@pytest.mark.parametrize("kind", [LeanSAC, LeanDDPG])
def test_cloning_alone_solves_the_task(kind: type, model_of: Any, point_mass: Any, shown: Demonstrations) -> None:
    model = model_of(kind, policy_kwargs={"net_arch": [64, 64]})
    with pytest.raises(InputError, match="show"):
        model.pretrain(10)
    model.show(collect_demonstrations(point_mass(), Homing(), episodes=30, seed=50))
    distance = model.pretrain(600, 128)
    assert distance < 0.3
    reached = 0
    env = point_mass()
    for seed in range(20):
        seen, _ = env.reset(seed=seed)
        for _ in range(25):
            seen, reward, *_ = env.step(model.predict(seen, deterministic=True)[0])
        reached += reward == 0
    assert reached >= 17


def test_box_observations_are_kept_too() -> None:
    class Plain(gymnasium.Env):  # type: ignore[type-arg]
        observation_space = action_space = spaces.Box(-1, 1, (2,), np.float32)

        def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
            super().reset(seed=seed)
            self.left = 3
            return self.np_random.uniform(-1, 1, 2).astype(np.float32), {}

        def step(self, action: Any) -> Any:
            self.left -= 1
            return self.np_random.uniform(-1, 1, 2).astype(np.float32), 1.0, self.left == 0, False, {}

    class Still:
        def reset(self, env: Any) -> None: ...

        def act(self, env: Any) -> np.ndarray:
            return np.zeros(2, np.float32)

    shown = collect_demonstrations(Plain(), Still(), episodes=2, seed=0, keep_failures=True)
    assert shown.episodes[0].terminated and shown.episodes[0].observations["observation"].shape == (4, 2)
    model: Any = LeanSAC("MlpPolicy", Plain(), device="cpu", learning_starts=4, buffer_size=10)
    model.learn(6)
    model.show(shown)
    model.learn(6)
