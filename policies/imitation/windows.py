"""Windows of demonstrations: what was seen up to a moment, and what was done from it on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from geometry import InputError
from policies.demonstrations import Episode
from policies.imitation.policy import Batch


class Windows:
    """All windows of some episodes, one for each step, held as one table for each key.

    Args:
        episodes: at least one.
        keys: of the observations to keep.
        history: H, observations in a window.
        chunk: K, actions in a window.
        device: where the tables lie.
    Raises:
        InputError: if there is no episode, or one lacks a key.
    """

    def __init__(
        self,
        episodes: Sequence[Episode],
        *,
        keys: Sequence[str],
        history: int,
        chunk: int,
        device: torch.device | str = "cpu",
    ) -> None:
        if not episodes:
            raise InputError("Windows", expected="at least one episode", got="none")
        if history < 1 or chunk < 1:
            raise InputError("Windows", expected="history and chunk of at least 1", got=f"{history} and {chunk}")
        lacking = sorted({key for key in keys for episode in episodes if key not in episode.observations})
        if lacking:
            raise InputError(
                "Windows", expected=f"observations {', '.join(keys)}", got=f"episodes without {', '.join(lacking)}"
            )
        lengths = np.array([len(episode) for episode in episodes])
        ends = np.cumsum(lengths)
        self.observations = {
            key: _joined([episode.observations[key][: len(episode)] for episode in episodes], device) for key in keys
        }
        """(N, ...) float32 by key, one row for each step of each episode."""
        self.actions = _joined([episode.actions for episode in episodes], device)
        """(N, A) float32."""
        self.episode = torch.from_numpy(np.repeat(np.arange(len(episodes)), lengths)).to(device)
        """(N,) number of the episode that a row is of."""
        self._first = torch.from_numpy(np.repeat(ends - lengths, lengths)).to(device)
        self._last = torch.from_numpy(np.repeat(ends - 1, lengths)).to(device)
        self._before = torch.arange(1 - history, 1, device=device)
        self._after = torch.arange(chunk, device=device)

    def __len__(self) -> int:
        """N, windows: as many as there are steps."""
        return len(self.actions)

    def batch(self, rows: Tensor) -> Batch:
        """The windows whose present observations are these rows.

        Args:
            rows: (B,) int64, on the tables' device.
        """
        first, last = self._first[rows, None], self._last[rows, None]
        before, after = rows[:, None] + self._before, rows[:, None] + self._after  # (B, H), (B, K)
        seen = torch.maximum(before, first)
        past = seen[:, :-1]
        return Batch(
            {key: table[seen] for key, table in self.observations.items()},
            self.actions[torch.minimum(after, last)],
            after <= last,
            self.actions[past],
            (before >= first)[:, :-1],
        )


def _joined(tables: Sequence[np.ndarray], device: torch.device | str) -> Tensor:
    return torch.from_numpy(np.concatenate(tables).astype(np.float32, copy=False)).to(device)
