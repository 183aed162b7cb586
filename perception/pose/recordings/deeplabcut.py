"""DeepLabCut's CSV of one video: pixels (or 3D) of body parts of one or several animals or people.

Header rows `scorer`, (`individuals`,) `bodyparts`, `coords`; below them one row a frame, which begins with the
frame's number; coords are x, y, (z,) likelihood. Source: DeepLabCut's user guide, output of `analyze_videos`.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from geometry import FloatArray, InputError
from perception.pose.recordings.recording import Recording, recording_of_arrays
from perception.pose.recordings.text_file import read_text, to_numbers
from perception.pose.skeletons import Skeleton

_Column = tuple[str, str, str]
"""Individual, body part, coordinate."""

_AXES = ("x", "y", "z")


def read_deeplabcut(path: str | Path, *, rate_hz: float = 30.0, bones: tuple[tuple[str, str], ...] = ()) -> Recording:
    """Frames of a DeepLabCut CSV. Persons are the individuals in the order of columns, with ids from 0.

    Args:
        path: the file.
        rate_hz: frames a second of the video; the first column's number over it is the time.
        bones: pairs of body parts for the skeleton, which the file does not tell.

    Raises:
        InputError: if the header is another, a row is cut off, a cell is no number, or there is no frame.
    """
    path = Path(path)
    if not rate_hz > 0.0:
        raise InputError("read_deeplabcut", expected="rate_hz above 0", got=f"{rate_hz}")
    rows = [row for row in csv.reader(read_text(path).splitlines()) if row]
    columns, first, body = _header(path, rows)
    if not body:
        raise InputError(str(path), expected="a row for each frame below the header", got="none")
    values = np.array([_numbers(path, row, first, len(columns), line) for line, row in body])
    individuals, parts = (list(dict.fromkeys(column[i] for column in columns)) for i in (0, 1))
    axes = [axis for axis in _AXES if any(column[2] == axis for column in columns)]
    points = np.full((len(values), len(individuals), len(parts), len(axes)), np.nan)
    scores = np.ones(points.shape[:3])
    for number, (individual, part, coordinate) in enumerate(columns):
        place = (slice(None), individuals.index(individual), parts.index(part))
        if coordinate == "likelihood":
            scores[place] = np.clip(np.nan_to_num(values[:, number]), 0.0, 1.0)
        else:
            points[(*place, axes.index(coordinate))] = values[:, number]
    return recording_of_arrays(
        Skeleton(name="deeplabcut", joints=tuple(parts), bones=bones),
        _frame_numbers([row for _, row in body]) / rate_hz,
        points,
        scores=scores,
    )


def _header(path: Path, rows: list[list[str]]) -> tuple[list[_Column], int, list[tuple[int, list[str]]]]:
    """Columns, the first of them in a row, and the frames with their line numbers."""
    names = [row[0].strip().lower() for row in rows[:4]]
    if names[:3] != ["scorer", "bodyparts", "coords"] and names != ["scorer", "individuals", "bodyparts", "coords"]:
        raise InputError(
            str(path),
            expected="DeepLabCut's header rows scorer, (individuals,) bodyparts, coords",
            got=f"{', '.join(names)[:80]}" if names else "an empty file",
        )
    depth = names.index("coords") + 1
    coords = [cell.strip().lower() for cell in rows[depth - 1]]
    first = next((i for i, cell in enumerate(coords) if cell in _AXES), len(coords))
    parts = [cell.strip() for cell in rows[depth - 2]]
    individuals = rows[1] if depth == 4 else [""] * len(coords)
    if {len(row) for row in rows[:depth]} != {len(coords)} or not {"x", "y"} <= set(coords[first:]) <= {
        *_AXES,
        "likelihood",
    }:
        raise InputError(f"{path}: header", expected="x, y and likelihood for each body part", got=f"{coords[1:5]}...")
    columns = list(zip(individuals[first:], parts[first:], coords[first:], strict=True))
    if len(set(columns)) < len(columns):
        raise InputError(f"{path}: header", expected="each body part once", got="one of them twice")
    return columns, first, list(enumerate(rows[depth:], start=depth + 1))


def _numbers(path: Path, row: list[str], first: int, count: int, line: int) -> list[float]:
    if len(row) != first + count:
        raise InputError(
            f"{path}:{line}", expected=f"{first + count} cells", got=f"{len(row)}", remedy="is the file cut off?"
        )
    return to_numbers((cell.strip() or "nan" for cell in row[first:]), f"{path}:{line}", finite=False)


def _frame_numbers(rows: list[list[str]]) -> FloatArray:
    """The numbers in the first column; the rows' order where it holds names of images."""
    try:
        return np.array([float(row[0]) for row in rows])
    except ValueError:
        return np.arange(len(rows), dtype=float)
