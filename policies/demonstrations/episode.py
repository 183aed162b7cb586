"""One recorded episode: what was seen, what was done, what came of it, and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometry import InputError


@dataclass(frozen=True, kw_only=True)
class Episode:
    """One episode of T steps; `actions[t]` was done on seeing row t of the observations.

    Raises:
        InputError: where tables do not fit each other or hold NaN or infinity.
    """

    observations: Mapping[str, NDArray[Any]]
    """(T, ...) or (T + 1, ...) by key; the row after the last action is there where it was recorded."""
    actions: NDArray[np.float32]
    """(T, A), in the units of the action space."""
    rewards: NDArray[np.float32]
    """(T,)."""
    success: bool
    """Whether the task was done at the end."""
    terminated: bool = False
    """Whether it ended for good, not for its time."""
    task: str = ""
    """What was to be done, in words."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """Where it comes from, as JSON can hold it: "source" (expert, policy, keyboard, gamepad, human, intervention),
    "seed", and what else its maker knows."""

    def __post_init__(self) -> None:
        steps = len(self.actions)
        if self.actions.ndim != 2 or steps == 0:
            raise InputError("Episode", expected="actions (T, A) of at least one step", got=f"{self.actions.shape}")
        if self.rewards.shape != (steps,):
            raise InputError("Episode", expected=f"rewards ({steps},)", got=f"{self.rewards.shape}")
        rows = {key: len(table) for key, table in self.observations.items()}
        if len(set(rows.values())) != 1 or next(iter(rows.values())) not in (steps, steps + 1):
            raise InputError("Episode", expected=f"{steps} or {steps + 1} rows of every observation", got=f"{rows}")
        for name, table in {"actions": self.actions, "rewards": self.rewards, **self.observations}.items():
            if np.issubdtype(table.dtype, np.floating) and not np.isfinite(table).all():
                bad = int(np.flatnonzero(~np.isfinite(table.reshape(len(table), -1)).all(1))[0])
                raise InputError("Episode", expected="finite numbers", got=f"NaN or infinity in {name}, row {bad}")

    def __len__(self) -> int:
        """Steps."""
        return len(self.actions)

    @property
    def complete(self) -> bool:
        """Whether what was seen after the last action is there too."""
        return len(next(iter(self.observations.values()))) == len(self) + 1

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of one row of every table, "actions" among them."""
        return {"actions": self.actions.shape[1:], **{k: t.shape[1:] for k, t in self.observations.items()}}
