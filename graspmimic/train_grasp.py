"""`graspmimic train grasp`: the grasp network from a data set of labelled scenes."""

from __future__ import annotations

import os
import shlex
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from geometry import InputError
from graspmimic.options import OptionalFile
from graspmimic.report import prepare_folder, versions

if TYPE_CHECKING:
    from perception.grasping.training.dataset import GraspDataset
    from perception.grasping.training.loop import TrainingConfig
    from perception.grasping.training.workers import Workers


@dataclass(frozen=True, kw_only=True)
class TrainGrasp:
    """Train the grasp network.

    Progress is kept in checkpoint.safetensors under --output: the same command goes on where it was
    stopped. TensorBoard logs, with pictures of predicted grasps, lie in the same folder. With several
    GPUs: torchrun --nproc-per-node N -m graspmimic train grasp ...
    """

    data: Path
    """Folder that `generate grasps` wrote; physics trials that were added to it are used."""
    init: OptionalFile = None
    """Weights to start from; default: new ones."""
    steps: int = 8000
    """Optimiser steps."""
    batch: int = 16
    """Views a step, on each GPU or CPU."""
    learning_rate: float = 1.5e-3
    """Largest learning rate."""
    success_weight: float = 1.0
    """Weight of the physics outcome in the loss; above 1 for rounds after the first."""
    evaluator_only: bool = False
    """Train only the evaluator, on new physics trials; needs --init."""
    faults: bool = True
    """Add sensor faults to the depth; --no-faults is for the ablation."""
    validation: float = 0.04
    """Share of the scenes, the last ones, that is kept to validate and to calibrate on."""
    device: str = "auto"
    """auto, cpu, or cuda."""
    threads: int = 0
    """CPU threads; 0 is one for each core."""
    seed: int = 0
    """Of weights, order and noise."""
    output: Path = Path("output/train-grasp")
    """Folder for checkpoint, logs and grasp_network.safetensors."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        if not 0.0 < self.validation < 0.5 or self.steps < 1 or self.batch < 1 or self.threads < 0 or self.seed < 0:
            raise InputError(
                "options",
                expected="--validation in (0, 0.5), --steps and --batch >= 1, --threads and --seed >= 0",
                got=f"{self}",
            )
        if self.evaluator_only and self.init is None:
            raise InputError("--evaluator-only", expected="the weights whose evaluator is trained", got="no --init")

    def run(self, console: Console) -> dict[str, Any]:
        """Train, validate, calibrate, and write the weights."""
        import torch

        from perception.grasping.network.model import GraspNetwork
        from perception.grasping.training.log import TrainingLog
        from perception.grasping.training.loop import train
        from perception.grasping.training.manifest import read_manifest
        from perception.grasping.training.workers import Workers

        torch.set_num_threads(self.threads or os.cpu_count() or 1)
        torch.manual_seed(self.seed)
        workers = Workers.join(self.device)
        manifest = read_manifest(self.data)
        if workers.first:
            prepare_folder(self.output)
        training, validation = self._scenes(console, workers)
        network = GraspNetwork.load(self.init) if self.init is not None else GraspNetwork()
        console.print(
            f"Training on {workers.device}, {workers.count} process(es): {len(training)} views, "
            f"{training.trial_count} physics trials; validation on {len(validation)} views; {self.steps} steps"
        )
        start_s = time.time()
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[loss]}"),
            TimeRemainingColumn(),
        )
        with (
            Progress(*columns, console=console, disable=not workers.first) as progress,
            TrainingLog(self.output if workers.first else None, validation, every=500) as log,
        ):
            bar = progress.add_task("training", total=self.steps, loss="")

            def on_step(step: int, loss: Any, rate: float) -> None:
                log.step(step, loss, rate, network)
                if step % 10 == 0:
                    progress.update(bar, completed=step + 1, loss=f"loss {float(loss.total.detach()):.3f}")

            network = train(
                network,
                training,
                self._config,
                device=workers.device,
                on_step=on_step,
                wrap=workers.wrap,
                checkpoint=self.output / "checkpoint.safetensors",
                writes=workers.first,
            )
        if not workers.first:
            return {}
        return self._finish(console, network, validation, manifest, time.time() - start_s)

    def _scenes(self, console: Console, workers: Workers) -> tuple[GraspDataset, GraspDataset]:
        """What this process trains on, and what all of them validate on."""
        from perception.grasping.training.dataset import GraspDataset, scene_files

        numbers = sorted(scene_files(self.data))
        if len(numbers) < 2:
            remedy = "run `graspmimic generate grasps`"
            raise InputError(str(self.data), expected="at least 2 scenes", got=f"{len(numbers)}", remedy=remedy)
        held = max(1, round(self.validation * len(numbers)))
        with console.status("reading the data set"):
            training = GraspDataset(self.data, workers.share(numbers[:-held]))
            validation = GraspDataset(self.data, numbers[-held:], trials_per_view=200)
        successes = sum(int(scene.trials["success"].sum()) for scene in validation.scenes)
        if not 0 < successes < validation.trial_count:
            raise InputError(
                "--validation",
                expected=f"both successes and failures among the trials of the last {held} scenes",
                got=f"{successes} of {validation.trial_count} succeeded",
                remedy="set a larger share aside, or add trials to the data set",
            )
        return training, validation

    @property
    def _config(self) -> TrainingConfig:
        from perception.grasping.training.augment import NO_FAULTS, SensorFaults
        from perception.grasping.training.loop import TrainingConfig
        from perception.grasping.training.losses import LossWeights

        return TrainingConfig(
            steps=self.steps,
            batch=self.batch,
            learning_rate=self.learning_rate,
            seed=self.seed,
            evaluator_only=self.evaluator_only,
            faults=SensorFaults() if self.faults else NO_FAULTS,
            weights=LossWeights(success=self.success_weight),
        )

    def _finish(
        self, console: Console, network: Any, validation: Any, manifest: dict[str, Any], seconds: float
    ) -> dict[str, Any]:
        import torch

        from perception.grasping.network.model import FORMAT
        from perception.grasping.network.weights import load_weights
        from perception.grasping.training.validation import fit_calibration, judge_trials, metrics

        judged = judge_trials(network, validation, self._config.faults, seed=self.seed)
        calibration = fit_calibration(judged.logit, judged.success)
        network.calibration.copy_(torch.tensor(calibration))
        results = metrics(judged, calibration)
        record = {
            "command": shlex.join(["graspmimic", *sys.argv[1:]]),
            "config": asdict(self._config),
            "data": manifest,
            "seed": self.seed,
            "seconds": round(seconds),
            "date": time.strftime("%Y-%m-%d", time.gmtime()),
            "versions": versions(),
            "validation": results,
            "started_from": None if self.init is None else load_weights(self.init, FORMAT)[1],
        }
        network.save(self.output / "grasp_network.safetensors", record)
        for name, value in results.items():
            console.print(f"validation {name}: {value:.4g}")
        console.print(f"Weights: {self.output / 'grasp_network.safetensors'}")
        return {"steps": self.steps, "seconds": round(seconds), **results}
