"""From settings to a learner of Stable-Baselines3: environments, model, replay."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.noise import NormalActionNoise, VectorizedActionNoise
from stable_baselines3.common.vec_env import VecEnv

from policies.reinforcement.features import GoalFeatures
from policies.reinforcement.goal_replay import GoalReplay
from policies.reinforcement.lean_sac import LeanSAC
from policies.reinforcement.lean_td3 import LeanDDPG
from policies.reinforcement.lean_tqc import LeanTQC
from policies.reinforcement.sb3_vec_env import SB3VecEnv
from policies.reinforcement.settings import TrainSettings
from policies.reinforcement.task_env import env_id

_TRAIN_EVERY = 4
"""Steps of all environments together between two calls of the learner, each of many gradient steps."""
_ROLLOUT = 4096
"""Transitions of a rollout of PPO."""
_QUANTILES, _DROPPED = 25, 2


def env_options(settings: TrainSettings) -> dict[str, Any]:
    """Keyword arguments of the environment."""
    return {"observation": settings.observation, "action": settings.action, "reward": settings.reward}


def make_vec_env(settings: TrainSettings, workers: int) -> SB3VecEnv:
    """The environments of a training run, in this process (`workers` = 0) or in others."""
    options = env_options(settings)
    if settings.head_starts:
        options["head_starts"] = settings.head_starts
    return SB3VecEnv.from_id(env_id(settings.task), settings.envs, workers=workers, **options)


def make_model(settings: TrainSettings, env: VecEnv, *, seed: int, device: str = "cpu") -> BaseAlgorithm:
    """An untrained learner.

    Args:
        settings: which, and how.
        env: what it learns in.
        seed: of weights, exploration and replay.
        device: of PyTorch.
    """
    policy = "MultiInputPolicy" if isinstance(env.observation_space, spaces.Dict) else "MlpPolicy"
    common: dict[str, Any] = {
        "learning_rate": settings.learning_rate,
        "batch_size": settings.batch_size,
        "gamma": settings.gamma,
        "seed": seed,
        "device": device,
    }
    networks: dict[str, Any] = {"net_arch": list(settings.net), "features_extractor_class": GoalFeatures}
    if settings.algo == "ppo":
        return PPO(
            policy, env, n_steps=max(1, _ROLLOUT // settings.envs), n_epochs=max(1, round(settings.updates_per_step)),
            ent_coef=0.0, policy_kwargs=networks, **common,
        )  # fmt: skip
    networks["n_critics"] = settings.critics
    common |= {
        "tau": settings.tau,
        "learning_starts": settings.learning_starts,
        "buffer_size": settings.buffer_size,
        "train_freq": _TRAIN_EVERY,
        "gradient_steps": max(1, round(_TRAIN_EVERY * settings.envs * settings.updates_per_step)),
        **_replay(settings, env, seed),
    }
    common |= {
        "clip_target": _target_bounds(settings),
        "random_action": settings.random_action,
        "demo_fraction": settings.demo_fraction,
        "bc_weight": settings.bc_weight if settings.demonstrations else 0.0,
    }
    if settings.algo == "tqc":
        return LeanTQC(
            policy, env, top_quantiles_to_drop_per_net=_DROPPED, ent_coef=_temperature(settings),
            policy_kwargs=networks | {"n_quantiles": _QUANTILES}, **common,
        )  # fmt: skip
    if settings.algo == "sac":
        return LeanSAC(policy, env, ent_coef=_temperature(settings), policy_kwargs=networks, **common)
    actions = env.action_space.shape
    assert actions is not None
    noise = NormalActionNoise(np.zeros(actions), np.full(actions, settings.action_noise))
    return LeanDDPG(
        policy, env, action_noise=VectorizedActionNoise(noise, settings.envs), policy_kwargs=networks, **common
    )


def _replay(settings: TrainSettings, env: VecEnv, seed: int) -> dict[str, Any]:
    """Hindsight replay where there is a goal."""
    space = env.observation_space
    if not isinstance(space, spaces.Dict) or "desired_goal" not in space.spaces or not settings.her_goals:
        return {}
    dense = settings.reward == "dense"
    return {
        "replay_buffer_class": GoalReplay,
        "replay_buffer_kwargs": {
            "n_sampled_goal": settings.her_goals,
            "goal_selection_strategy": "future",
            "copy_info_dict": dense,
            "seed": seed,
        },
    }


def _target_bounds(settings: TrainSettings) -> tuple[float, float] | None:
    """What a value can be when every step costs 1 until it is done."""
    return (-1.0 / (1.0 - settings.gamma), 0.0) if settings.reward == "sparse" else None


def _temperature(settings: TrainSettings) -> str | float:
    return settings.ent_coef if settings.ent_coef.startswith("auto") else float(settings.ent_coef)
