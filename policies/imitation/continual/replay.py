"""Experience replay: a share of every batch comes from the few episodes of earlier tasks that were kept.

Source: Chaudhry et al., "On Tiny Episodic Memories in Continual Learning", 2019; ER of LIBERO (Liu et al. 2023).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geometry import InputError
from policies.demonstrations import Episode


@dataclass(frozen=True, kw_only=True)
class ReplaySettings:
    """How much of earlier tasks is kept and trained on again."""

    episodes: int = 10
    """Kept of each earlier task."""
    share: float = 0.5
    """Of the windows that come from earlier tasks, each of them with the same chance."""

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


def replay_shares(old_tasks: int, share: float) -> list[float]:
    """The share of the windows that comes from the present task, then from each earlier one; they add up to 1.

    Args:
        old_tasks: earlier tasks; without any, all windows are the present task's.
        share: see `ReplaySettings.share`.
    """
    return [1.0 - share, *[share / old_tasks] * old_tasks] if old_tasks else [1.0]


def episode_weights(groups: Sequence[Sequence[Episode]], shares: Sequence[float]) -> list[float]:
    """How often the windows of each episode are drawn, so that each group of episodes has its share of all windows.

    Args:
        groups: of episodes, one after the other.
        shares: of each group.
    Returns:
        a weight for each episode, as `train_policy` takes them: that of each of its windows.
    """
    weights: list[float] = []
    for group, share in zip(groups, shares, strict=True):
        weights += [share / sum(map(len, group))] * len(group)
    return weights
