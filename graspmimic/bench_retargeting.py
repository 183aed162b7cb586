"""`graspmimic bench retargeting`: a hand's move done again by the gripper, by the error of the keypoints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from geometry import InputError
from graspmimic.options import OptionalFile
from graspmimic.report import prepare_folder

if TYPE_CHECKING:
    from policies.retargeting.replay_trial import ReplayOutcome
    from policies.retargeting.shown_move import Contact
    from policies.retargeting.shown_policy import ShownCell

_CONTACTS: tuple[Contact, ...] = ("thing", "fingers")
_SHARE = 10
"""Trials that a process does at a time."""


@dataclass(frozen=True, kw_only=True)
class BenchRetargeting:
    """A simulated person carries a cube; the gripper does the same move in another scene of PickPlace.

    Keypoints are synthetic, with errors of stated mean size. Each trial has its own person, shown scene and new scene,
    the same for every error and both ways to tell when the hand holds: by the thing, which begins to move, or by the
    fingers' opening. With --policies, shown moves become episodes, and these a policy, beside one that learned from
    the scripted expert; that takes some two minutes of processor time for each policy.
    """

    noise_cm: tuple[float, ...] = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
    """Mean errors of the keypoints."""
    trials: int = 100
    """For each error and each way; their seeds begin at 500000."""
    policies: bool = False
    """Learn from shown moves too."""
    shown: tuple[int, ...] = (1, 3, 10)
    """Numbers of moves, at 1 cm, that a policy's episodes are made of."""
    seeds: int = 3
    """Policies for each of these numbers."""
    workers: int = 1
    """Processes, each of one thread."""
    seed: int = 0
    """The trials of another seed have other persons and scenes."""
    output: Path = Path("output/bench-retargeting")
    """Folder of table.md, retargeting.png, trials.csv and the policies."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        numbers = (self.trials, self.seeds, self.workers, *self.shown)
        if min(numbers) < 1 or self.seed < 0 or not self.shown:
            raise InputError("options", expected="--trials, --seeds, --workers, --shown at least 1", got=f"{self}")
        if self.trials > 1000:
            raise InputError("--trials", expected="at most 1000, so that seeds share no scene", got=f"{self.trials}")
        if not self.noise_cm or not all(0.0 <= cm <= 20.0 for cm in self.noise_cm):
            raise InputError("--noise-cm", expected="errors of 0 to 20 cm", got=f"{self.noise_cm}")

    def run(self, console: Console) -> dict[str, Any]:
        """Try, learn, tell."""
        from graspmimic import retargeting_report as report

        prepare_folder(self.output)
        console.print(self)
        cells = list(dict.fromkeys((0.01 * cm, contact) for cm in self.noise_cm for contact in _CONTACTS))
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console) as bars:
            outcomes = self._try(cells, bars)
            rows = self._learn(bars) if self.policies else []
        report.write_trials(outcomes, self.output / "trials.csv")
        report.show(outcomes, rows, console)
        report.write_tables(outcomes, rows, self.output / "table.md")
        report.write_figure(outcomes, self.output / "retargeting.png")
        console.print(f"{self.output}/table.md, {self.output}/retargeting.png")
        return report.numbers(outcomes, rows)

    def _try(self, cells: Sequence[tuple[float, Contact]], bars: Progress) -> dict[tuple[float, str], list[Any]]:
        from policies.reinforcement import TEST_SEED

        first = TEST_SEED + 1000 * self.seed
        jobs = [(cell, seed) for cell in cells for seed in range(first, first + self.trials, _SHARE)]
        bar = bars.add_task("replaying", total=self.trials * len(cells))
        found: dict[tuple[tuple[float, str], int], list[ReplayOutcome]] = {}
        shares = [(_trials, (*cell, seed, min(_SHARE, first + self.trials - seed))) for cell, seed in jobs]
        for number, outcomes in self._each(shares):
            found[jobs[number]] = outcomes
            bars.advance(bar, len(outcomes))
        return {cell: [one for job in jobs if job[0] == cell for one in found[job]] for cell in cells}

    def _learn(self, bars: Progress) -> list[dict[str, Any]]:
        from policies.retargeting.shown_policy import ShownCell

        cells = [
            ShownCell(shown=shown, seed=self.seed + seed) for shown in (*self.shown, 0) for seed in range(self.seeds)
        ]
        bar = bars.add_task("learning", total=len(cells))
        rows: dict[int, dict[str, Any]] = {}
        for number, row in self._each([(_policy, (cell, self.output / "policies")) for cell in cells]):
            rows[number] = row
            bars.advance(bar)
        return [rows[number] for number in range(len(cells))]

    def _each(self, jobs: Sequence[tuple[Any, tuple[Any, ...]]]) -> Iterator[tuple[int, Any]]:
        """Results with the numbers of their jobs, as they come."""
        if self.workers == 1:
            yield from ((number, work(*given)) for number, (work, given) in enumerate(jobs))
            return
        from envs.worker_processes import WorkerPool

        with WorkerPool(self.workers) as pool:
            yield from pool.as_done(partial(work, *given) for work, given in jobs)


def _trials(noise_m: float, contact: Contact, seed: int, count: int) -> list[ReplayOutcome]:
    from policies.reinforcement import make_task_env
    from policies.retargeting.replay import TASK
    from policies.retargeting.replay_trial import replay_trial

    env = make_task_env(TASK)
    try:
        return [replay_trial(env, number, noise_m, contact) for number in range(seed, seed + count)]
    finally:
        env.close()


def _policy(cell: ShownCell, output: Path) -> dict[str, Any]:
    from policies.retargeting.shown_policy import run_shown_cell

    return run_shown_cell(cell, output)
