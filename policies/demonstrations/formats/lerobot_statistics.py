"""Statistics of the columns of a LeRobotDataset, by which policies there normalise.

Rows are summed over every axis but the last, so a cloud has one number for each coordinate, not for each point;
pictures have one for each channel, (C, 1, 1), in [0, 1]. LeRobot averages the quantiles of episodes, which are not the
quantiles of the whole; here these are taken over all rows, or over an even selection of many.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from policies.demonstrations.formats.lerobot_features import Feature

QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}
_MOST_ROWS = 200_000
_PICTURE_ROWS = 2_000

Statistics = dict[str, list[Any]]
"""min, max, mean, std, count, q01, q10, q50, q90, q99."""


def rows_of(table: NDArray[Any], feature: Feature | None = None) -> NDArray[np.float64]:
    """(n, D) rows of a stored table (T, ..., D), or (T,); pictures in [0, 1]."""
    flat = table.reshape(len(table), 1) if table.ndim == 1 else table.reshape(-1, table.shape[-1])
    if feature is not None and feature.is_picture:
        return flat[:: -(-len(flat) // _PICTURE_ROWS)].astype(np.float64) / 255.0
    return flat.astype(np.float64)


def statistics(rows: NDArray[np.float64], frames: int, *, picture: bool = False) -> Statistics:
    """Of rows (n, D).

    Args:
        rows: from `rows_of`.
        frames: how many frames they come from.
        picture: give shapes (D, 1, 1).
    """
    summed = {"min": rows.min(0), "max": rows.max(0), "mean": rows.mean(0), "std": rows.std(0)}
    summed |= dict(zip(QUANTILES, np.quantile(rows, list(QUANTILES.values()), axis=0), strict=True))
    return {k: (v[:, None, None] if picture else v).tolist() for k, v in summed.items()} | {"count": [frames]}


class RunningStatistics:
    """Statistics of a column over many episodes; memory stays bounded.

    All but the quantiles are exact. Quantiles are exact up to 200,000 rows, and from then on those of every second,
    fourth, ... row.
    """

    def __init__(self, feature: Feature | None = None) -> None:
        self._feature = feature
        self._kept: list[NDArray[np.float64]] = []
        self._every, self._rows, self._frames = 1, 0, 0
        self._low = self._high = self._mean = self._square = np.empty(0)

    def add(self, table: NDArray[Any]) -> Statistics:
        """Take in the stored rows of one episode, and give the episode's own statistics."""
        picture = self._feature is not None and self._feature.is_picture
        rows = rows_of(table, self._feature)
        if not self._rows:
            width = rows.shape[1]
            self._low, self._high = np.full(width, np.inf), np.full(width, -np.inf)
            self._mean, self._square = np.zeros(width), np.zeros(width)
        self._low, self._high = np.minimum(self._low, rows.min(0)), np.maximum(self._high, rows.max(0))
        before, after = self._rows, self._rows + len(rows)
        apart = rows.mean(0) - self._mean  # sums of squares joined as in Chan, Golub and LeVeque, 1983, eq. 2.1
        self._square = self._square + rows.var(0) * len(rows) + apart**2 * before * len(rows) / after
        self._mean = self._mean + apart * len(rows) / after
        self._kept.append(rows[-before % self._every :: self._every])
        self._rows, self._frames = after, self._frames + len(table)
        self._thin()
        return statistics(rows, len(table), picture=picture)

    def result(self) -> Statistics:
        """Of everything so far."""
        picture = self._feature is not None and self._feature.is_picture
        found = statistics(np.concatenate(self._kept), self._frames, picture=picture)
        exact = {"min": self._low, "max": self._high, "mean": self._mean, "std": np.sqrt(self._square / self._rows)}
        return found | {k: (v[:, None, None] if picture else v).tolist() for k, v in exact.items()}

    def _thin(self) -> None:
        while sum(map(len, self._kept)) > _MOST_ROWS:
            self._kept = [np.concatenate(self._kept)[::2]]
            self._every *= 2
