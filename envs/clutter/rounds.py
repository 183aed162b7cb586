"""One round of clutter removal: look, plan, grasp, until the table is empty or the planner fails."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from threadpoolctl import threadpool_limits

from envs.clutter.observation import Observation, Planner, RankedGrasps
from envs.clutter.protocol import Dialect
from envs.clutter.simulation import ClutterSimulation, Execution
from envs.objects import ObjectSet
from envs.scenes import Arrangement
from geometry import FloatArray, InputError

Ending = Literal["cleared", "no grasp", "failures"]
FailureRecorder = Callable[[Observation, RankedGrasps, str], None]


@runtime_checkable
class PrivilegedPlanner(Protocol):
    """A planner that may look into the simulation; only the oracle should."""

    def bind(self, simulation: ClutterSimulation) -> None:
        """Called once a round, before the first observation."""

    def __call__(self, observation: Observation) -> RankedGrasps:
        """Plan as any planner does."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One executed grasp."""

    seed: int
    """The seed that its round belongs to."""
    round: int
    """The round's number under that seed."""
    attempt: int
    """Counts the grasps of a round from 0."""
    T_world_grasp: FloatArray
    """(4, 4) the grasp that was tried."""
    planned_width_m: float
    """Opening that the planner gave; not used by the hand."""
    score: float
    """The planner's score."""
    execution: Execution
    """How it went."""
    plan_s: float
    """Wall time of the planner."""


@dataclass(frozen=True, kw_only=True)
class Round:
    """One finished round."""

    seed: int
    """The seed that it belongs to."""
    round: int
    """Its number under that seed."""
    presented: int
    """Objects on the table at the start."""
    ending: Ending
    """Why it ended."""
    attempts: tuple[Attempt, ...]
    """Every executed grasp, in order."""

    @property
    def grasped(self) -> int:
        """Grasps that succeeded."""
        return sum(a.execution.success for a in self.attempts)


def run_round(
    planner: Planner,
    dialect: Dialect,
    objects: ObjectSet,
    arrangement: Arrangement,
    *,
    seed: int,
    round_index: int,
    record_failure: FailureRecorder | None = None,
) -> Round:
    """Play one round; the same seed and index give the same round, bit for bit.

    The scene, the noise and the planner's randomness come from `seed` and `round_index` alone, and
    numerical libraries run on one thread, so that the result does not depend on the process it runs in.

    Args:
        planner: any callable from an `Observation` to ranked grasps; see `PrivilegedPlanner` for the oracle.
        dialect: the rules.
        objects: what the scene is made from.
        arrangement: "pile" or "packed".
        seed: the run's seed.
        round_index: the round's number under it.
        record_failure: called with the observation, the grasps and a name after each failed grasp.
    """
    with threadpool_limits(1):
        simulation = ClutterSimulation(dialect, objects, arrangement, np.random.default_rng([seed, round_index]))
        try:
            if isinstance(planner, PrivilegedPlanner):
                planner.bind(simulation)
            presented = len(simulation.scene.objects)
            attempts, ending = _play(planner, simulation, seed, round_index, record_failure)
        finally:
            simulation.close()
    return Round(seed=seed, round=round_index, presented=presented, ending=ending, attempts=tuple(attempts))


def _play(
    planner: Planner,
    simulation: ClutterSimulation,
    seed: int,
    round_index: int,
    record_failure: FailureRecorder | None,
) -> tuple[list[Attempt], Ending]:
    attempts: list[Attempt] = []
    skips = failures = 0
    while simulation.scene.objects and failures < simulation.dialect.max_consecutive_failures:
        observation = replace(simulation.observe(), skips_left=simulation.dialect.max_skips - skips)
        grasps, plan_s = _plan(planner, observation)
        if grasps is None:
            skips += 1
            if skips > simulation.dialect.max_skips:
                return attempts, "no grasp"
            continue
        T_world_grasp = _best_pose(grasps)
        execution = simulation.execute(T_world_grasp)
        failures = 0 if execution.success else failures + 1
        if record_failure is not None and not execution.success:
            name = f"seed{seed}_round{round_index:03d}_attempt{len(attempts)}_{execution.outcome.replace(' ', '-')}"
            record_failure(observation, grasps, name)
        attempts.append(
            Attempt(
                seed=seed,
                round=round_index,
                attempt=len(attempts),
                T_world_grasp=T_world_grasp,
                planned_width_m=float(grasps.widths_m[0]),
                score=float(grasps.scores[0]),
                execution=execution,
                plan_s=plan_s,
            )
        )
    return attempts, "failures" if simulation.scene.objects else "cleared"


def _plan(planner: Planner, observation: Observation) -> tuple[RankedGrasps | None, float]:
    """The planner's grasps, or None where there are none, and its wall time; an empty cloud is nothing to plan on."""
    if len(observation.cloud_world) == 0:
        return None, 0.0
    _ = observation.tsdf  # integrated before the clock starts: the published planning times leave it out
    start_s = time.perf_counter()
    grasps = planner(observation)
    plan_s = time.perf_counter() - start_s
    return (grasps if len(grasps.poses) else None), plan_s


def _best_pose(grasps: RankedGrasps) -> FloatArray:
    """The first pose, checked: other people's planners come in here."""
    pose = np.array(grasps.poses[0], dtype=np.float64)
    rigid = pose.shape == (4, 4) and np.all(np.isfinite(pose)) and np.allclose(pose[3], (0, 0, 0, 1))
    if not rigid or not np.allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-3) or np.linalg.det(pose) < 0.0:
        raise InputError("planner", expected="poses (N, 4, 4) of rigid transforms", got=f"{pose.tolist()}")
    return pose
