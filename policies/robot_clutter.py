"""The clutter-removal scenes with the whole arm: many rounds, in parallel processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from threadpoolctl import threadpool_limits

from envs.cell import RobotCell
from envs.clutter import DIALECT_A, Dialect, Planner, PrivilegedPlanner, Rate, play_rounds, rate
from envs.objects import ObjectSet
from envs.scenes import Arrangement
from policies.clear_table import ClearConfig, ClearResult, StopReason, clear_table


@dataclass(frozen=True, kw_only=True)
class RobotRound:
    """One finished round."""

    seed: int
    """The seed that it belongs to."""
    round: int
    """Its number under that seed."""
    result: ClearResult
    """How it went."""


@dataclass(frozen=True, kw_only=True)
class RobotClutterResult:
    """What a run found."""

    rounds: tuple[RobotRound, ...]
    """Every round, by seed and number."""
    success: Rate
    """Picks that brought something to the bin, over picks carried out."""
    cleared: Rate
    """Objects in the bin over objects presented."""
    picks_per_hour: float
    """Objects in the bin per hour of robot time plus computing time, over all rounds."""
    stops: dict[StopReason, int]
    """How many rounds stopped for each reason."""
    plan_ms_p50: float
    """Median wall time of the grasp planner, NaN where nothing was picked."""


def run_robot_clutter(
    planner: Planner,
    objects: ObjectSet,
    *,
    dialect: Dialect = DIALECT_A,
    arrangement: Arrangement = "pile",
    rounds: int = 20,
    seeds: Sequence[int] = (0,),
    processes: int = 1,
    config: ClearConfig | None = None,
    on_round: Callable[[RobotRound], None] | None = None,
) -> RobotClutterResult:
    """Clear the benchmark's scenes with the whole Panda arm, at its real limits, into a bin.

    Scenes and camera noise are those that `envs.clutter.run_clutter_removal` has for the same seeds.

    Args:
        planner: see `envs.clutter.run_clutter_removal`.
        objects: the object set.
        dialect: scene, camera and physics.
        arrangement: "pile" or "packed".
        rounds: rounds for each seed.
        seeds: one run of `rounds` for each.
        processes: worker processes. Robot time and outcomes do not depend on it; computing time,
            which is wall time, does where the processes share cores.
        config: when a round stops.
        on_round: called in this process as rounds finish.
    """
    config = config or ClearConfig(
        max_consecutive_failures=dialect.max_consecutive_failures, max_looks_without_grasp=dialect.max_skips + 1
    )
    play = partial(_play_round, planner, dialect, objects, arrangement, config)
    finished: list[RobotRound] = []
    for done in play_rounds(play, rounds, seeds, processes):
        finished.append(done)
        if on_round is not None:
            on_round(done)
    finished.sort(key=lambda r: (r.seed, r.round))
    return _summarise(finished)


def _play_round(
    planner: Planner,
    dialect: Dialect,
    objects: ObjectSet,
    arrangement: Arrangement,
    config: ClearConfig,
    *,
    seed: int,
    round_index: int,
) -> RobotRound:
    with threadpool_limits(1):
        cell = RobotCell(dialect, objects, arrangement, np.random.default_rng([seed, round_index]))
        try:
            if isinstance(planner, PrivilegedPlanner):
                planner.bind(cell.simulation)
            result = clear_table(cell, planner, config, rng=np.random.default_rng([seed, round_index, 1]))
        finally:
            cell.close()
    return RobotRound(seed=seed, round=round_index, result=result)


def _summarise(rounds: Sequence[RobotRound]) -> RobotClutterResult:
    seeds, results = [r.seed for r in rounds], [r.result for r in rounds]
    plan_ms = [1e3 * pick.plan_s for r in results for pick in r.picks]
    hours = sum(r.robot_s + r.computing_s for r in results) / 3600.0
    return RobotClutterResult(
        rounds=tuple(rounds),
        success=rate(seeds, [r.successes for r in results], [r.attempts for r in results]),
        cleared=rate(seeds, [r.cleared for r in results], [r.presented for r in results]),
        picks_per_hour=sum(r.cleared for r in results) / hours if hours > 0.0 else 0.0,
        stops=dict(Counter(r.stop for r in results)),
        plan_ms_p50=float(np.median(plan_ms)) if plan_ms else float("nan"),
    )
