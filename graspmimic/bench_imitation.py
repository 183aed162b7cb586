"""`graspmimic bench imitation`: policies side by side, by task, number of demonstrations and seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import Progress

from geometry import InputError
from graspmimic.options import OptionalFile
from graspmimic.report import prepare_folder

if TYPE_CHECKING:
    from policies.imitation.comparison import Cell


@dataclass(frozen=True, kw_only=True)
class BenchImitation:
    """Train every policy on every number of demonstrations of every task, and judge all from the same starts.

    What is judged are the weights at the end of training. A run that was stopped goes on with the cells that are
    missing. The whole table with --seeds 3 takes hours; --tasks, --policies and --demos choose parts of it.
    """

    tasks: tuple[str, ...] = ("PickPlace", "Push", "Stack")
    """Tasks."""
    policies: tuple[str, ...] = ("bc", "bc-rnn", "act", "flow")
    """Kinds of policies, such as act, or act+mirror with mirrored demonstrations; the expert is always there."""
    demos: tuple[int, ...] = (20, 50, 100, 200)
    """Numbers of demonstrations."""
    seeds: int = 3
    """Seeds: sets of demonstrations, weights and orders."""
    observation: str = "state"
    """state or pointcloud."""
    episodes: int = 100
    """Episodes for each policy; their seeds begin at 500000, which no training has."""
    workers: int = 1
    """Processes, each of one thread."""
    seed: int = 0
    """The first seed."""
    output: Path = Path("output/bench-imitation")
    """Folder for demonstrations, policies, table and figure."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        numbers = (self.seeds, self.episodes, self.workers, *self.demos)
        if min(numbers) < 1 or self.seed < 0 or not (self.tasks and self.demos and self.policies):
            expected = "--seeds, --episodes, --workers, --demos at least 1, and at least 1 of --tasks and --policies"
            raise InputError("options", expected=expected, got=f"{self}")

    def run(self, console: Console) -> dict[str, Any]:
        """Collect, train, judge."""
        from graspmimic.imitation_report import show_table, write_figure, write_table

        prepare_folder(self.output)
        cells = self._cells()
        self._collect(cells, console)
        rows = self._run_cells(cells, console)
        show_table(rows, console)
        write_table(rows, self.output / "table.md")
        write_figure(rows, self.output / "success.png")
        console.print(f"{self.output}/table.md, {self.output}/success.png")
        return {
            f"{cell.name}/{name}": row[name]
            for cell, row in zip(cells, rows, strict=True)
            for name in ("success_at_end", "success_once", "low", "high", "action_ms", "train_cpu_s")
        }

    def _cells(self) -> list[Cell]:
        from policies.imitation.comparison import EXPERT, Cell

        self._check()
        seeds = range(self.seed, self.seed + self.seeds)
        same = {"observation": self.observation, "episodes": self.episodes}
        learned = [
            Cell(task=task, policy=policy, demos=demos, seed=seed, **same)  # type: ignore[arg-type]
            for demos in self.demos
            for policy in self.policies
            for task in self.tasks
            for seed in seeds
        ]
        experts = [
            Cell(task=task, policy=EXPERT, demos=0, seed=0, **same)  # type: ignore[arg-type]
            for task in self.tasks
        ]
        return experts + learned

    def _check(self) -> None:
        """See that all can be made, before hours are spent on a part of it."""
        from policies.imitation.comparison import MIRRORED, check_cell
        from policies.imitation.policy_file import make_config
        from policies.reinforcement.task_env import env_id

        for policy in self.policies:
            make_config(policy.removesuffix(MIRRORED))
        mirrors = any(policy.endswith(MIRRORED) for policy in self.policies)
        for task in self.tasks:
            env_id(task)
            check_cell(task, self.observation, mirrors=mirrors)

    def _collect(self, cells: list[Cell], console: Console) -> None:
        from policies.imitation.comparison import EXPERT, collect_for

        firsts = {cell.set_name: cell for cell in cells if cell.policy != EXPERT}
        with Progress(console=console) as bars:
            for cell in bars.track(list(firsts.values()), description="collecting"):
                collect_for(cell, self.output / "sets", episodes=max(self.demos), workers=self.workers)

    def _run_cells(self, cells: list[Cell], console: Console) -> list[dict[str, Any]]:
        from envs.worker_processes import WorkerPool
        from policies.imitation.comparison import run_cell

        rows: dict[str, dict[str, Any]] = {}
        places = (self.output / "sets", self.output / "cells")
        with Progress(console=console) as bars, WorkerPool(self.workers) as pool:
            bar = bars.add_task("training and judging", total=len(cells))
            for number, row in pool.as_done(partial(run_cell, cell, *places) for cell in cells):
                rows[cells[number].name] = row
                bars.update(bar, advance=1)
                console.print(f"{cells[number].name}: {row['success_at_end']:.2f}")
        return [rows[cell.name] for cell in cells]
