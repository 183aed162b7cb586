"""TensorBoard logs of a training run: losses, validation figures, and pictures of what the network sees."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import numpy as np
import torch
from torch.utils.tensorboard import SummaryWriter

from perception.grasping.network.model import GraspNetwork
from perception.grasping.training.augment import SensorFaults, add_faults
from perception.grasping.training.dataset import GraspDataset
from perception.grasping.training.losses import Loss
from perception.grasping.training.pictures import training_picture
from perception.grasping.training.validation import judge_trials, metrics

_SCALARS_EVERY = 20
_PICTURES = 3


class TrainingLog:
    """Writes to a folder; None writes nothing.

    Args:
        folder: of the event files.
        validation: scenes that are not trained on.
        every: steps between validations.
    """

    def __init__(self, folder: Path | None, validation: GraspDataset, *, every: int) -> None:
        self._writer = None if folder is None else SummaryWriter(str(folder / "tensorboard"))
        self._validation = validation
        self._every = every

    def __enter__(self) -> TrainingLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def step(self, step: int, loss: Loss, learning_rate: float, network: GraspNetwork) -> None:
        """Note a step; now and then validate and draw."""
        if self._writer is None:
            return
        if step % _SCALARS_EVERY == 0:
            self._writer.add_scalar("learning rate", learning_rate, step)
            self._writer.add_scalar("loss/total", loss.total.detach(), step)
            for name, value in loss.terms.items():
                self._writer.add_scalar(f"loss/{name}", value.detach(), step)
        if (step + 1) % self._every == 0:
            network.eval()
            figures = metrics(judge_trials(network, self._validation, SensorFaults()))
            for name, figure in figures.items():
                self._writer.add_scalar(f"validation/{name}", figure, step)
            self._draw(network, step)
            network.train()

    @torch.inference_mode()
    def _draw(self, network: GraspNetwork, step: int) -> None:
        assert self._writer is not None
        numbers = np.linspace(0, len(self._validation) - 1, _PICTURES).astype(int).tolist()
        batch = self._validation.batch(numbers, np.random.default_rng(0)).to(next(network.parameters()).device)
        noisy, T = add_faults(batch.depth_m, batch.T_table_camera, SensorFaults(), torch.Generator().manual_seed(0))
        for i in range(_PICTURES):
            picture = training_picture(network, noisy[i : i + 1], batch.focal[i : i + 1], T[i : i + 1])
            self._writer.add_image(f"grasps/{i}", picture, step, dataformats="HWC")
        self._writer.flush()
