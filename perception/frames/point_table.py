"""The points of a PLY or PCD file as named columns, read exactly as the header declares them.

They are read here rather than by Open3D, because it turns a truncated file into a cloud with zeros
in place of the missing points and only warns. What the header promises must be there.
Formats: PLY 1.0 (ascii, both byte orders) and PCD 0.5 to 0.7 (ascii, binary, binary_compressed).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geometry import InputError

_PLY_TYPES = {
    **dict.fromkeys(("char", "int8"), "i1"),
    **dict.fromkeys(("uchar", "uint8"), "u1"),
    **dict.fromkeys(("short", "int16"), "i2"),
    **dict.fromkeys(("ushort", "uint16"), "u2"),
    **dict.fromkeys(("int", "int32"), "i4"),
    **dict.fromkeys(("uint", "uint32"), "u4"),
    **dict.fromkeys(("float", "float32"), "f4"),
    **dict.fromkeys(("double", "float64"), "f8"),
}
_PLY_ENCODINGS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}


class _Layout(NamedTuple):
    """Where a file keeps its points: one record of `dtype` each, from byte `start` on."""

    dtype: np.dtype[Any]
    points: int
    encoding: str
    start: int


def read_point_table(path: str | Path) -> dict[str, NDArray[Any]]:
    """Columns of the points of a `.ply` or `.pcd` file by their names, each of shape (N,) or (N, k).

    Raises:
        InputError: if the file is missing, its header is broken, or it ends before its last point.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        layout = _ply_layout(content) if path.suffix.lower() == ".ply" else _pcd_layout(content)
        columns = _read_columns(content, layout)
    except OSError as error:
        raise InputError(str(path), expected="a readable file", got=error.strerror or str(error)) from None
    except (ValueError, KeyError, IndexError, TypeError) as error:
        kind = path.suffix[1:].upper()
        raise InputError(str(path), expected=f"a {kind} file", got=f"one that cannot be read ({error})") from None
    have = len(next(iter(columns.values())))
    if have < layout.points:
        raise InputError(
            str(path),
            expected=f"{layout.points} points, as its header says",
            got=f"{have} points before the file ends",
            remedy="the file is truncated or damaged: write or copy it again",
        )
    return columns


def _ply_layout(content: bytes) -> _Layout:
    if not content.startswith(b"ply"):
        raise ValueError("no 'ply' in its first line")
    end = content.find(b"end_header")
    if end < 0:
        raise ValueError("its header does not end")
    start = content.index(b"\n", end) + 1
    order, encoding = "", ""
    elements: list[tuple[str, int, list[tuple[str, str]]]] = []
    for line in content[:end].decode("ascii").splitlines():
        words = line.split()
        if words[:1] == ["format"]:
            encoding, order = words[1], _PLY_ENCODINGS[words[1]]
        elif words[:1] == ["element"]:
            elements.append((words[1], int(words[2]), []))
        elif words[:1] == ["property"]:
            elements[-1][2].append((words[-1], order + _PLY_TYPES[words[1]] if words[1] != "list" else "O"))
    if not elements or elements[0][0] != "vertex" or any(kind == "O" for _, kind in elements[0][2]):
        raise ValueError("its first element is not 'vertex' of plain numbers")
    layout = _Layout(np.dtype(elements[0][2]), elements[0][1], encoding, start)
    return _checked(layout)


def _pcd_layout(content: bytes) -> _Layout:
    fields: dict[str, list[str]] = {}
    start = 0
    while "DATA" not in fields:
        stop = content.find(b"\n", start)
        if stop < 0:
            raise ValueError("its header does not end")
        words = content[start:stop].decode("ascii").split()
        start = stop + 1
        if words and not words[0].startswith("#"):
            fields[words[0]] = words[1:]
    counts = fields.get("COUNT", ["1"] * len(fields["FIELDS"]))
    columns = [
        (f"{name}{i}" if name == "_" else name, f"<{kind.lower()}{size}", (int(count),) if int(count) > 1 else ())
        for i, (name, kind, size, count) in enumerate(
            zip(fields["FIELDS"], fields["TYPE"], fields["SIZE"], counts, strict=True)
        )
    ]
    points = fields.get("POINTS") or [str(int(fields["WIDTH"][0]) * int(fields["HEIGHT"][0]))]
    return _checked(_Layout(np.dtype(columns), int(points[0]), fields["DATA"][0], start))


