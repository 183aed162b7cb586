"""Clearing a table: look, plan, pick, place, look again, and stop with a reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from envs.cell import RobotCell
from envs.clutter import Observation, Planner, RankedGrasps
from geometry import FloatArray, InputError
from policies.cell_port import CellPort
from policies.pick_place import PickAndPlace, PickResult
from policies.pick_planning import PickConfig
from policies.stopwatch import Stopwatch
from policies.tried_grasps import untried_first

StopReason = Literal["cleared", "no grasp", "out of reach", "failures", "attempts"]


@dataclass(frozen=True, kw_only=True)
class ClearConfig:
    """When to stop."""

    max_consecutive_failures: int = 2
    """Stop after this many picks in a row that brought nothing to the bin."""
    max_attempts: int = 50
    """Stop after this many picks in all."""
    max_looks_without_grasp: int = 1
    """Stop after this many looks in a row at which no grasp was found or within reach."""
    pick: PickConfig = field(default_factory=PickConfig)
    """How the arm goes about a pick."""

    def __post_init__(self) -> None:
        if min(self.max_consecutive_failures, self.max_attempts, self.max_looks_without_grasp) < 1:
            raise InputError("ClearConfig", expected="limits of at least 1", got=f"{self}")


class Watcher:
    """Told what happens while a table is cleared; does nothing by itself."""

    def looked(self, observation: Observation, grasps: RankedGrasps) -> None:
        """The camera has looked and the planner has answered; the arm has not moved yet."""

    def picked(self, result: PickResult, delivered: int) -> None:
        """A pick is over, or none was within reach; `delivered` objects came to the bin."""


@dataclass(frozen=True, kw_only=True)
class Pick:
    """One pick that was carried out."""

    result: PickResult
    """How it went, as the robot can tell."""
    width_m: float
    """Opening that the planner gave."""
    score: float
    """The planner's score."""
    plan_s: float
    """Wall time of the grasp planner."""
    delivered: int
    """Objects that came to the bin, from the simulated world."""


@dataclass(frozen=True, kw_only=True)
class ClearResult:
    """How clearing a table went; the counts are true ones, from the simulated world."""

    presented: int
    """Objects on the table at the start."""
    cleared: int
    """Objects in the bin at the end."""
    lost: int
    """Objects that ended neither on the table nor in the bin."""
    picks: tuple[Pick, ...]
    """Every pick, in order."""
    stop: StopReason
    """Why it ended."""
    robot_s: float
    """Simulated time, the settling of the scene included."""
    computing_s: float
    """Wall time of grasp planning and motion planning."""

    @property
    def attempts(self) -> int:
        """Picks that were carried out."""
        return len(self.picks)

    @property
    def successes(self) -> int:
        """Picks that brought something to the bin."""
        return sum(pick.delivered > 0 for pick in self.picks)

    @property
    def picks_per_hour(self) -> float:
        """Objects in the bin per hour of robot time plus computing time."""
        total_s = self.robot_s + self.computing_s
        return 3600.0 * self.cleared / total_s if total_s > 0.0 else 0.0


def clear_table(
    cell: RobotCell,
    planner: Planner,
    config: ClearConfig | None = None,
    *,
    rng: np.random.Generator,
    watcher: Watcher | None = None,
) -> ClearResult:
    """Clear the table of a cell.

    Args:
        cell: with a settled scene.
        planner: any callable from an observation to ranked grasps.
        config: when to stop.
        rng: for the motion planner.
        watcher: told of each look and each pick, for pictures and progress.
    """
    config = config or ClearConfig()
    port = CellPort(cell, contact_force_n=config.pick.approach_force_n)
    with cell.obstacles() as collision:
        table_z_m = cell.scene.workspace.table_z_m
        skill = PickAndPlace(port, collision, config.pick, q_drop=cell.q_drop, table_z_m=table_z_m)
        return _clear(cell, planner, skill, config, rng, watcher or Watcher())


def _clear(
    cell: RobotCell,
    planner: Planner,
    skill: PickAndPlace,
    config: ClearConfig,
    rng: np.random.Generator,
    watcher: Watcher,
) -> ClearResult:
    presented, start_s = len(cell.scene.objects), cell.world.time_s
    failures = empty_looks = 0
    picks: list[Pick] = []
    tried: list[FloatArray] = []
    stop: StopReason = "cleared"
    while cell.scene.objects:
        if len(picks) == config.max_attempts:
            stop = "attempts"
            break
        observation = cell.observe()
        with skill.computing, (planning := Stopwatch()):
            grasps = untried_first(planner(observation), tried)
        watcher.looked(observation, grasps)
        result, delivered = None, 0
        if len(grasps.poses):
            result = skill.run(grasps, observation.cloud_world, rng)
            delivered = cell.sort_out()
            watcher.picked(result, delivered)
        if result is None or result.T_world_grasp is None:
            empty_looks += 1
            if empty_looks == config.max_looks_without_grasp:
                stop = "no grasp" if result is None else "out of reach"
                break
            continue
        empty_looks = 0
        picks.append(_record(grasps, result, planning.total_s, delivered))
        if delivered:
            failures = 0
            continue
        failures += 1
        tried.append(result.T_world_grasp)
        if failures == config.max_consecutive_failures:
            stop = "failures"
            break
    return ClearResult(
        presented=presented,
        cleared=len(cell.placed),
        lost=cell.lost,
        picks=tuple(picks),
        stop=stop,
        robot_s=cell.world.time_s - start_s,
        computing_s=skill.computing.total_s,
    )


def _record(grasps: RankedGrasps, result: PickResult, plan_s: float, delivered: int) -> Pick:
    return Pick(
        result=result,
        width_m=float(grasps.widths_m[result.grasp_index]),
        score=float(grasps.scores[result.grasp_index]),
        plan_s=plan_s,
        delivered=delivered,
    )
