"""One trial of teaching: a task is shown once, understood, and done by the robot where everything lies elsewhere.

All keypoints are synthetic: those of a simulated person, with a stated error.
"""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from envs.workbench import TASKS, BenchScene, Workbench
from policies.execution.bench_film import BenchFilm
from policies.execution.executor import ExecutionConfig, execute
from policies.execution.grasp_choice import Detect
from policies.execution.result import ExecutionResult
from policies.programs import ShownTask, TaskProgram, program_from_recording
from policies.programs.match_study import first_difference, shown_example

_SETTLE_S = 0.5


@dataclass(frozen=True, kw_only=True)
class TeachTrial:
    """What is shown, and where it is done."""

    task: str
    """Which of the ten."""
    noise_m: float
    """Mean error of the keypoints."""
    demonstration: int
    """Seed of the person, the shown scene and the errors."""
    scene: int
    """Number of the scene in which it is done."""


@dataclass(frozen=True, kw_only=True)
class TrialOutcome:
    """What came of a trial."""

    trial: TeachTrial
    """Which."""
    wrong: str
    """The first step of the program that is not what was shown; empty where all are."""
    success: bool
    """Whether everything is true at the end that the task asks for, by the simulator's true state."""
    completed: bool
    """Whether the robot believes so."""
    why: str
    """The first step that failed, and why; or why there is no program."""
    retries: int
    """Steps that took more than one try."""
    robot_s: float
    """Simulated time."""
    cpu_s: float
    """Processor time of understanding and doing."""


def run_trial(trial: TeachTrial, *, detect: Detect | None, config: ExecutionConfig | None = None) -> TrialOutcome:
    """Show, understand, do.

    Args:
        trial: which.
        detect: the grasp detector (see `execute`).
        config: how stubborn the robot is.
    """
    begin = time.process_time()
    example = shown_example(trial.task, trial.demonstration, trial.noise_m)
    shown = program_from_recording(example.frames)
    wrong = first_difference(example.signature, shown)
    scene = scene_of(trial)
    if shown.program is None:
        return _outcome(trial, wrong, shown, None, False, begin)
    result, success = do_at(scene, shown.program, seed=_seed(trial), detect=detect, config=config)
    return _outcome(trial, wrong, shown, result, success, begin)


def scene_of(trial: TeachTrial) -> BenchScene:
    """The scene in which a trial's task is done; the same for every demonstration and error."""
    return TASKS[trial.task].draw(np.random.default_rng(_seed(trial)))


def do_at(
    scene: BenchScene,
    program: TaskProgram,
    *,
    seed: list[int],
    detect: Detect | None,
    config: ExecutionConfig | None = None,
    film: Path | None = None,
) -> tuple[ExecutionResult, bool]:
    """Do a program in a scene: what the robot tells, and whether the scene's goals are truly met.

    Args:
        scene: where.
        program: what.
        seed: of sensors, sight and planner.
        detect: the grasp detector (see `execute`).
        config: how stubborn the robot is.
        film: file for a film of it, `.mp4`.
    """
    bench = Workbench(
        scene.things, scene.layout, rng=np.random.default_rng([*seed, 1]), balls=scene.balls, taker_m=scene.taker_m
    )
    try:
        with nullcontext() if film is None else BenchFilm(bench, film):
            result = execute(program, bench, rng=np.random.default_rng([*seed, 2]), detect=detect, config=config)
            bench.wait(_SETTLE_S)
        return result, scene.succeeded(bench.outcome())
    finally:
        bench.close()


def _seed(trial: TeachTrial) -> list[int]:
    return [trial.scene, list(TASKS).index(trial.task), 7]


def _outcome(
    trial: TeachTrial, wrong: str, shown: ShownTask, result: ExecutionResult | None, success: bool, begin: float
) -> TrialOutcome:
    failed = None if result is None else next((each for each in result.steps if each.status == "failed"), None)
    why = shown.reason if result is None else "; ".join(result.notes)
    if failed is not None:
        why = f"{type(failed.step).__name__} {failed.step.object}: {failed.why}"
    return TrialOutcome(
        trial=trial,
        wrong=wrong,
        success=success,
        completed=result is not None and result.completed,
        why=why,
        retries=0 if result is None else sum(each.status == "retried" for each in result.steps),
        robot_s=0.0 if result is None else result.robot_s,
        cpu_s=time.process_time() - begin,
    )