def _checked(layout: _Layout) -> _Layout:
    names = layout.dtype.names or ()
    if not {"x", "y", "z"} <= set(names):
        raise ValueError(f"no x, y and z among its fields {list(names)}")
    if layout.points < 0 or layout.encoding not in (*_PLY_ENCODINGS, "binary", "binary_compressed"):
        raise ValueError(f"{layout.points} points of encoding {layout.encoding!r}")
    return layout


def _read_columns(content: bytes, layout: _Layout) -> dict[str, NDArray[Any]]:
    """The columns of as many whole points as `content` holds, at most `layout.points`."""
    if layout.encoding == "ascii":
        return _read_ascii(content[layout.start :], layout)
    if layout.encoding == "binary_compressed":
        return _read_compressed(content[layout.start :], layout)
    count = min(layout.points, (len(content) - layout.start) // layout.dtype.itemsize)
    records = np.frombuffer(content, dtype=layout.dtype, count=count, offset=layout.start)
    return {name: records[name] for name in layout.dtype.names or ()}


def _read_ascii(body: bytes, layout: _Layout) -> dict[str, NDArray[Any]]:
    """Columns of text with one point a line; a last line that was cut short is left out."""
    names = layout.dtype.names or ()
    widths = [int(np.prod(layout.dtype[name].shape)) for name in names]
    ends = np.flatnonzero(np.frombuffer(body, dtype=np.uint8) == ord("\n"))
    if len(ends) > layout.points:
        body = body[: ends[layout.points - 1] + 1]  # what follows are other elements, such as faces
    numbers = np.fromstring(body, sep=" ") if layout.points else np.zeros(0)
    whole = min(layout.points, len(numbers) // sum(widths))
    table = numbers[: whole * sum(widths)].reshape(whole, sum(widths))
    first = np.cumsum([0, *widths])
    return {
        name: (table[:, a : a + width] if width > 1 else table[:, a]).astype(layout.dtype[name].base)
        for name, a, width in zip(names, first, widths, strict=False)
    }


def _read_compressed(body: bytes, layout: _Layout) -> dict[str, NDArray[Any]]:
    """Columns of PCD's binary_compressed data: one LZF block, in which each column stands in one piece."""
    packed, unpacked = np.frombuffer(body, dtype="<u4", count=2)
    block = _lzf(body[8 : 8 + int(packed)])
    if len(block) < unpacked or unpacked < layout.points * layout.dtype.itemsize:
        raise ValueError("its compressed block is cut short")
    columns, start = {}, 0
    for name in layout.dtype.names or ():
        kind = layout.dtype[name]
        columns[name] = np.frombuffer(block, dtype=kind, count=layout.points, offset=start)
        start += kind.itemsize * layout.points
    return columns


def _lzf(packed: bytes) -> bytes:
    """Decompress an LZF block (the format of M. Lehmann's liblzf)."""
    out, i = bytearray(), 0
    while i < len(packed):
        control = packed[i]
        i += 1
        if control < 32:
            out += packed[i : i + control + 1]
            i += control + 1
            continue
        length = control >> 5
        if length == 7:
            length += packed[i]
            i += 1
        start = len(out) - ((control & 31) << 8) - packed[i] - 1
        i += 1
        if start < 0:
            raise ValueError("its compressed block is damaged")
        for k in range(start, start + length + 2):
            out.append(out[k])
    return bytes(out)
