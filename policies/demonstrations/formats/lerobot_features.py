"""Which column of a LeRobotDataset holds which observation, and in which shape.

| here | there | stored as |
|---|---|---|
| "observation", vectors | observation.state | list of float32 |
| "desired_goal" | observation.environment_state, which LeRobot's policies read beside the state | list |
| "pointcloud" (N * 3,) or (N, 3) | observation.pointcloud | list of N points (3,) |
| uint8 (3, H, W) or (H, W, 3) | observation.images.KEY | PNG, (H, W, 3) |
| uint8 (1, H, W) or (H, W, 1) | observation.KEY | PNG, (H, W, 1) |
| any other KEY | observation.KEY | as it is |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

STATE, GOAL, CLOUD, IMAGES = (
    "observation.state",
    "observation.environment_state",
    "observation.pointcloud",
    "observation.images.",
)
_CLOUD_KEY = "pointcloud"
_OWN_NAMES = {"observation": STATE, "desired_goal": GOAL, _CLOUD_KEY: CLOUD}


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One column, and the observation that it holds."""

    column: str
    """Its name in the data set."""
    key: str
    """The observation's key here."""
    dtype: str
    """NumPy's name, or "image" or "video"."""
    shape: tuple[int, ...]
    """Of one row there; () is written as (1,)."""
    row_shape: tuple[int, ...]
    """Of one row here."""
    names: tuple[str, ...] = ()
    """What the entries, or the axes, are."""

    @property
    def is_picture(self) -> bool:
        """Whether rows are encoded pictures, channels last."""
        return self.dtype in ("image", "video")

    @property
    def description(self) -> dict[str, Any]:
        """As info.json has it."""
        names = list(self.names) or None
        return {"dtype": self.dtype, "shape": list(self.shape or (1,)), "names": names}

    def stored(self, table: NDArray[Any]) -> NDArray[Any]:
        """Rows (T, *row_shape) in the shape in which they are stored, (T, *shape)."""
        if self.is_picture and self.shape != self.row_shape:
            return np.moveaxis(table, 1, -1)
        return table.reshape(len(table), *self.shape)

    def restored(self, table: NDArray[Any]) -> NDArray[Any]:
        """Stored rows (T, *shape) as (T, *row_shape)."""
        if self.is_picture and self.shape != self.row_shape:
            return np.ascontiguousarray(np.moveaxis(table, -1, 1))
        return table.reshape(len(table), *self.row_shape)


def feature_of(key: str, dtype: np.dtype[Any], row_shape: tuple[int, ...], names: tuple[str, ...] = ()) -> Feature:
    """The column for one observation of an environment.

    Args:
        key: of the observation.
        dtype: of its table.
        row_shape: of one row.
        names: of a vector's entries; left out where their number differs.
    """
    column, shape, kind = _OWN_NAMES.get(key, f"observation.{key}"), row_shape, dtype.name
    names = names if len(row_shape) == 1 and len(names) == row_shape[0] else ()
    if dtype == np.uint8 and len(row_shape) == 3 and {row_shape[0], row_shape[-1]} & {1, 3}:
        shape = (*row_shape[1:], row_shape[0]) if row_shape[0] in (1, 3) else row_shape
        kind, names = "image", ("height", "width", "channels")
        column = f"{IMAGES}{key}" if shape[-1] == 3 else column
    elif key == _CLOUD_KEY and int(np.prod(row_shape)) % 3 == 0:
        shape, names = (int(np.prod(row_shape)) // 3, 3), ("point", "xyz")
    return Feature(column=column, key=key, dtype=kind, shape=shape, row_shape=row_shape, names=names)


def feature_from(
    column: str, description: Mapping[str, Any], key: str = "", row_shape: tuple[int, ...] | None = None
) -> Feature:
    """The observation that a column of info.json holds.

    Args:
        column: its name.
        description: its entry in info.json.
        key: here; empty takes it from the column's name.
        row_shape: of a row here; None keeps the stored one, and moves the channels of pictures to the front.
    """
    shape = tuple(int(n) for n in description["shape"])
    kind = str(description["dtype"])
    names = description.get("names") or ()
    if isinstance(names, Mapping):  # older sets: {"motors": [...]}
        names = next(iter(names.values()), ())
    if kind in ("image", "video"):
        if "channel" in str(names[:1]):  # channels first in the description, last in the files all the same
            shape = (*shape[1:], shape[0])
        row_shape = row_shape or (shape[2], shape[0], shape[1])
    if not key:
        key = "observation" if column == STATE else column.removeprefix(IMAGES).removeprefix("observation.")
    if row_shape is None:
        row_shape = shape
    return Feature(
        column=column, key=key, dtype=kind, shape=shape, row_shape=row_shape, names=tuple(str(name) for name in names)
    )
