"""How much a sequence of tasks was learned, kept and helped by what came before: the forgetting matrix and its sums."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from geometry import InputError

Rates = NDArray[np.float64]


@dataclass(frozen=True)
class SuccessHistory:
    """Success rates of one learner over a sequence of T tasks.

    With R = `matrix`, L = `learning` and b = `untrained`:

    | name | formula | source |
    |---|---|---|
    | `average_success` | mean over j of R[T-1, j] | - |
    | `nbt` | mean over k < T-1 of mean over i > k of (R[k, k] - R[i, k]): forgetting, lower is better | LIBERO |
    | `fwt` | mean over k of mean over e of L[k, e]: how soon each task is learned | LIBERO |
    | `auc` | mean over k of (mean over e of L[k, e] + sum over i > k of R[i, k]) / (T - k) | LIBERO |
    | `backward_transfer` | mean over j < T-1 of (R[T-1, j] - R[j, j]) | GEM |
    | `zero_shot_transfer` | mean over k > 0 of (L[k, 0] - b[k]): success before any training on the task | GEM |

    LIBERO averages nbt over all T tasks although the last cannot be forgotten yet; here it is averaged over those
    that can. Sources: Liu et al., "LIBERO", NeurIPS 2023, section 5; Lopez-Paz and Ranzato, "Gradient Episodic
    Memory for Continual Learning", NeurIPS 2017, eqs. 2 to 4.
    """

    matrix: Rates
    """(T, T): success on task j after training on tasks 0 to i; NaN above the diagonal where it was not measured."""
    learning: Rates
    """(T, E): success on task k at E moments of its own training, the first before it, the last after it."""
    untrained: Rates
    """(T,) success of the network before any training."""

    def __post_init__(self) -> None:
        tasks = len(self.matrix)
        shapes = (self.matrix.shape, self.learning.shape[:1], self.untrained.shape)
        if self.learning.ndim != 2 or shapes != ((tasks, tasks), (tasks,), (tasks,)) or tasks == 0:
            raise InputError("SuccessHistory", expected="(T, T), (T, E) and (T,)", got=str(shapes))
        measured = [self.matrix[np.tril_indices(tasks)], self.learning.ravel(), self.untrained]
        rates = np.concatenate(measured)
        if not ((rates >= 0.0) & (rates <= 1.0)).all():
            raise InputError("SuccessHistory", expected="rates from 0 to 1 on and below the diagonal", got=str(rates))

    @property
    def average_success(self) -> float:
        """Of all tasks, at the end."""
        return float(self.matrix[-1].mean())

    @property
    def nbt(self) -> float:
        """Negative backward transfer; 0 for a single task."""
        lost = [np.mean(self.matrix[k, k] - self.matrix[k + 1 :, k]) for k in range(len(self.matrix) - 1)]
        return float(np.mean(lost)) if lost else 0.0

    @property
    def fwt(self) -> float:
        """Forward transfer as success during learning."""
        return float(self.learning.mean())

    @property
    def auc(self) -> float:
        """Area under the curve of success on each task, from its training to the end."""
        tasks = len(self.matrix)
        areas = [
            (self.learning[k].mean() + self.matrix[k + 1 :, k].sum()) / (tasks - k) for k in range(tasks)
        ]  # fmt: skip
        return float(np.mean(areas))

    @property
    def backward_transfer(self) -> float:
        """What later tasks changed in the earlier ones; 0 for a single task."""
        if len(self.matrix) == 1:
            return 0.0
        return float(np.mean(self.matrix[-1, :-1] - np.diag(self.matrix)[:-1]))

    @property
    def zero_shot_transfer(self) -> float:
        """What earlier tasks gave to later ones before they were trained; 0 for a single task."""
        if len(self.matrix) == 1:
            return 0.0
        return float(np.mean(self.learning[1:, 0] - self.untrained[1:]))

    def summary(self) -> dict[str, float]:
        """All of them by name."""
        names = ("average_success", "nbt", "fwt", "auc", "backward_transfer", "zero_shot_transfer")
        return {name: getattr(self, name) for name in names}


def seed_interval(values: list[float]) -> tuple[float, float, float]:
    """Mean over training seeds and its 95 % interval by Student's t: with three seeds an honestly wide one.

    Args:
        values: one number a seed; with a single seed the interval is all that is possible, NaN to NaN.
    """
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, float("nan"), float("nan")
    half = float(student.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))
    return mean, mean - half, mean + half
