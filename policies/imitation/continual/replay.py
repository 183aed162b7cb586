"""Experience replay: a share of every batch comes from the few episodes of earlier tasks that were kept.

Source: Chaudhry et al., "On Tiny Episodic Memories in Continual Learning", 2019; ER of LIBERO (Liu et al. 2023).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geometry import InputError
from policies.demonstrations.episode import Episode


@dataclass(frozen=True, kw_only=True)
class ReplaySettings:
    """How much of earlier tasks is kept and trained on again."""

    episodes: int = 10
    """Kept of each earlier task."""
    share: float = 0.5
    """Of each batch that comes from earlier tasks, each of them with the same chance."""

    def __post_init__(self) -> None:
        if self.episodes < 1 or not 0.0 < self.share < 1.0:
            raise InputError(
                "ReplaySettings", expected="episodes >= 1, share between 0 and 1", got=f"{self.episodes}, {self.share}"
            )


def remembered(episodes: Sequence[Episode], count: int, rng: np.random.Generator) -> list[Episode]:
    """The episodes that are kept of a task: drawn without looking at them.

    Args:
        episodes: of the task.
        count: to keep; all where there are fewer.
        rng: draws.
    """
    chosen = rng.choice(len(episodes), size=min(count, len(episodes)), replace=False)
    return [episodes[number] for number in sorted(chosen.tolist())]


def batch_counts(batch: int, old_tasks: int, share: float, rng: np.random.Generator) -> tuple[int, NDArray[np.int64]]:
    """How many windows of a batch come from the present task, and how many from each earlier one.

    Args:
        batch: windows in all.
        old_tasks: earlier tasks; without any the whole batch is the present task's.
        share: see `ReplaySettings.share`; where it does not come out even, chance rounds it.
        rng: draws.
    Returns:
        of the present task; (old_tasks,) of the earlier ones. They add up to `batch`.
    """
    if old_tasks == 0:
        return batch, np.zeros(0, dtype=np.int64)
    wanted = share * batch
    old = int(wanted) + int(rng.random() < wanted - int(wanted))
    return batch - old, rng.multinomial(old, np.full(old_tasks, 1.0 / old_tasks)).astype(np.int64)
