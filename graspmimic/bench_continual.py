"""`graspmimic bench continual`: five tasks one after the other, learned in different ways, and what is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from geometry import InputError
from graspmimic.continual_report import continual_picture, continual_results, continual_table, write_rates
from graspmimic.options import OptionalFile
from graspmimic.report import prepare_folder

if TYPE_CHECKING:
    from policies.imitation.continual import ContinualJob, Rates

Run = tuple[str, int]
"""Name of the way of learning, and the seed."""
WAYS = ("naive", "ewc", "ewc-online", "replay", "joint")


@dataclass(frozen=True, kw_only=True)
class BenchContinual:
    """Learn tasks one after the other and tell what each learner keeps of the earlier ones.

    naive trains on each task alone; ewc holds the weights that mattered (elastic weight consolidation), with a
    penalty for each task or, ewc-online, one that fades; replay mixes in a few episodes of each earlier task; joint
    trains on all tasks at once for as many steps, as an upper bound. All have the same network, told by a flag which
    task is to be done, the same demonstrations of the scripted experts, and the same starts, which no training saw.
    Weights are those of the end of each task's training. What is done is kept in --output, and the same command goes
    on where it was stopped.
    """

    tasks: tuple[str, ...] = ("Reach", "Push", "PickPlace", "Lift", "Detour")
    """In this order."""
    ways: tuple[str, ...] = WAYS
    """Of learning: naive, ewc, ewc-online, replay, joint."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Of weights and draws; the demonstrations are the same."""
    demos: int = 100
    """Demonstrations of each task."""
    steps: int = 2000
    """Optimiser steps for each task."""
    strength: float = 1e4
    """Lambda of ewc."""
    online_strength: float = 1e4
    """Lambda of ewc-online."""
    fading: float = 0.9
    """Gamma of ewc-online."""
    kept: int = 10
    """Demonstrations of each earlier task that replay keeps."""
    share: float = 0.5
    """Share of the windows that replay draws from them."""
    cell: int = 50
    """Episodes for each task after each training."""
    last: int = 100
    """Episodes for each task at the end."""
    workers: int = 1
    """Processes."""
    validation: bool = False
    """Judge on starts from seed 1000000 instead of the test's, to choose settings by."""
    seed: int = 0
    """Number of the set of demonstrations."""
    output: Path = Path("output/bench-continual")
    """Folder of demonstrations, runs, rates.json and continual.png."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.ways) - set(WAYS)):
            raise InputError("--ways", expected=f"some of {', '.join(WAYS)}", got=", ".join(unknown))
        if not self.tasks or not self.ways or not self.seeds or min(self.demos, self.workers, *self.seeds, 0) < 0:
            raise InputError("options", expected="tasks, ways and seeds", got=f"{self}")
        if min(self.demos, self.workers, self.steps) < 1:
            raise InputError("options", expected="--demos, --workers and --steps of at least 1", got=f"{self}")

    def run(self, console: Console) -> dict[str, Any]:
        """Collect, learn, tell."""
        prepare_folder(self.output)
        console.print(self)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console) as bars:
            folders = self._collect(bars)
            jobs = dict(self._jobs(folders))
            bar = bars.add_task("learning", total=len(jobs))
            runs: dict[Run, Rates] = {}
            for run, rates in self._learn(jobs):
                runs[run] = rates
                bars.advance(bar)
        ordered = {run: runs[run] for run in jobs}
        write_rates(self.output / "rates.json", self.tasks, ordered)
        console.print(continual_table(ordered))
        continual_picture(self.tasks, ordered, self.output / "continual.png")
        console.print(f"{self.output / 'continual.png'}")
        return continual_results(self.tasks, ordered, self.last)

    def _collect(self, bars: Progress) -> list[Path]:
        from policies.demonstrations import HOLD_STEPS, collect, expert_plan

        bar = bars.add_task("demonstrations", total=len(self.tasks))
        folders = []
        for task in self.tasks:
            folders.append(self.output / "demonstrations" / task)
            collect(expert_plan(task, seed=self.seed, hold_steps=HOLD_STEPS), folders[-1], episodes=self.demos)
            bars.advance(bar)
        return folders

    def _jobs(self, folders: list[Path]) -> Iterator[tuple[Run, ContinualJob]]:
        from policies.imitation import TrainingConfig
        from policies.imitation.continual import ContinualConfig, ContinualJob, Looks, ReplaySettings
        from policies.reinforcement import TEST_SEED

        for seed in self.seeds:
            for way in self.ways:
                online = way == "ewc-online"
                springs = (
                    {"strength": self.online_strength, "fading": self.fading} if online else {"strength": self.strength}
                )
                replay = {"replay": ReplaySettings(episodes=self.kept, share=self.share)}
                config = ContinualConfig(
                    method="ewc" if online else way,  # type: ignore[arg-type]
                    training=TrainingConfig(steps=self.steps, batch_size=128),
                    **(springs if way.startswith("ewc") else replay),
                )
                yield (
                    (way, seed),
                    ContinualJob(
                        data=tuple(folders),
                        episodes=self.demos,
                        config=config,
                        looks=Looks(cell=self.cell, last=self.last),
                        seed=seed,
                        judged_from=1_000_000 if self.validation else TEST_SEED,
                        output=self.output / f"{way}-{seed}",
                    ),
                )

    def _learn(self, jobs: dict[Run, ContinualJob]) -> Iterator[tuple[Run, Rates]]:
        if self.workers == 1:
            yield from ((run, job.run()) for run, job in jobs.items())
            return
        from envs.worker_processes import WorkerPool

        with WorkerPool(self.workers) as pool:
            for number, rates in pool.as_done(job.run for job in jobs.values()):
                yield list(jobs)[number], rates
