"""Two simulators take turns on one machine, and what each step cost them.

They alternate in short windows, so that a busy or slow moment meets both, and each window of one is divided
by the neighbouring window of the other: ratios carry over to another machine, steps per second do not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol

import numpy as np
from gymnasium import Env
from stable_baselines3.common.vec_env import VecEnv

from geometry import FloatArray

Act = Callable[[Any], Any]
"""From an observation to an action."""


class Pace(NamedTuple):
    """What one window cost."""

    steps: int
    """Steps of single environments."""
    cpu_s: float
    """Of all threads, and of the worker processes."""
    wall_s: float

    @property
    def per_cpu_s(self) -> float:
        """Steps in a second of CPU time."""
        return self.steps / self.cpu_s

    @property
    def per_wall_s(self) -> float:
        """Steps in a second of wall time."""
        return self.steps / self.wall_s


class Runner(Protocol):
    """Whoever can take steps and say what they cost."""

    def run(self, steps: int) -> Pace:
        """Take about that many steps."""


class Race(NamedTuple):
    """Window by window, ours and the other's."""

    ours: list[Pace]
    theirs: list[Pace]

    def ratios(self, what: str = "per_cpu_s") -> FloatArray:
        """(windows,) how many times as fast we were, by "per_cpu_s" or "per_wall_s"."""
        return np.array([getattr(a, what) / getattr(b, what) for a, b in zip(self.ours, self.theirs, strict=True)])

    def results(self, name: str, other: str = "panda_gym", what: str = "per_cpu_s") -> dict[str, float]:
        """Medians and best windows of both, and the ratio: the median over pairs, and best over best."""
        ours, theirs = ([getattr(pace, what) for pace in paces] for paces in self)
        unit = what.removeprefix("per_")
        return {
            f"ratio_{name}": float(np.median(self.ratios(what))),
            f"ratio_{name}_best": max(ours) / max(theirs),
            f"steps_per_{unit}_{name}": float(np.median(ours)),
            f"steps_per_{unit}_{name}_best": max(ours),
            f"steps_per_{unit}_{name}_{other}": float(np.median(theirs)),
            f"steps_per_{unit}_{name}_{other}_best": max(theirs),
        }


class Single:
    """One environment that an agent plays; only `step` and `reset` are timed, the agent's thoughts are not.

    An episode goes on to its time limit, also where the environment says "terminated", so that both
    simulators spend the same share of their time in every part of it.
    """

    def __init__(self, env: Env[Any, Any], act: Act, seed: int) -> None:
        self._env, self._act = env, act
        self._observation, _ = env.reset(seed=seed)
        self.successes: list[bool] = []
        """Whether each finished episode ended in success."""

    def run(self, steps: int) -> Pace:
        """Take steps, with the resets that fall in between."""
        cpu_s, began = 0.0, time.perf_counter()
        for _ in range(steps):
            action = self._act(self._observation)
            start = time.process_time()
            self._observation, _, _, over, info = self._env.step(action)
            if over:
                self._observation, _ = self._env.reset()
            cpu_s += time.process_time() - start
            if over:
                self.successes.append(bool(info["is_success"]))
        return Pace(steps, cpu_s, time.perf_counter() - began)


class Many:
    """A vector environment of Stable-Baselines3 under random actions, with its worker processes."""

    def __init__(self, env: VecEnv, workers: Iterable[int], rng: np.random.Generator) -> None:
        self._env, self._workers, self._rng = env, tuple(workers), rng
        env.seed(int(rng.integers(2**31)))
        env.reset()

    def run(self, steps: int) -> Pace:
        """Take that many steps of single environments, rounded up to all environments at once."""
        rounds, (size,) = -(-steps // self._env.num_envs), self._env.action_space.shape or ()
        actions = self._rng.uniform(-1.0, 1.0, (rounds, self._env.num_envs, size)).astype(np.float32)
        cpu_s, began = self._cpu_s(), time.perf_counter()
        for action in actions:
            self._env.step(action)
        return Pace(rounds * self._env.num_envs, self._cpu_s() - cpu_s, time.perf_counter() - began)

    def _cpu_s(self) -> float:
        """CPU time of this process and the workers, which are still alive: resource usage counts the dead alone."""
        return time.process_time() + sum(time.clock_gettime(_cpu_clock(pid)) for pid in self._workers)


def race(ours: Runner, theirs: Runner, *, windows: int, steps: int, on_window: Callable[[], None]) -> Race:
    """Let both take turns; a tenth of a window before the first one does not count.

    Args:
        ours: of this package.
        theirs: the other.
        windows: turns of each.
        steps: in one window.
        on_window: called after each pair.
    """
    for each in (ours, theirs):
        each.run(max(1, steps // 10))
    found = Race([], [])
    for _ in range(windows):
        found.ours.append(ours.run(steps))
        found.theirs.append(theirs.run(steps))
        on_window()
    return found


def _cpu_clock(pid: int) -> int:
    """The clock of a process' CPU time. Source: Linux, clock_getcpuclockid(3), MAKE_PROCESS_CPUCLOCK."""
    return (~pid << 3) | 2
