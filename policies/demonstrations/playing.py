"""Playing one episode and recording it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from geometry import InputError
from policies.demonstrations.demonstrator import Demonstrator
from policies.demonstrations.episode import Episode
from policies.demonstrations.observation_keys import named


def play_episode(
    env: gymnasium.Env[Any, Any],
    demonstrator: Demonstrator,
    *,
    seed: int,
    rng: np.random.Generator,
    hold_steps: int | None = None,
    task: str = "",
    provenance: Mapping[str, Any] | None = None,
) -> Episode:
    """Play from a reset to the time limit, or until success has lasted; what is recorded is what was done.

    Args:
        env: with its time limit, as `gymnasium.make` gives it.
        demonstrator: who acts.
        seed: of the environment.
        rng: the demonstrator's.
        hold_steps: end after so many steps in a row, after the first, in which the task is done; None plays on to
            the time limit.
        task: what is to be done, in words.
        provenance: see `Episode`.

    Raises:
        InputError: if an action is not finite or of another shape.
    """
    space = env.action_space
    assert isinstance(space, spaces.Box)
    seen, info = env.reset(seed=seed)
    demonstrator.reset(env.unwrapped, rng)
    looks, actions, rewards, over, done_for = [seen], [], [], (False, False), 0
    while not any(over) and (hold_steps is None or done_for <= hold_steps):
        action = np.asarray(demonstrator.act(env.unwrapped, seen), dtype=np.float32)
        if action.shape != space.shape or not np.isfinite(action).all():
            raise InputError("play_episode", expected=f"finite actions {space.shape}", got=f"{action.tolist()}")
        action = np.clip(action, space.low, space.high)
        seen, reward, *over, info = env.step(action)  # type: ignore[assignment]
        done_for = done_for + 1 if info.get("is_success", False) else 0
        looks.append(seen)
        actions.append(action)
        rewards.append(float(reward))
    rows = [named(look) for look in looks]
    return Episode(
        observations={key: np.stack([row[key] for row in rows]) for key in rows[0]},
        actions=np.stack(actions),
        rewards=np.array(rewards, dtype=np.float32),
        success=bool(info.get("is_success", False)),
        terminated=bool(over[0]),
        task=task,
        provenance=dict(provenance or {}),
    )
