"""`graspmimic train continual`: one policy learns tasks one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from rich.console import Console
from rich.table import Table

from geometry import InputError
from graspmimic.options import OptionalCount, OptionalFile, OptionalNumber
from graspmimic.report import prepare_folder

if TYPE_CHECKING:
    from policies.imitation.continual import ContinualJob, Rates


@dataclass(frozen=True, kw_only=True)
class TrainContinual:
    """Train one policy on several tasks, one after the other, without forgetting the earlier ones.

    All tasks are named at the beginning, for each has its place in what the policy sees; their demonstrations are
    used when their turn comes. After each task the policy is judged on those so far. What is done is kept in
    --output, and the same command goes on after the last task that was finished. --output/TASK then holds the policy
    for each task, as `eval imitation` takes it.
    """

    data: tuple[Path, ...]
    """Folders of demonstrations of different tasks, in their order; they show the state only."""
    method: Literal["naive", "ewc", "replay", "joint"] = "replay"
    """naive: each task alone; ewc: weights that mattered are held (elastic weight consolidation); replay: a few
    demonstrations of each earlier task are mixed in; joint: all at once, for as many steps, as an upper bound."""
    policy: Literal["bc", "bc-rnn", "chunk", "act", "flow"] = "chunk"
    """What learns, see `train imitation`; chunk: a perceptron that foresees 8 actions, with which the table of
    `bench continual` was made."""
    demos: OptionalCount = None
    """Use the first so many episodes of each task; default: all."""
    steps: int = 2000
    """Optimiser steps for each task."""
    batch_size: int = 128
    """Windows in a step."""
    strength: float = 1e4
    """ewc: lambda."""
    fading: OptionalNumber = None
    """ewc: gamma, by which one penalty for all tasks fades with each; default: a penalty for each task."""
    kept: int = 10
    """replay: demonstrations of each earlier task that are kept."""
    share: float = 0.5
    """replay: share of the windows that come from them."""
    episodes: int = 20
    """For each task so far after each, to judge the policy by."""
    seed: int = 0
    """Of weights and draws."""
    output: Path = Path("output/train-continual")
    """Folder of the progress and of the policy for each task."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        if not self.data:
            raise InputError("--data", expected="at least one folder of demonstrations", got="none")
        if min(self.steps, self.batch_size, self.episodes) < 1 or self.seed < 0 or (self.demos or 1) < 1:
            expected = "--steps, --batch-size, --episodes and --demos of at least 1, --seed not below 0"
            raise InputError("options", expected=expected, got=f"{self}")

    def run(self, console: Console) -> dict[str, Any]:
        """Learn, and tell what is known after each task."""
        job = self._job()
        prepare_folder(self.output)
        console.print(job)
        with console.status("learning"):
            rates = job.run(on_look=console.print)
        tasks = list(job.tasks)
        console.print(_table(tasks, rates))
        console.print(f"{self.output}/TASK/policy.safetensors for {', '.join(tasks)}")
        flat = {"method": self.method, "policy": self.policy, "tasks": " ".join(tasks), "episodes": self.episodes}
        flat |= {f"end_{task}": rate for task, rate in zip(tasks, rates.matrix[-1], strict=True)}
        if self.method == "joint":
            return flat | {"average_success": float(np.mean(rates.matrix[-1]))}
        return flat | rates.history().summary()

    def _job(self) -> ContinualJob:
        from policies.imitation import TrainingConfig, make_config
        from policies.imitation.continual import ContinualConfig, ContinualJob, Looks, ReplaySettings

        return ContinualJob(
            data=self.data,
            episodes=self.demos,
            policy=make_config(self.policy),
            config=ContinualConfig(
                method=self.method,
                training=TrainingConfig(steps=self.steps, batch_size=self.batch_size),
                strength=self.strength,
                fading=self.fading,
                replay=ReplaySettings(episodes=self.kept, share=self.share),
            ),
            looks=Looks(moments=1, learning=self.episodes, cell=self.episodes, last=self.episodes),
            seed=self.seed,
            output=self.output,
        )


def _table(tasks: list[str], rates: Rates) -> Table:
    """The forgetting matrix: a row after each task; joint training has one."""
    table = Table("success after", *tasks)
    rows = tasks if len(rates.matrix) == len(tasks) else ["all at once"]
    for row, values in zip(rows, rates.matrix, strict=True):
        table.add_row(row, *(f"{value:.2f}" for value in values), *[""] * (len(tasks) - len(values)))
    return table
