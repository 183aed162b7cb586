"""What an imitation policy is worth: seeded episodes, how far each came, and how long a decision takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray

from envs.worker_processes import WorkerPool
from geometry import InputError
from policies.demonstrations.observation_keys import named
from policies.imitation.policy import Policy
from policies.imitation.stages import StageWatch, stages_of
from policies.reinforcement.evaluation import Act, Evaluation, evaluate

OnEpisode = Callable[[int], None]


class PolicyEvaluation(NamedTuple):
    """Episodes of one policy, all to their time limits; episodes of equal seeds have equal starts."""

    evaluation: Evaluation
    """Success at the end and once, returns."""
    stages: dict[str, NDArray[np.bool_]]
    """(E,) whether each stage was reached, by its name."""
    action_ms: NDArray[np.float64]
    """(E,) mean time of an action, with its share of the chunk that it came from."""
    decision_ms: NDArray[np.float64]
    """(E,) longest time of an action: that of a new chunk, where actions come in chunks."""

    @property
    def at_end(self) -> float:
        """Share of episodes that ended in success."""
        return self.evaluation.at_end


def act_of(policy: Policy) -> Act:
    """A policy as `evaluate` and `film_episodes` take one; who plays must call `policy.reset` between episodes."""

    def act(observation: Any) -> NDArray[np.float32]:
        return policy.select_action(named(observation))

    return act


def evaluate_policy(
    policy: Policy,
    env: gymnasium.Env[Any, Any],
    *,
    episodes: int,
    seed: int,
    on_episode: OnEpisode | None = None,
) -> PolicyEvaluation:
    """Play episodes to their time limits, each with a seed of its own.

    Args:
        policy: on the CPU.
        env: with its time limit, as `gymnasium.make` gives it.
        episodes: how many.
        seed: of the first; the others count up.
        on_episode: called with the number of finished episodes.
    """
    return evaluate_acts(act_of(policy), policy.reset, env, episodes=episodes, seed=seed, on_episode=on_episode)


def evaluate_acts(
    act: Act,
    reset: Callable[[], None],
    env: gymnasium.Env[Any, Any],
    *,
    episodes: int,
    seed: int,
    on_episode: OnEpisode | None = None,
) -> PolicyEvaluation:
    """The same for whoever acts.

    Args:
        act: from an observation to an action.
        reset: called when an episode begins.
        env: see `evaluate_policy`.
        episodes: see `evaluate_policy`.
        seed: see `evaluate_policy`.
        on_episode: see `evaluate_policy`.
    """
    times: list[float] = []
    mean_ms, longest_ms = [], []
    watch = StageWatch(env, stages_of(env), reset)
    reached: dict[str, list[bool]] = {name: [] for name in watch.reached}

    def timed(observation: Any) -> NDArray[np.float32]:
        begin = time.perf_counter()
        action = act(observation)
        times.append(time.perf_counter() - begin)
        return action

    def ended(number: int) -> None:
        for name, flags in reached.items():
            flags.append(watch.reached[name])
        mean_ms.append(1e3 * float(np.mean(times)))
        longest_ms.append(1e3 * max(times))
        times.clear()
        if on_episode is not None:
            on_episode(number)

    result = evaluate(timed, watch, episodes=episodes, seed=seed, on_episode=ended)
    stages = {name: np.array(flags) for name, flags in reached.items()}
    return PolicyEvaluation(result, stages, np.array(mean_ms), np.array(longest_ms))


def evaluate_in_processes(
    policy: Policy,
    env_id: str,
    env_options: Mapping[str, Any],
    *,
    episodes: int,
    seed: int,
    workers: int,
    on_episode: OnEpisode | None = None,
) -> PolicyEvaluation:
    """`evaluate_policy` with the episodes shared out; the results are the same, the times are those of busy cores.

    Args:
        policy: on the CPU.
        env_id: as `gymnasium.make` takes it.
        env_options: for `gymnasium.make`.
        episodes: how many.
        seed: of the first.
        workers: processes.
        on_episode: called with the number of finished episodes.
    """
    if workers < 1:
        raise InputError("evaluate_in_processes", expected="at least one process", got=f"{workers}")
    size = max(1, min(10, episodes // workers))
    shares = [(seed + first, min(size, episodes - first)) for first in range(0, episodes, size)]
    calls = [partial(_evaluate_share, policy, env_id, dict(env_options), share) for share in shares]
    parts: dict[int, PolicyEvaluation] = {}
    done = 0
    with WorkerPool(workers, torch.set_num_threads, 1) as pool:
        for number, part in pool.as_done(calls):
            parts[number] = part
            done += len(part.action_ms)
            if on_episode is not None:
                on_episode(done)
    return _joined([parts[number] for number in range(len(shares))])


def _evaluate_share(
    policy: Policy, env_id: str, env_options: Mapping[str, Any], share: tuple[int, int]
) -> PolicyEvaluation:
    env = gymnasium.make(env_id, **env_options)
    seed, episodes = share
    try:
        return evaluate_policy(policy, env, episodes=episodes, seed=seed)
    finally:
        env.close()


def _joined(parts: list[PolicyEvaluation]) -> PolicyEvaluation:
    tables = zip(*(part.evaluation for part in parts), strict=True)
    return PolicyEvaluation(
        Evaluation(*(np.concatenate(table) for table in tables)),
        {name: np.concatenate([part.stages[name] for part in parts]) for name in parts[0].stages},
        np.concatenate([part.action_ms for part in parts]),
        np.concatenate([part.decision_ms for part in parts]),
    )
