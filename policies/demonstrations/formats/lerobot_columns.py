"""Between NumPy tables and the columns of a parquet file: vectors, clouds, and pictures as PNG."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from geometry import InputError
from policies.demonstrations.formats.lerobot_features import Feature
from policies.demonstrations.formats.optional_package import optional_package


def column_of(table: NDArray[Any], *, picture: bool = False) -> Any:
    """The Arrow array for a table (T, ...): numbers, lists of a fixed length, lists of lists, or encoded pictures."""
    arrow = optional_package("pyarrow", extra="lerobot")
    if picture:
        rows = [{"bytes": _png(row), "path": None} for row in table]
        return arrow.array(rows, type=arrow.struct([("bytes", arrow.binary()), ("path", arrow.string())]))
    if table.ndim == 2 and table.shape[1] == 1:  # LeRobot reads shape (1,) as a plain number
        table = table[:, 0]
    column = arrow.array(np.ascontiguousarray(table).reshape(-1))
    if table.ndim == 2:
        return arrow.FixedSizeListArray.from_arrays(column, table.shape[1])
    for length in reversed(table.shape[1:]):
        ends = np.arange(0, len(column) + 1, length, dtype=np.int32)
        column = arrow.ListArray.from_arrays(arrow.array(ends), column)
    return column


def table_of(column: Any, feature: Feature) -> NDArray[Any]:
    """The stored rows (T, *shape) of an Arrow column; the reverse of `column_of`.

    Raises:
        InputError: if the column does not hold what info.json says.
    """
    arrow = optional_package("pyarrow", extra="lerobot")
    flat = column.combine_chunks() if isinstance(column, arrow.ChunkedArray) else column
    where, rows = f"column {feature.column}", len(flat)
    if feature.dtype == "image":
        return np.stack([_picture(item, feature, where) for item in flat.to_pylist()])
    if isinstance(flat, arrow.ExtensionArray):
        flat = flat.storage
    while arrow.types.is_list(flat.type) or arrow.types.is_large_list(flat.type) or _fixed(flat.type):
        flat = flat.flatten()
    if flat.null_count or len(flat) != rows * int(np.prod(feature.shape)):
        got = "missing numbers" if flat.null_count else f"{len(flat)} numbers in {rows} rows"
        raise InputError(where, expected=f"rows of shape {feature.shape}", got=got)
    try:
        numbers = flat.to_numpy(zero_copy_only=False).astype(np.dtype(feature.dtype), copy=False)
    except (TypeError, ValueError):
        raise InputError(where, expected=f"numbers of type {feature.dtype}", got=f"{flat.type}") from None
    return numbers.reshape(rows, *feature.shape)


def column_schema(feature: Feature) -> dict[str, Any]:
    """How Hugging Face's `datasets` writes such a column's type into the metadata of a parquet file."""
    if feature.is_picture:
        return {"_type": "Image"}
    if feature.shape in ((), (1,)):
        return {"dtype": feature.dtype, "_type": "Value"}
    if len(feature.shape) == 1:
        return {"feature": {"dtype": feature.dtype, "_type": "Value"}, "length": feature.shape[0], "_type": "List"}
    return {"shape": list(feature.shape), "dtype": feature.dtype, "_type": f"Array{len(feature.shape)}D"}


def _fixed(kind: Any) -> bool:
    return bool(optional_package("pyarrow", extra="lerobot").types.is_fixed_size_list(kind))


def _png(row: NDArray[np.uint8]) -> bytes:
    """A picture (H, W, 1 or 3) as PNG, which loses nothing."""
    file = io.BytesIO()
    Image.fromarray(row[..., 0] if row.shape[-1] == 1 else row).save(file, format="png", compress_level=3)
    return file.getvalue()


def _picture(item: dict[str, Any] | None, feature: Feature, where: str) -> NDArray[np.uint8]:
    """The reverse of `_png`, (H, W, C)."""
    if item is None or item.get("bytes") is None:
        got = "a row without one" if item is None else f"only the name of a file, {item.get('path')}"
        raise InputError(where, expected="pictures within the parquet file", got=got)
    picture = np.asarray(Image.open(io.BytesIO(item["bytes"])))
    picture = picture[..., None] if picture.ndim == 2 else picture
    if picture.shape != feature.shape or picture.dtype != np.uint8:
        raise InputError(where, expected=f"8-bit pictures {feature.shape}", got=f"{picture.shape} {picture.dtype}")
    return picture
