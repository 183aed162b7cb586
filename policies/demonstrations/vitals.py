"""What the doctor needs of an episode: its vectors, and figures of its clouds and images instead of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from policies.demonstrations.episode import Episode

_WIDEST = 256
"""Wider vectors are looked at like images."""


@dataclass(frozen=True, kw_only=True)
class Vitals:
    """Of one episode."""

    name: str
    """What to call it: its number."""
    actions: NDArray[np.float64]
    """(T, A)."""
    vectors: Mapping[str, NDArray[np.float64]]
    """(T or T + 1, n) by key: what is observed as a vector."""
    frozen: Mapping[str, float]
    """Share of clouds and images, by key, that are the one before to the last bit."""
    empty: Mapping[str, float]
    """Share of clouds and images, by key, that hold a single value, or whose points are all the same."""
    success: bool
    """Whether the task was done at the end."""
    digest: str
    """Of actions and observations; the same for copies."""

    @property
    def steps(self) -> int:
        """Actions."""
        return len(self.actions)

    @classmethod
    def of(cls, name: str, episode: Episode) -> Vitals:
        """Of an episode, which need not be kept after."""
        tables = dict(sorted(episode.observations.items()))
        digest = hashlib.sha256(episode.actions.tobytes())
        for table in tables.values():
            digest.update(table.tobytes())
        vectors = {key: table.astype(np.float64) for key, table in tables.items() if _is_vector(key, table)}
        views = {key: table.reshape(len(table), -1) for key, table in tables.items() if key not in vectors}
        return cls(
            name=name,
            actions=episode.actions.astype(np.float64),
            vectors=vectors,
            frozen={key: _frozen(rows) for key, rows in views.items()},
            empty={key: _empty(key, rows) for key, rows in views.items()},
            success=episode.success,
            digest=digest.hexdigest(),
        )


def _is_vector(key: str, table: NDArray[Any]) -> bool:
    floats = np.issubdtype(table.dtype, np.floating)
    return table.ndim == 2 and table.shape[1] <= _WIDEST and floats and "pointcloud" not in key


def _frozen(rows: NDArray[Any]) -> float:
    return float((rows[1:] == rows[:-1]).all(axis=1).mean()) if len(rows) > 1 else 0.0


def _empty(key: str, rows: NDArray[Any]) -> float:
    if "pointcloud" in key and rows.shape[1] % 3 == 0:
        points = rows.reshape(len(rows), -1, 3)
        return float((points == points[:, :1]).all(axis=(1, 2)).mean())
    return float((rows == rows[:, :1]).all(axis=1).mean())
