"""Recorded episodes of an expert: collected, kept in a file, given to replay."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.buffers import ReplayBuffer

from geometry import InputError
from policies.reinforcement.scene_encoder import ONLY_KEY

FORMAT, VERSION = "graspmimic demonstrations", 1
_SEEN = "seen/"
AGAIN = "record the demonstrations again"


class Demonstrator(Protocol):
    """Whatever acts in an environment by looking into it."""

    def reset(self, env: Any) -> None:
        """An episode of `env` (unwrapped) has begun."""

    def act(self, env: Any) -> NDArray[Any]:
        """The action for the state in which `env` stands."""


class Episode(NamedTuple):
    """One episode of T steps."""

    observations: dict[str, NDArray[Any]]
    """(T + 1, ...) by key."""
    actions: NDArray[np.float32]
    """(T, A), in the units of the action space."""
    rewards: NDArray[np.float32]
    """(T,)."""
    terminated: bool
    """Whether it ended for good, not for its time."""
    success: bool
    """`is_success` at its last step."""


@dataclass(frozen=True)
class Demonstrations:
    """Episodes of one task, checked to fit each other."""

    episodes: tuple[Episode, ...]
    """At least one."""

    def __post_init__(self) -> None:
        where = "Demonstrations"
        if not self.episodes:
            raise InputError(where, expected="at least one episode", got="none", remedy="let the expert try more seeds")
        first = _shapes(self.episodes[0])
        for number, episode in enumerate(self.episodes):
            steps = len(episode.actions)
            rows = {name: len(table) for name, table in episode.observations.items()}
            if steps == 0 or episode.rewards.shape != (steps,) or set(rows.values()) != {steps + 1}:
                raise InputError(where, expected=f"{steps} rewards and {steps + 1} observations in episode {number}",
                                 got=f"{episode.rewards.shape} and {rows}", remedy=AGAIN)  # fmt: skip
            if _shapes(episode) != first:
                raise InputError(
                    where, expected=str(first), got=f"{_shapes(episode)} in episode {number}", remedy=AGAIN
                )
            tables = [episode.actions, episode.rewards, *episode.observations.values()]
            if not all(np.isfinite(table).all() for table in tables):
                raise InputError(where, expected="finite numbers", got=f"NaN or infinity in episode {number}")

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

    def save(self, path: Path) -> None:
        """Write an .npz file, whole or not at all."""
        arrays: dict[str, NDArray[Any]] = {
            "header": np.array(json.dumps({"format": FORMAT, "version": VERSION})),
            "lengths": np.array([len(episode.actions) for episode in self.episodes]),
            "terminated": np.array([episode.terminated for episode in self.episodes]),
            "success": np.array([episode.success for episode in self.episodes]),
            "actions": np.concatenate([episode.actions for episode in self.episodes]),
            "rewards": np.concatenate([episode.rewards for episode in self.episodes]),
        }
        for key in self.episodes[0].observations:
            arrays[_SEEN + key] = np.concatenate([episode.observations[key] for episode in self.episodes])
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.stem}.{os.getpid()}.tmp")
        try:
            with draft.open("wb") as file:
                np.savez_compressed(file, allow_pickle=False, **arrays)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path) -> Demonstrations:
        """Read what `save` wrote.

        Raises:
            InputError: if the file is missing, damaged, or of another kind or version.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = dict(file)
            header = json.loads(str(arrays.pop("header")))
        except FileNotFoundError:
            raise InputError(str(path), expected="a file", got="none of this name", remedy="check the path") from None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            got = f"{type(error).__name__}: {error}"
            raise InputError(str(path), expected="a file of demonstrations", got=got, remedy=AGAIN) from None
        wanted = {"format": FORMAT, "version": VERSION}
        if header != wanted:
            raise InputError(str(path), expected=str(wanted), got=str(header), remedy=AGAIN)
        try:
            return cls(tuple(_episodes(arrays)))
        except (KeyError, ValueError, IndexError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(str(path), expected="tables of episodes", got=str(error), remedy=AGAIN) from None


def collect_demonstrations(
    env: gymnasium.Env[Any, Any],
    expert: Demonstrator,
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
    for tried in range(4 * episodes):
        episode = _play(env, expert, seed + tried, noise)
        if episode.success or keep_failures:
            kept.append(episode)
            if on_episode is not None:
                on_episode(len(kept))
        if len(kept) == episodes:
            return Demonstrations(tuple(kept))
    got = f"{len(kept)} of {4 * episodes}"
    raise InputError("collect_demonstrations", expected=f"{episodes} successes of the expert", got=got,
                     remedy="ask for fewer, or lower the noise")  # fmt: skip


def _play(env: gymnasium.Env[Any, Any], expert: Demonstrator, seed: int, noise: float) -> Episode:
    rng = np.random.default_rng(seed)
    space = env.action_space
    assert isinstance(space, spaces.Box)
    seen, info = env.reset(seed=seed)
    expert.reset(env.unwrapped)
    observations, actions, rewards, terminated, truncated = [seen], [], [], False, False
    while not (terminated or truncated):
        action = np.asarray(expert.act(env.unwrapped), dtype=np.float32)
        if noise:
            disturbed = action + noise * (space.high - space.low) / 2 * rng.standard_normal(action.shape)
            action = np.clip(disturbed, space.low, space.high).astype(np.float32)
        seen, reward, terminated, truncated, info = env.step(action)
        observations.append(seen)
        actions.append(action)
        rewards.append(float(reward))
    named = [each if isinstance(each, dict) else {ONLY_KEY: each} for each in observations]
    tables = {key: np.stack([each[key] for each in named]) for key in named[0]}
    success = bool(info.get("is_success", False))
    return Episode(tables, np.stack(actions), np.array(rewards, dtype=np.float32), terminated, success)


def _episodes(arrays: dict[str, NDArray[Any]]) -> Iterator[Episode]:
    lengths = arrays["lengths"]
    ends = np.cumsum(lengths)
    seen = {name.removeprefix(_SEEN): table for name, table in arrays.items() if name.startswith(_SEEN)}
    rows = {name: len(table) for name, table in seen.items()} | {"actions": len(arrays["actions"]) + len(lengths)}
    if not len(lengths) or set(rows.values()) != {int(ends[-1]) + len(lengths)}:
        raise ValueError(f"rows {rows} for lengths {lengths[:5]}...")
    for number, (length, end) in enumerate(zip(lengths, ends, strict=True)):
        steps, looks = slice(end - length, end), slice(end - length + number, end + number + 1)
        yield Episode(
            {key: table[looks] for key, table in seen.items()},
            arrays["actions"][steps],
            arrays["rewards"][steps],
            bool(arrays["terminated"][number]),
            bool(arrays["success"][number]),
        )


def _shapes(episode: Episode) -> dict[str, tuple[int, ...]]:
    return {"actions": episode.actions.shape[1:], **{key: t.shape[1:] for key, t in episode.observations.items()}}


def _check_space(demonstrations: Demonstrations, seen: spaces.Space[Any], action: spaces.Space[Any]) -> None:
    """See that demonstrations are of a task with these spaces."""
    table = dict(seen.spaces) if isinstance(seen, spaces.Dict) else {ONLY_KEY: seen}
    wanted = {"actions": action.shape, **{key: space.shape for key, space in table.items()}}
    got = _shapes(demonstrations.episodes[0])
    if wanted != got:
        raise InputError("Demonstrations", expected=f"the task's shapes {wanted}", got=str(got),
                         remedy="record demonstrations of this task, observation and action mode")  # fmt: skip
