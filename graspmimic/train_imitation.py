"""`graspmimic train imitation`: a policy from demonstrations."""

from __future__ import annotations

import shlex
import sys
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from geometry import InputError
from graspmimic.options import OptionalCount, OptionalFile, OptionalNumber
from graspmimic.report import prepare_folder, versions

if TYPE_CHECKING:
    from perception.grasping.training.workers import Workers
    from policies.demonstrations import DemonstrationSet
    from policies.imitation import PolicyConfig, Report, TrainingConfig, TrainingRun

_POLICY_OPTIONS = ("history", "chunk", "execute", "ensemble_rate")
_TRAINING_OPTIONS = ("steps", "batch_size", "learning_rate")


@dataclass(frozen=True, kw_only=True)
class TrainImitation:
    """Train a policy from demonstrations.

    The settings are those that the results table was made with; what is given here replaces them. A checkpoint is
    kept in --output every minute, and the same command goes on where it was stopped. What is kept in the end,
    policy.safetensors with its JSON, is the moving average of the weights; nothing is chosen by a score. TensorBoard
    logs lie in --output/log. On several GPUs: torchrun --nproc-per-node N -m graspmimic train imitation ...
    """

    data: tuple[Path, ...]
    """Folders of demonstrations, as `graspmimic collect` writes them."""
    policy: Literal["bc", "bc-rnn", "act", "flow"] = "act"
    """Behaviour cloning with a perceptron or a GRU, action chunking with a transformer, or flow matching."""
    demos: OptionalCount = None
    """Train on the first so many episodes; default: on all."""
    history: OptionalCount = None
    """Observations that the policy looks at."""
    chunk: OptionalCount = None
    """Actions that it foresees."""
    execute: OptionalCount = None
    """Actions of a chunk that are done before it looks again."""
    ensemble_rate: OptionalNumber = None
    """Do the weighted mean of all chunks instead (temporal ensemble; 0.01 in its paper)."""
    steps: OptionalCount = None
    """Optimiser steps."""
    batch_size: OptionalCount = None
    """Windows in a step, over all processes."""
    learning_rate: OptionalNumber = None
    """Largest learning rate."""
    device: Literal["auto", "cpu", "cuda"] = "cpu"
    """Where the network learns; small ones on states are fastest on the CPU."""
    amp: Literal["off", "bf16", "fp16"] = "off"
    """Mixed precision, on a GPU."""
    threads: int = 1
    """PyTorch's threads on the CPU; small networks learn fastest with one."""
    seed: int = 0
    """Of weights and the order of the data."""
    output: Path = Path("output/train-imitation")
    """Folder of the policy."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        if self.seed < 0 or self.threads < 1 or (self.demos is not None and self.demos < 1):
            raise InputError("options", expected="--seed not below 0, --threads and --demos at least 1", got=f"{self}")
        if not self.data:
            raise InputError("--data", expected="at least one folder of demonstrations", got="none")

    def run(self, console: Console) -> dict[str, Any]:
        """Train."""
        import torch

        from perception.grasping.training.workers import Workers

        torch.set_num_threads(self.threads)
        demonstrations = self._demonstrations()
        config, training = self._settings()
        workers = Workers.join(self.device)
        prepare_folder(self.output)
        if workers.first:
            console.print(f"{config}\n{training}\n{len(demonstrations)} episodes of {demonstrations.info.env or '?'}")
        report = self._train(config, training, demonstrations, workers, console)
        if workers.count > 1:
            torch.distributed.destroy_process_group()
        console.print(f"{self.output}/policy.safetensors, after {report.steps} steps, {report.wall_s:.0f} s")
        return {
            "policy": self.policy,
            "env": demonstrations.info.env,
            "demonstrations": len(demonstrations),
            "steps": report.steps,
            "loss": report.loss,
            "train_wall_s": report.wall_s,
            "train_cpu_s": report.cpu_s,
        }

    def _demonstrations(self) -> DemonstrationSet:
        from policies.demonstrations import DemonstrationSet

        whole = DemonstrationSet.merged(DemonstrationSet.open(folder) for folder in self.data)
        return whole if self.demos is None else whole.first(self.demos)

    def _settings(self) -> tuple[PolicyConfig, TrainingConfig]:
        from policies.imitation import make_config

        config = make_config(self.policy, **self._given(_POLICY_OPTIONS))
        return config, replace(type(config).training, amp=self.amp, **self._given(_TRAINING_OPTIONS))

    def _given(self, names: tuple[str, ...]) -> dict[str, Any]:
        return {field.name: value for field in fields(self)
                if field.name in names and (value := getattr(self, field.name)) is not None}  # fmt: skip

    def _train(
        self,
        config: PolicyConfig,
        training: TrainingConfig,
        demonstrations: DemonstrationSet,
        workers: Workers,
        console: Console,
    ) -> Report:
        from policies.imitation import DataLayout, TrainingLog, train_imitation

        info = demonstrations.info
        about = {
            "env": info.env,
            "env_options": dict(info.env_options),
            "command": shlex.join(["graspmimic", *sys.argv[1:]]),
            "versions": versions(),
        }
        with ExitStack() as stack:
            watchers = []
            if workers.first:
                watchers.append(stack.enter_context(TrainingLog(self.output / "log")).note)
                watchers.append(_bar(stack, f"{self.policy}, {info.env}", training.steps, console))

            def on_step(run: TrainingRun) -> None:
                for watch in watchers:
                    watch(run)

            return train_imitation(
                config,
                list(demonstrations),
                DataLayout.of_info(info),
                self.output,
                seed=self.seed,
                training=training,
                about=about,
                processes=workers,
                on_step=on_step,
            )


def _bar(stack: ExitStack, title: str, steps: int, console: Console) -> Any:
    """A progress bar as something to call after each step."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[at]}"), TimeRemainingColumn())
    bars = stack.enter_context(Progress(*columns, console=console))
    bar = bars.add_task(title, total=steps, at="")

    def show(run: TrainingRun) -> None:
        if run.steps_done % 50 == 0 or run.steps_done == steps:
            bars.update(bar, completed=run.steps_done, at=f"loss {float(run.recent_loss):.4f}")

    return show
