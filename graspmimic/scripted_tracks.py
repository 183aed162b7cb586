"""Scripted episodes under the default physics and under the fine reference: success, and how far the hand strays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from scipy.stats import binomtest

from envs.manipulation import FINE, Physics
from geometry import FloatArray
from policies.experts import make_expert


class Track(NamedTuple):
    """One episode."""

    hand_m: FloatArray
    """(steps, 3) where the fingertips were after each step."""
    actions: FloatArray
    """(steps, A)."""
    success: bool
    """At the end."""


def scripted_results(task: str, *, episodes: int, seed: int, on_episode: Callable[[], None]) -> dict[str, float]:
    """Play the scripted expert in both worlds with the same seeds.

    `ee_deviation_*` compares the hand step by step where the expert steers in each world for itself;
    `ee_replay_deviation_*` where the default world gets the very actions of the reference.

    Args:
        task: name in the id.
        episodes: how many.
        seed: of the first.
        on_episode: called after each.
    """
    coarse, fine = _make(task, Physics()), _make(task, FINE)
    steered, replayed, successes, fine_successes = [], [], [], []
    for number in range(seed, seed + episodes):
        reference = _play(fine, task, number)
        track = _play(coarse, task, number)
        steered.append(_apart_mm(track, reference))
        replayed.append(_apart_mm(_play(coarse, task, number, reference.actions), reference))
        successes.append(track.success)
        fine_successes.append(reference.success)
        on_episode()
    for env in (coarse, fine):
        env.close()
    interval = binomtest(sum(successes), episodes).proportion_ci(method="wilson")
    return {
        "scripted_episodes": episodes,
        "scripted_success": float(np.mean(successes)),
        "scripted_success_low": float(interval.low),
        "scripted_success_high": float(interval.high),
        "scripted_success_reference": float(np.mean(fine_successes)),
        "ee_deviation_mm_mean": float(np.mean(steered)),
        "ee_deviation_mm_max": float(np.max(steered)),
        "ee_replay_deviation_mm_mean": float(np.mean(replayed)),
        "ee_replay_deviation_mm_max": float(np.max(replayed)),
    }


def _make(task: str, physics: Physics) -> gymnasium.Env[Any, Any]:
    return gymnasium.make(f"graspmimic/{task}-v0", physics=physics, disable_env_checker=True)


def _play(env: gymnasium.Env[Any, Any], task: str, seed: int, actions: FloatArray | None = None) -> Track:
    """One episode by the expert, or with given actions."""
    inner: Any = env.unwrapped
    env.reset(seed=seed)
    expert = make_expert(task)
    expert.reset(inner)
    hand: list[Any] = []
    taken: list[Any] = []
    over, info = False, dict[str, Any]()
    while not over:
        action = expert.act(inner) if actions is None else actions[len(taken)]
        _, _, terminated, truncated, info = env.step(action)
        hand.append(inner.scene.arm.state.position)
        taken.append(action)
        over = terminated or truncated
    return Track(np.array(hand, dtype=np.float64), np.array(taken), bool(info["is_success"]))


def _apart_mm(one: Track, other: Track) -> FloatArray:
    """(steps,)."""
    return 1e3 * np.linalg.norm(one.hand_m - other.hand_m, axis=1)
