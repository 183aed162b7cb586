"""Point clouds from files: PLY, PCD, NPZ and NPY, in metres and in the frame that the file uses."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.frames.array_file import read_array
from perception.frames.point_table import read_point_table

_MAX_MEDIAN_M = 20.0
_RGB = (("red", "green", "blue"), ("r", "g", "b"), ("diffuse_red", "diffuse_green", "diffuse_blue"))


class Cloud(NamedTuple):
    """A point cloud."""

    points: FloatArray
    """(N, 3) metres, finite."""
    colors: NDArray[np.uint8] | None
    """(N, 3) RGB, where the file has it."""


def read_cloud(path: str | Path) -> Cloud:
    """Read a point cloud; points that are not finite or lie at the very origin (no return) are dropped.

    Args:
        path: `.ply`, `.pcd`, `.npz` (key `points`, `xyz`, `cloud` or `pc`), or `.npy`; arrays are
            (N, 3), or (N, 6) with RGB behind, or (H, W, 3).

    Raises:
        InputError: if the file cannot be read, is truncated, has no usable point, or is not in metres.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in (".npy", ".npz"):
        points, colors = _from_array(path)
    elif suffix in (".ply", ".pcd"):
        table = read_point_table(path)
        points = np.stack([np.asarray(table[axis], dtype=np.float64) for axis in "xyz"], axis=1)
        colors = _table_colors(table)
    else:
        raise InputError(str(path), expected="a cloud as .ply, .pcd, .npz or .npy", got=suffix or "no suffix")
    usable = np.isfinite(points).all(axis=1) & (points != 0.0).any(axis=1)
    if not usable.any():
        got = f"{len(points)} points, all of them NaN, infinite or 0" if len(points) else "an empty cloud"
        raise InputError(str(path), expected="at least one finite point", got=got)
    _check_metres(path, points[usable])
    return Cloud(points[usable], None if colors is None else colors[usable])


def _check_metres(path: Path, points: FloatArray) -> None:
    median = float(np.median(np.linalg.norm(points, axis=1)))
    if median > _MAX_MEDIAN_M:
        raise InputError(
            str(path),
            expected=f"points in metres, with a median distance below {_MAX_MEDIAN_M:g} m",
            got=f"a median distance of {median:.4g}",
            remedy="divide millimetres by 1000",
        )


def _from_array(path: Path) -> tuple[FloatArray, NDArray[np.uint8] | None]:
    array = read_array(path, ("points", "xyz", "cloud", "pc"))
    if array.ndim == 3 and array.shape[2] in (3, 6):
        array = array.reshape(-1, array.shape[2])
    if array.ndim != 2 or array.shape[1] not in (3, 6) or array.dtype.kind not in "fiu":
        raise InputError(
            str(path), expected="points of shape (N, 3), or (N, 6) with RGB", got=f"{array.shape} {array.dtype}"
        )
    return np.array(array[:, :3], dtype=np.float64), _to_uint8(array[:, 3:]) if array.shape[1] == 6 else None


def _table_colors(table: dict[str, NDArray[Any]]) -> NDArray[np.uint8] | None:
    """Colours of PLY's columns, or of PCD's `rgb`, which packs 0x00RRGGBB into the bits of a number."""
    for names in _RGB:
        if set(names) <= table.keys():
            return _to_uint8(np.stack([table[name] for name in names], axis=1))
    packed = table.get("rgb", table.get("rgba"))
    if packed is None or packed.ndim != 1:
        return None
    bits = np.ascontiguousarray(packed, np.float32).view(np.uint32) if packed.dtype.kind == "f" else packed
    bits = bits.astype(np.uint32)
    colors = np.stack([bits >> 16 & 255, bits >> 8 & 255, bits & 255], axis=1).astype(np.uint8)
    return colors if colors.any() else None


def _to_uint8(colors: NDArray[Any]) -> NDArray[np.uint8]:
    """Colours as bytes; floats up to 1 are fractions."""
    if colors.dtype.kind == "f" and colors.size and np.nanmax(colors) <= 1.0:
        colors = colors * 255.0
    return np.clip(np.nan_to_num(colors), 0, 255).astype(np.uint8)
