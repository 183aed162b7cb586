"""`graspmimic bench envs`: what a step of our tasks costs beside panda-gym's, and what the saving does to a grasp."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from geometry import InputError
from graspmimic.envs_race import Many, Race, Runner, Single, race
from graspmimic.envs_report import envs_tables, flat_results, write_windows
from graspmimic.options import OptionalFile
from graspmimic.panda_gym_side import (
    VERSION,
    make_panda_gym,
    make_panda_gym_workers,
    panda_gym_grasp,
    require_panda_gym,
)
from graspmimic.report import prepare_folder
from graspmimic.scripted_tracks import scripted_results
from policies.experts import make_expert
from policies.reinforcement.sb3_vec_env import SB3VecEnv

_TASKS = ("Reach", "Push", "PickPlace")
_GRASPING = "PickPlace"
_ENVS_PER_WORKER = 8
_SHARE = 4
"""How many times as many steps a turn of several processes takes."""
_BUSY = 0.5
"""Other processes' share of a core from which the console says that wall times are too long."""


@dataclass(frozen=True, kw_only=True)
class BenchEnvs:
    """Race the tasks against panda-gym 3.0.7 in one interleaved run, both at 25 Hz of control.

    Reach, Push and PickPlace under random actions, PickPlace under a scripted grasp too: environments take
    turns, what counts are steps per second of CPU time, and the ratio of each pair of windows. Then the
    same for several processes: ours with 8 environments in each, panda-gym's in Stable-Baselines3's
    SubprocVecEnv; the cost of a depth image of 64 x 64 as observation; and scripted grasps under our
    default physics against the finer reference. Ratios of wall time want an idle machine.
    """

    windows: int = 40
    """Turns of each side in each race."""
    steps: int = 100
    """Steps of an environment in one turn; several processes take four times as many together."""
    workers: int = 4
    """Processes of each side in the race of several."""
    episodes: int = 60
    """Scripted grasps."""
    seed: int = 0
    """Seed of actions and episodes."""
    output: Path = Path("output/bench-envs")
    """Folder for windows.csv."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        if min(self.windows, self.workers, self.episodes) < 1 or self.steps < 50 or self.seed < 0:
            raise InputError(
                "options",
                expected="--windows, --workers, --episodes of at least 1, --steps of at least 50, --seed >= 0",
                got=f"windows={self.windows}, workers={self.workers}, episodes={self.episodes}, "
                f"steps={self.steps}, seed={self.seed}",
            )

    def run(self, console: Console) -> dict[str, Any]:
        """Run all races and return the flat results."""
        require_panda_gym()
        prepare_folder(self.output)
        console.print(self)
        busy = os.getloadavg()[0]
        results: dict[str, Any] = {"panda_gym": VERSION, "cores": os.cpu_count()}
        races: dict[str, Race] = {}
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console) as progress:

            def bar(what: str, total: int) -> Callable[[], None]:
                return partial(progress.advance, progress.add_task(what, total=total))

            for task in _TASKS:
                races[task.lower()] = self._random(task, bar(task, self.windows))
            races["scripted"], successes = self._scripted(bar(f"{_GRASPING}, scripted", self.windows))
            races["workers"] = self._several(bar(f"{_GRASPING}, {self.workers} workers", self.windows))
            races["depth"] = self._depth(bar(f"{_GRASPING}, depth image", self.windows))
            grasps = bar(f"{_GRASPING}, against fine physics", self.episodes)
            scripted = scripted_results(_GRASPING, episodes=self.episodes, seed=self.seed, on_episode=grasps)
        results |= flat_results(races) | successes | scripted
        write_windows(races, self.output / "windows.csv")
        labels = {task.lower(): task for task in _TASKS} | {"scripted": f"{_GRASPING}, scripted"}
        for table in envs_tables(results, labels, self.workers):
            console.print(table)
        if busy > _BUSY:
            console.print(f"[yellow]Other work kept {busy:.1f} cores busy when this began: wall times are too long.")
        console.print(f"Window by window: {self.output / 'windows.csv'}")
        return results

    def _race(self, ours: Runner, theirs: Runner, on_window: Callable[[], None], share: int = 1) -> Race:
        return race(ours, theirs, windows=self.windows, steps=share * self.steps, on_window=on_window)

    def _random(self, task: str, on_window: Callable[[], None]) -> Race:
        """One task under random actions, environment against environment."""
        ours, theirs = _make(task), make_panda_gym(task)
        try:
            return self._race(self._rolling(ours), self._rolling(theirs), on_window)
        finally:
            ours.close()
            theirs.close()

    def _scripted(self, on_window: Callable[[], None]) -> tuple[Race, dict[str, float]]:
        """Grasps, where contacts cost time; also how often each side's script had the cube at the goal in the end."""
        ours, theirs = _make(_GRASPING), make_panda_gym(_GRASPING)
        expert = make_expert(_GRASPING)  # this one looks at nothing but the present state
        sides = (
            Single(ours, lambda _: expert.act(ours.unwrapped), self.seed),  # type: ignore[arg-type]
            Single(theirs, panda_gym_grasp, self.seed),
        )
        try:
            found = self._race(*sides, on_window)
        finally:
            ours.close()
            theirs.close()
        shares = [float(np.mean(side.successes)) for side in sides]
        return found, {"scripted_success_in_race": shares[0], "scripted_success_in_race_panda_gym": shares[1]}

    def _several(self, on_window: Callable[[], None]) -> Race:
        """As a learner would use all cores."""
        rng = np.random.default_rng(self.seed)
        ours = SB3VecEnv.from_id(f"graspmimic/{_GRASPING}-v0", self.workers * _ENVS_PER_WORKER, workers=self.workers)
        theirs = make_panda_gym_workers(_GRASPING, self.workers)
        try:
            pids = [process.pid for process in theirs.processes]
            return self._race(Many(ours, ours.vector_env.worker_pids, rng), Many(theirs, pids, rng), on_window, _SHARE)
        finally:
            ours.close()
            theirs.close()

    def _depth(self, on_window: Callable[[], None]) -> Race:
        """Depth images against numbers, both ours."""
        state, depth = _make(_GRASPING), _make(_GRASPING, observation="depth")
        try:
            return self._race(self._rolling(state), self._rolling(depth), on_window)
        finally:
            state.close()
            depth.close()

    def _rolling(self, env: gymnasium.Env[Any, Any]) -> Single:
        """An environment under random actions."""
        rng, shape = np.random.default_rng(self.seed), env.action_space.shape
        return Single(env, lambda _: rng.uniform(-1.0, 1.0, shape).astype(np.float32), self.seed)


def _make(task: str, **options: Any) -> gymnasium.Env[Any, Any]:
    return gymnasium.make(f"graspmimic/{task}-v0", disable_env_checker=True, **options)
