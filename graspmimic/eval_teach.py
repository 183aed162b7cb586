"""`graspmimic eval teach`: tasks shown once by a simulated person, understood, and done by the robot elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from scipy.stats import binomtest

from geometry import InputError
from graspmimic.options import OptionalFile
from graspmimic.report import prepare_folder

if TYPE_CHECKING:
    from policies.execution import TrialOutcome


@dataclass(frozen=True, kw_only=True)
class EvalTeach:
    """Show ten tasks once each with synthetic keypoints, and let the robot do them in new scenes.

    A program counts as right where every step, thing and relation is what was shown. An execution counts as a success
    where the simulator's true state is what the task asks for, whatever the robot believes.
    """

    tasks: tuple[str, ...] = ()
    """Tasks; none: all ten."""
    noise_cm: tuple[float, ...] = (0.0, 1.0, 2.0)
    """Mean errors of the keypoints; above 0 the poses of things are off by 3 mm and 2 degrees, too."""
    demonstrations: int = 1
    """Demonstrations of each task and error, each by another person in another scene."""
    scenes: int = 10
    """New scenes for each demonstration."""
    tries: int = 4
    """How often the robot begins anew with one thing."""
    planned_grasps: bool = False
    """Plan grasps from the things' boxes instead of asking the grasp detector."""
    workers: int = 1
    """Processes, each of one thread."""
    seed: int = 0
    """Number of the first demonstration."""
    output: Path = Path("output/eval-teach")
    """Folder for trials.csv."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        numbers = (self.demonstrations, self.scenes, self.tries, self.workers)
        if min(numbers) < 1 or self.seed < 0 or min(self.noise_cm, default=-1.0) < 0.0:
            raise InputError(
                "options", expected="--demonstrations, --scenes, --tries, --workers at least 1, --noise-cm not below 0",
                got=f"{self}",
            )  # fmt: skip

    def run(self, console: Console) -> dict[str, Any]:
        """Play all trials."""
        from envs.workbench import TASKS

        if unknown := [task for task in self.tasks if task not in TASKS]:
            raise InputError("--tasks", expected=f"some of {', '.join(TASKS)}", got=", ".join(unknown))
        prepare_folder(self.output)
        outcomes = self._play(self.tasks or tuple(TASKS), console)
        self._write(outcomes)
        self._show(outcomes, console)
        return self._numbers(outcomes)

    def _play(self, tasks: Sequence[str], console: Console) -> list[TrialOutcome]:
        from envs.worker_processes import WorkerPool
        from policies.execution import TeachTrial

        trials = [
            TeachTrial(task=task, noise_m=0.01 * noise, demonstration=shown, scene=100 * shown + number)
            for task in tasks
            for noise in self.noise_cm
            for shown in range(self.seed, self.seed + self.demonstrations)
            for number in range(self.scenes)
        ]
        found: dict[int, TrialOutcome] = {}
        with Progress(console=console) as bars, WorkerPool(self.workers, _prepare, self.planned_grasps) as pool:
            bar = bars.add_task("trials", total=len(trials))
            for row, outcome in pool.as_done(partial(_trial, trial, self.tries) for trial in trials):
                found[row] = outcome
                bars.update(bar, advance=1)
        return [found[row] for row in range(len(trials))]

    def _write(self, outcomes: Sequence[TrialOutcome]) -> None:
        import csv

        from perception.figures import output_file

        rows = [{**asdict(each.trial), **{k: v for k, v in vars(each).items() if k != "trial"}} for each in outcomes]
        with output_file(self.output / "trials.csv") as draft, draft.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    def _show(self, outcomes: Sequence[TrialOutcome], console: Console) -> None:
        table = Table("task", *(f"{what} at {cm:g} cm" for cm in self.noise_cm for what in ("program", "done")))
        for task in (*_tasks(outcomes), "all"):
            cells = []
            for cm in self.noise_cm:
                these = [each for each in outcomes if _is_of(each, task, cm)]
                cells += [_share([not e.wrong for e in these]), _share([e.success for e in these])]
            table.add_row(task, *cells)
        console.print(table)

    def _numbers(self, outcomes: Sequence[TrialOutcome]) -> dict[str, Any]:
        results: dict[str, Any] = {"trials": len(outcomes)}
        for cm in self.noise_cm:
            for task in ("all", *_tasks(outcomes)):
                these = [each for each in outcomes if _is_of(each, task, cm)]
                name = f"{cm:g}cm_{task}"
                results[f"{name}_program"] = sum(not each.wrong for each in these) / len(these)
                results[f"{name}_success"] = sum(each.success for each in these) / len(these)
            everything = [each for each in outcomes if _is_of(each, "all", cm)]
            low, high = _interval([each.success for each in everything])
            results |= {f"{cm:g}cm_success_low": low, f"{cm:g}cm_success_high": high}
        results["cpu_s_per_trial"] = sum(each.cpu_s for each in outcomes) / len(outcomes)
        return results


_detect: Any = None


def _prepare(planned: bool) -> None:
    """In a worker: one thread, one detector."""
    global _detect
    import torch

    from policies.execution import detect_with

    torch.set_num_threads(1)
    _detect = None if planned else detect_with()


def _trial(trial: Any, tries: int) -> TrialOutcome:
    from policies.execution import ExecutionConfig, run_trial

    return run_trial(trial, detect=_detect, config=ExecutionConfig(tries=tries))


def _tasks(outcomes: Sequence[TrialOutcome]) -> list[str]:
    return list(dict.fromkeys(each.trial.task for each in outcomes))


def _is_of(outcome: TrialOutcome, task: str, cm: float) -> bool:
    return task in ("all", outcome.trial.task) and outcome.trial.noise_m == 0.01 * cm


def _interval(flags: Sequence[bool]) -> tuple[float, float]:
    low, high = binomtest(sum(flags), len(flags)).proportion_ci(method="wilson")
    return float(low), float(high)


def _share(flags: Sequence[bool]) -> str:
    low, high = _interval(flags)
    return f"{sum(flags) / len(flags):.2f} ({low:.2f} to {high:.2f})"
