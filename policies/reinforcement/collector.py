"""Who plays the episodes: this process, or others that get weights and give back whole episodes.

Between the learner and those who play go arrays of numbers only, as the bytes of a safetensors file: no
object that could run code, and nothing that only works on one machine. Episodes do not depend on who
plays them: every environment has its own seeds and its own share of the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Protocol

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from safetensors.numpy import load, save

from envs.worker_processes import start_worker
from geometry import InputError
from policies.demonstrations import Episode
from policies.reinforcement.policy_file import TrainedPolicy
from policies.reinforcement.scene_encoder import ONLY_KEY

MakeEnv = Callable[[], "gymnasium.Env[Any, Any]"]
Weights = Mapping[str, NDArray[Any]]
_SEEN, _STEPS, _ERROR = "seen/", "steps", "error"
_LEAVE_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Exploration:
    """How an actor strays from its best action while it collects."""

    noise: float = 0.1
    """Standard deviation of normal noise, in half widths of the action space."""
    random_action: float = 0.0
    """Share of uniformly random actions."""

    def __post_init__(self) -> None:
        if self.noise < 0 or not 0 <= self.random_action <= 1:
            raise InputError("Exploration", expected="noise >= 0 and random_action in 0 to 1", got=str(self))


class Collector(Protocol):
    """Plays episodes with the weights it is given."""

    def collect(self, weights: Weights, steps: int) -> list[Episode]:
        """Whole episodes.

        Args:
            weights: as `TrainedPolicy.weights` gives them.
            steps: at least so many in all; each environment plays its share, and its last episode to the end.
        """

    def close(self) -> None:
        """Let go of environments and processes."""


class SerialCollector:
    """Plays in this process.

    Args:
        make_env: an environment with its time limit.
        record: of the policy, as `TrainedPolicy.record`.
        envs: how many environments.
        seed: of environments and exploration.
        exploration: how to stray.
        first: number of the first environment, where a collector plays a part of them.
    """

    def __init__(
        self,
        make_env: MakeEnv,
        record: Mapping[str, Any],
        *,
        envs: int,
        seed: int,
        exploration: Exploration | None = None,
        first: int = 0,
    ) -> None:
        if envs < 1:
            raise InputError("SerialCollector", expected="at least one environment", got=str(envs))
        policy = TrainedPolicy.of_record(record)
        stray = exploration or Exploration()
        self._players = [_Player(make_env(), policy, stray, seed, number) for number in range(first, first + envs)]

    def collect(self, weights: Weights, steps: int) -> list[Episode]:
        """See `Collector.collect`."""
        self._players[0].policy.fill(weights)
        share = -(-steps // len(self._players))
        return [episode for player in self._players for episode in player.play(share)]

    def close(self) -> None:
        """Close the environments."""
        for player in self._players:
            player.env.close()


class ProcessCollector:
    """Plays in processes of its own, with the same result as `SerialCollector`.

    Args:
        make_env: an environment with its time limit; something that can be sent to a new process, such as
            `partial(gymnasium.make, "module:id")`.
        record: of the policy, as `TrainedPolicy.record`.
        envs: how many environments, over all processes.
        workers: processes; at most one for each environment.
        seed: of environments and exploration.
        exploration: how to stray.
    """

    def __init__(
        self,
        make_env: MakeEnv,
        record: Mapping[str, Any],
        *,
        envs: int,
        workers: int,
        seed: int,
        exploration: Exploration | None = None,
    ) -> None:
        if not 1 <= workers <= envs:
            raise InputError(
                "ProcessCollector", expected="1 worker to as many as environments", got=f"{workers} for {envs}"
            )
        self._lines: list[Connection] = []
        self._processes: list[Any] = []
        self._counts = [len(part) for part in np.array_split(np.arange(envs), workers)]
        first = 0
        for count in self._counts:
            options = {"envs": count, "seed": seed, "exploration": exploration, "first": first}
            process, line = start_worker(_serve, make_env, dict(record), options)
            self._lines.append(line)
            self._processes.append(process)
            first += count
        self._envs = envs

    def collect(self, weights: Weights, steps: int) -> list[Episode]:
        """See `Collector.collect`.

        Raises:
            RuntimeError: if a process failed or died; says why.
        """
        each = -(-steps // self._envs)
        arrays = {name: np.ascontiguousarray(table) for name, table in weights.items()}
        try:
            for line, count in zip(self._lines, self._counts, strict=True):
                line.send_bytes(save({**arrays, _STEPS: np.array([each * count])}))
            answers = [line.recv_bytes() for line in self._lines]
        except (EOFError, OSError):
            for process in self._processes:
                process.join(_LEAVE_S)
            codes = [process.exitcode for process in self._processes]
            raise RuntimeError(f"a collecting process died; exit codes {codes}") from None
        return [episode for answer in answers for episode in _unpacked(load(answer))]

    def close(self) -> None:
        """End the processes."""
        for line in self._lines:
            try:
                line.send_bytes(b"")
            except OSError:
                pass  # it has gone already
            line.close()
        for process in self._processes:
            process.join(_LEAVE_S)
            if process.is_alive():
                process.terminate()
                process.join()


class _Player:
    """One environment, its random stream, and who acts in it."""

    def __init__(
        self, env: gymnasium.Env[Any, Any], policy: TrainedPolicy, stray: Exploration, seed: int, number: int
    ) -> None:
        self.env, self.policy, self._stray = env, policy, stray
        self._rng = np.random.default_rng([seed, number])
        self._seed: int | None = int(self._rng.integers(2**31))
        assert isinstance(env.action_space, spaces.Box)
        self._low, self._high = env.action_space.low, env.action_space.high

    def play(self, steps: int) -> list[Episode]:
        """Whole episodes until so many steps are done."""
        episodes: list[Episode] = []
        while sum(len(episode.actions) for episode in episodes) < steps:
            episodes.append(self._episode())
        return episodes

    def _episode(self) -> Episode:
        seen, info = self.env.reset(seed=self._seed)
        self._seed = None
        looks, actions, rewards, over = [seen], [], [], (False, False)
        while not any(over):
            action = self._act(seen)
            seen, reward, *over, info = self.env.step(action)  # type: ignore[assignment]
            looks.append(seen)
            actions.append(action)
            rewards.append(float(reward))
        named = [look if isinstance(look, dict) else {ONLY_KEY: look} for look in looks]
        tables = {key: np.stack([look[key] for look in named]) for key in named[0]}
        return Episode(
            observations=tables,
            actions=np.stack(actions),
            rewards=np.array(rewards, np.float32),
            success=bool(info.get("is_success", False)),
            terminated=bool(over[0]),
        )

    def _act(self, seen: Any) -> NDArray[np.float32]:
        if self._rng.random() < self._stray.random_action:
            return self._rng.uniform(self._low, self._high).astype(np.float32)
        action = self.policy.act(seen)
        noise = self._stray.noise * (self._high - self._low) / 2 * self._rng.standard_normal(action.shape)
        return np.clip(action + noise, self._low, self._high).astype(np.float32)


def _serve(line: Connection, make_env: MakeEnv, record: dict[str, Any], options: dict[str, Any]) -> None:
    """What a collecting process does: play whenever weights come, until empty bytes come."""
    collector = None
    while True:
        try:
            asked = line.recv_bytes()
        except EOFError:
            return
        if not asked:
            return
        try:
            collector = collector or SerialCollector(make_env, record, **options)
            weights = load(asked)
            steps = int(weights.pop(_STEPS)[0])
            line.send_bytes(_packed(collector.collect(weights, steps)))
        except Exception as error:  # noqa: BLE001 - it is told to the one who asked
            text = f"{type(error).__name__}: {error}"
            line.send_bytes(save({_ERROR: np.frombuffer(text.encode(), np.uint8).copy()}))


def _packed(episodes: Sequence[Episode]) -> bytes:
    """Episodes as the bytes of one safetensors file."""
    tables: dict[str, NDArray[Any]] = {}
    for number, episode in enumerate(episodes):
        tables[f"{number}/actions"], tables[f"{number}/rewards"] = episode.actions, episode.rewards
        tables[f"{number}/flags"] = np.array([episode.terminated, episode.success])
        tables |= {f"{number}/{_SEEN}{key}": table for key, table in episode.observations.items()}
    return save({name: np.ascontiguousarray(table) for name, table in tables.items()})


def _unpacked(tables: dict[str, NDArray[Any]]) -> list[Episode]:
    """What `_packed` packed."""
    if _ERROR in tables:
        raise RuntimeError(f"a collecting process failed: {tables[_ERROR].tobytes().decode()}")
    numbers = sorted({int(name.split("/")[0]) for name in tables})
    episodes = []
    for number in numbers:
        start = f"{number}/{_SEEN}"
        seen = {name.removeprefix(start): table for name, table in tables.items() if name.startswith(start)}
        terminated, success = (bool(flag) for flag in tables[f"{number}/flags"])
        actions, rewards = tables[f"{number}/actions"], tables[f"{number}/rewards"]
        episodes.append(
            Episode(observations=seen, actions=actions, rewards=rewards, success=success, terminated=terminated)
        )
    return episodes
