"""`graspmimic train behavior`: the temporal network from labelled recordings of skeletons."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from geometry import InputError
from graspmimic.options import OptionalCount, OptionalFile
from graspmimic.report import prepare_folder, versions

if TYPE_CHECKING:
    from perception.behavior.network.behavior_model import BehaviorModel
    from perception.behavior.network.cross_validation import HeldOut
    from perception.behavior.network.loop import EpochReport
    from perception.behavior.network.training_config import TrainingConfig
    from perception.behavior.sets import BehaviorSet, Split

MODEL = "behavior.safetensors"


@dataclass(frozen=True, kw_only=True)
class TrainBehavior:
    """Train the network that names what a person does, frame by frame or clip by clip.

    First it is judged on people it has not seen, by leaving each out in turn or in folds; then the model that is
    kept is trained on all people but those of --held-out, and its confidence is calibrated on the unseen. Progress
    is kept under --output: the same command goes on where it was stopped. TensorBoard logs lie in the same folder.
    """

    data: Path
    """Set of recordings (.npz); perception.behavior.sets tells the layout and makes sets of your own tracks."""
    head: Literal["auto", "frame", "clip", "both"] = "auto"
    """What is labelled: every frame, whole clips, or both; auto takes what the set has labels for."""
    held_out: tuple[str, ...] = ()
    """Subjects who are judged on and never trained on, instead of folds."""
    folds: OptionalCount = None
    """Folds of subjects to judge on; default: each subject alone, 0: none."""
    pretrain: OptionalFile = None
    """Set of recordings of the same joints whose labels are not read, to learn from first. Leave out the people that
    are judged on, or the figures are those of people whose movements were known."""
    epochs: int = 100
    """Passes over the recordings."""
    batch: int = 16
    """Windows or clips a step."""
    learning_rate: float = 2e-3
    """Largest learning rate."""
    width: int = 64
    """Features of the network's layers."""
    normalisation: Literal["running", "training", "person"] = "running"
    """What movements are measured in: the spread of the stream so far, of the training set, or of the person."""
    delay: float = 0.0
    """Seconds after a frame that the network may look before it answers."""
    augmentation: Literal["none", "mild", "strong"] = "mild"
    """How much recordings are changed to learn from; strong where they are of few people."""
    mirror: bool = True
    """Train on mirrored copies too, which turns the first coordinate round (right and left, as a camera sees it);
    labels that begin with left_ and right_ change places in them."""
    threads: int = 0
    """CPU threads; 0 is one for each core."""
    credit: str = ""
    """Who made the recordings and under what licence; stands in the model's record."""
    seed: int = 0
    """Of weights, folds, order and augmentation."""
    output: Path = Path("output/train-behavior")
    """Folder for checkpoints, logs and behavior.safetensors."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch < 1 or self.width < 1 or self.threads < 0 or self.seed < 0 or self.delay < 0:
            raise InputError(
                "options",
                expected="--epochs, --batch and --width >= 1; --threads, --seed and --delay >= 0",
                got=f"{self}",
            )
        if self.folds is not None and (self.folds < 0 or self.folds == 1):
            raise InputError("--folds", expected="0, or 2 and more", got=f"{self.folds}")
        if self.held_out and self.folds is not None:
            raise InputError("options", expected="--held-out or --folds", got="both")

    def run(self, console: Console) -> dict[str, Any]:
        """Judge on unseen people, then train and write the model."""
        import torch

        from perception.behavior.network.training import labelled_heads
        from perception.behavior.sets import load_behavior_set

        torch.set_num_threads(self.threads or os.cpu_count() or 1)
        data = load_behavior_set(self.data)
        heads = {"auto": labelled_heads(data), "both": ("frame", "clip")}.get(self.head, (self.head,))
        splits = self._splits(data)
        prepare_folder(self.output)
        people = ", ".join(sorted(set(data.subjects.tolist())))
        console.print(
            f"{self.data}: {len(data)} recordings, {len(data.time_s)} frames, {len(data.joints)} joints, "
            f"{len(data.label_names)} labels, subjects {people}; heads: {', '.join(heads)}"
        )
        start_s = time.time()
        start = self._pretrained(console)
        judged = [
            (split, self._train(console, data.select(split.train), heads, start, f"fold {number}", split.name))
            for number, split in enumerate(splits)
        ]
        scores = self._judge(data, judged, heads)
        whole = not self.held_out
        model = self._train(console, data, heads, start, "all") if whole else judged[0][1]
        results = {f"{head}_{name}": value for head, each in scores.items() for name, value in each.results().items()}
        results |= self._calibrate(model, scores)
        model.save(self.output / MODEL, self._record(data, results, time.time() - start_s))
        for name, value in results.items():
            console.print(f"{name}: {value:.4g}")
        console.print(f"Model: {self.output / MODEL}")
        return {**results, "seconds": round(time.time() - start_s)}

    @property
    def _config(self) -> TrainingConfig:
        from perception.behavior.network.augment import NO_AUGMENTATION, STRONG_AUGMENTATION, Augmentation
        from perception.behavior.network.training_config import TrainingConfig

        changes = {"none": NO_AUGMENTATION, "mild": Augmentation(), "strong": STRONG_AUGMENTATION}[self.augmentation]
        return TrainingConfig(
            epochs=self.epochs,
            batch=self.batch,
            learning_rate=self.learning_rate,
            width=self.width,
            normalisation=self.normalisation,
            delay_s=self.delay,
            seed=self.seed,
            augmentation=replace(changes, mirror=0.5 if self.mirror else 0.0),
        )

    def _splits(self, data: BehaviorSet) -> tuple[Split, ...]:
        import numpy as np

        from perception.behavior.sets import grouped_folds, held_out, leave_one_out

        if self.held_out:
            return (held_out(data, self.held_out),)
        if self.folds == 0:
            return ()
        if self.folds is None:
            return leave_one_out(data)
        return grouped_folds(data, self.folds, np.random.default_rng(self.seed))

    def _pretrained(self, console: Console) -> BehaviorModel | None:
        from perception.behavior.network.pretraining import pretrain
        from perception.behavior.sets import load_behavior_set

        if self.pretrain is None:
            return None
        data = load_behavior_set(self.pretrain)
        checkpoint = self.output / "checkpoints" / "pretraining.safetensors"
        with self._progress(console, "pretraining") as on_epoch:
            return pretrain(data, self._config, checkpoint=checkpoint, on_epoch=on_epoch)

    def _train(
        self,
        console: Console,
        data: BehaviorSet,
        heads: tuple[str, ...],
        start: BehaviorModel | None,
        part: str,
        without: str = "",
    ) -> BehaviorModel:
        from perception.behavior.network.training import train

        checkpoint = self.output / "checkpoints" / f"{part.replace(' ', '_')}.safetensors"
        with self._progress(console, f"training {part}" + (f", without {without}" if without else "")) as on_epoch:
            return train(data, self._config, heads=heads, start=start, checkpoint=checkpoint, on_epoch=on_epoch)

    @contextmanager
    def _progress(self, console: Console, label: str) -> Iterator[Callable[[EpochReport], None]]:
        """A bar on the console, and losses for TensorBoard."""
        from torch.utils.tensorboard import SummaryWriter

        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[loss]}"))
        folder = self.output / "tensorboard" / label.partition(",")[0].replace(" ", "_")
        writer = SummaryWriter(str(folder))
        with Progress(*columns, TimeRemainingColumn(), console=console) as bars:
            bar = bars.add_task(label, total=self.epochs, loss="")

            def on_epoch(report: EpochReport) -> None:
                bars.update(bar, completed=report.epoch, loss=f"loss {report.losses['total']:.3f}")
                writer.add_scalar("learning rate", report.learning_rate, report.epoch)
                for name, value in report.losses.items():
                    writer.add_scalar(f"loss/{name}", value, report.epoch)

            try:
                yield on_epoch
            finally:
                writer.close()

    def _judge(
        self, data: BehaviorSet, judged: Sequence[tuple[Split, BehaviorModel]], heads: tuple[str, ...]
    ) -> dict[str, HeldOut]:
        """What the models say of the people that each of them has not seen, by head."""
        from perception.behavior.network.cross_validation import join_held_out, predict

        if not judged:
            return {}
        unseen = [(model, data.select(split.test)) for split, model in judged]
        return {head: join_held_out([predict(model, part, head) for model, part in unseen]) for head in heads}

    def _calibrate(self, model: BehaviorModel, scores: dict[str, HeldOut]) -> dict[str, float]:
        """Set the model's temperatures to what fits the unseen people."""
        temperatures = {head: held.temperature() for head, held in scores.items()}
        for head, value in temperatures.items():
            getattr(model.network, f"{head}_temperature").fill_(value)
        return {f"{head}_temperature": value for head, value in temperatures.items()}

    def _record(self, data: BehaviorSet, results: dict[str, float], seconds: float) -> dict[str, Any]:
        """What the model's JSON says of its making."""
        return {
            "command": shlex.join(["graspmimic", *sys.argv[1:]]),
            "config": asdict(self._config),
            "data": {
                "file": self.data.name,
                "credit": self.credit,
                "pretraining": None if self.pretrain is None else self.pretrain.name,
                "recordings": len(data),
                "frames": len(data.time_s),
                "subjects": sorted(set(data.subjects.tolist())),
                "held_out": sorted(self.held_out),
            },
            "seed": self.seed,
            "seconds": round(seconds),
            "date": time.strftime("%Y-%m-%d", time.gmtime()),
            "versions": versions(),
            "unseen_people": results,
            "unseen_people_note": "of each fold's own model, before the temperatures were fitted to these people",
        }
