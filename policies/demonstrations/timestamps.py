"""The times that a LeRobotDataset gives its frames, whatever they are: its reader takes those on the grid only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometry import InputError
from policies.demonstrations.formats.lerobot_index import read_index
from policies.demonstrations.formats.optional_package import optional_package


def foreign_times(folder: str | Path) -> tuple[float, list[NDArray[np.float64]]]:
    """Rate and timestamps, unchecked.

    Args:
        folder: of a LeRobotDataset.

    Returns:
        rate_hz, and (T,) seconds for each episode.

    Raises:
        InputError: if it is none, or a file is damaged.
    """
    parquet = optional_package("pyarrow.parquet", extra="lerobot")
    index = read_index(Path(folder))
    columns: dict[Path, NDArray[np.float64]] = {}
    times = []
    for place in index.places:
        if place.file not in columns:
            columns[place.file] = _column(parquet, place.file)
        times.append(columns[place.file][place.row : place.row + place.length])
    return float(index.info["fps"]), times


def _column(parquet: Any, file: Path) -> NDArray[np.float64]:
    try:
        table = parquet.read_table(file, columns=["timestamp"])
        column: NDArray[np.float64] = table.column("timestamp").to_numpy().astype(np.float64)
    except (OSError, ValueError, KeyError) as error:
        got = f"{type(error).__name__}: {error}"
        raise InputError(str(file), expected="a column timestamp", got=got, remedy="write the set anew") from None
    return column
