"""Demonstrations in a replay buffer: what an expert shows a learner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.buffers import ReplayBuffer

from geometry import InputError
from policies.demonstrations import Episode, play_episode
from policies.reinforcement.scene_encoder import ONLY_KEY

AGAIN = "record the demonstrations again"


class Shower(Protocol):
    """Whatever acts in an environment by looking into it."""

    def reset(self, env: Any) -> None:
        """An episode of `env` (unwrapped) has begun."""

    def act(self, env: Any) -> NDArray[Any]:
        """The action for the state in which `env` stands."""


@dataclass(frozen=True)
class Demonstrations:
    """Episodes of one task, checked to fit each other; `tuple` of a `DemonstrationSet` gives such episodes too."""

    episodes: tuple[Episode, ...]
    """At least one, each with what was seen after its last action."""

    def __post_init__(self) -> None:
        where = "Demonstrations"
        if not self.episodes:
            raise InputError(where, expected="at least one episode", got="none", remedy="let the expert try more seeds")
        first = self.episodes[0].shapes
        for number, episode in enumerate(self.episodes):
            if not episode.complete:
                expected = f"{len(episode) + 1} observations in episode {number}"
                raise InputError(where, expected=expected, got=f"{len(episode)}", remedy=AGAIN)
            if episode.shapes != first:
                got = f"{episode.shapes} in episode {number}"
                raise InputError(where, expected=str(first), got=got, remedy=AGAIN)

    @property
    def transitions(self) -> int:
        """Steps of all episodes."""
        return sum(len(episode.actions) for episode in self.episodes)

    @property
    def success(self) -> float:
        """Share of episodes that ended in success."""
        return float(np.mean([episode.success for episode in self.episodes]))

    def fill(self, buffer: ReplayBuffer) -> None:
        """Add everything to a replay buffer, through its own `add`, so that relabelling sees whole episodes.

        Args:
            buffer: for one environment, with room for all transitions.
        """
        if buffer.n_envs != 1 or buffer.buffer_size < self.transitions:
            raise InputError("Demonstrations.fill", expected=f"a buffer for 1 environment and {self.transitions} steps",
                             got=f"{buffer.n_envs} and {buffer.buffer_size}")  # fmt: skip
        named = isinstance(buffer.observation_space, spaces.Dict)
        _check_space(self, buffer.observation_space, buffer.action_space)
        low, high = buffer.action_space.low, buffer.action_space.high  # type: ignore[attr-defined]
        for episode in self.episodes:
            scaled = 2.0 * (episode.actions - low) / (high - low) - 1.0
            last = len(scaled) - 1
            for step, action in enumerate(scaled):
                pair = [{key: table[[row]] for key, table in episode.observations.items()} for row in (step, step + 1)]
                seen, after = (each if named else each[ONLY_KEY] for each in pair)
                info = {"TimeLimit.truncated": step == last and not episode.terminated}
                done = np.array([step == last])
                buffer.add(seen, after, action[None], episode.rewards[[step]], done, [info])  # type: ignore[arg-type]


def collect_demonstrations(
    env: gymnasium.Env[Any, Any],
    expert: Shower,
    *,
    episodes: int,
    seed: int,
    noise: float = 0.0,
    keep_failures: bool = False,
    on_episode: Callable[[int], None] | None = None,
) -> Demonstrations:
    """Let an expert play, each episode from a seed of its own, until so many are kept.

    Args:
        env: with its time limit, as `gymnasium.make` gives it.
        expert: sees `env.unwrapped`.
        episodes: to keep.
        seed: of the first; the others count up.
        noise: standard deviation of what is added to the actions, in half widths of the action space; what is
            recorded is what was done.
        keep_failures: keep episodes too that do not end in success.
        on_episode: called with the number of kept episodes.
    Raises:
        InputError: if three of four episodes fail.
    """
    kept: list[Episode] = []
    assert isinstance(env.action_space, spaces.Box)
    shaken = _Shaken(expert, noise, env.action_space)
    for tried in range(4 * episodes):
        episode = play_episode(env, shaken, seed=seed + tried, rng=np.random.default_rng(seed + tried))
        if episode.success or keep_failures:
            kept.append(episode)
            if on_episode is not None:
                on_episode(len(kept))
        if len(kept) == episodes:
            return Demonstrations(tuple(kept))
    got = f"{len(kept)} of {4 * episodes}"
    raise InputError("collect_demonstrations", expected=f"{episodes} successes of the expert", got=got,
                     remedy="ask for fewer, or lower the noise")  # fmt: skip


class _Shaken:
    """An expert whose actions are disturbed by white noise."""

    def __init__(self, expert: Shower, noise: float, space: spaces.Box) -> None:
        self._expert, self._noise, self._space = expert, noise, space
        self._rng = np.random.default_rng(0)

    def reset(self, env: Any, rng: np.random.Generator) -> None:
        self._rng = rng
        self._expert.reset(env)

    def act(self, env: Any, observation: Any) -> NDArray[Any]:
        action = np.asarray(self._expert.act(env), dtype=np.float32)
        if not self._noise:
            return action
        low, high = self._space.low, self._space.high
        disturbed = action + self._noise * (high - low) / 2 * self._rng.standard_normal(action.shape)
        return np.clip(disturbed, low, high).astype(np.float32)


def _check_space(demonstrations: Demonstrations, seen: spaces.Space[Any], action: spaces.Space[Any]) -> None:
    """See that demonstrations are of a task with these spaces."""
    table = dict(seen.spaces) if isinstance(seen, spaces.Dict) else {ONLY_KEY: seen}
    wanted = {"actions": action.shape, **{key: space.shape for key, space in table.items()}}
    got = demonstrations.episodes[0].shapes
    if wanted != got:
        raise InputError("Demonstrations", expected=f"the task's shapes {wanted}", got=str(got),
                         remedy="record demonstrations of this task, observation and action mode")  # fmt: skip
