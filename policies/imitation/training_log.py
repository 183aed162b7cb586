"""The curve of a training run for TensorBoard."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from torch.utils.tensorboard import SummaryWriter

from policies.imitation.training_run import TrainingRun, learning_rate

_EVERY = 50


class TrainingLog:
    """Writes loss and learning rate; a run that goes on replaces what was written beyond its checkpoint.

    Args:
        folder: of the event files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: SummaryWriter | None = None

    def __enter__(self) -> TrainingLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def note(self, run: TrainingRun) -> None:
        """Note the last step, now and then."""
        if self._writer is None:
            self._writer = SummaryWriter(str(self._folder), purge_step=run.steps_done)
        if run.steps_done % _EVERY == 0:
            self._writer.add_scalar("loss", float(run.recent_loss), run.steps_done)
            rate = learning_rate(run.steps_done - 1, run.config)
            self._writer.add_scalar("learning rate", rate, run.steps_done)
