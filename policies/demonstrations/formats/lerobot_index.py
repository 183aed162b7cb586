"""Where each episode of a LeRobotDataset lies: v3.0, and v2.1 and v2.0, which keep one file for each episode."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from geometry import InputError
from policies.demonstrations.formats import lerobot_layout as layout
from policies.demonstrations.formats.optional_package import optional_package

_OLD = ("v2.0", "v2.1")


class FilmPlace(NamedTuple):
    """Where the pictures of one episode begin."""

    file: Path
    from_s: float


class EpisodePlace(NamedTuple):
    """Where one episode is."""

    number: int
    """Its episode_index."""
    file: Path
    row: int
    """Its first row in the file."""
    length: int
    task: str
    films: dict[str, FilmPlace]
    """By column."""


class LeRobotIndex(NamedTuple):
    """The metadata of a set."""

    info: dict[str, Any]
    """meta/info.json."""
    places: tuple[EpisodePlace, ...]
    """In the order of episode_index."""


def read_index(folder: Path) -> LeRobotIndex:
    """Read a set's metadata.

    Raises:
        InputError: if it is no LeRobotDataset, of a version that is not read, or damaged.
    """
    info = _read_info(folder / layout.INFO)
    version = str(info.get("codebase_version"))
    try:
        if version == layout.VERSION:
            places = _places(folder, info)
        elif version in _OLD:
            places = _old_places(folder, info)
        else:
            raise InputError(
                str(folder),
                expected=f"a LeRobotDataset {layout.VERSION}, {' or '.join(_OLD)}",
                got=f"codebase_version {version}",
                remedy="convert it with lerobot's own scripts first",
            )
    except (KeyError, TypeError, IndexError, json.JSONDecodeError) as error:
        got = f"{type(error).__name__}: {error}"
        raise InputError(f"{folder}/meta", expected=f"the metadata of LeRobot {version}", got=got) from None
    if not places:
        raise InputError(str(folder), expected="at least one episode", got="none")
    return LeRobotIndex(info, tuple(sorted(places, key=lambda place: place.number)))


def _read_info(path: Path) -> dict[str, Any]:
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
        if not {"codebase_version", "fps", "features", "data_path"} <= info.keys():
            raise ValueError(f"only {', '.join(info)}")
        return dict(info)
    except FileNotFoundError:
        raise InputError(f"{path}", expected="the description of a LeRobotDataset", got="no such file") from None
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(f"{path}", expected="the description of a LeRobotDataset", got=f"{error}") from None


def _places(folder: Path, info: Mapping[str, Any]) -> list[EpisodePlace]:
    """Of v3.0: many episodes in a file, told by the tables in meta/episodes."""
    parquet = optional_package("pyarrow.parquet", extra="lerobot")
    rows: list[dict[str, Any]] = []
    for path in sorted((folder / "meta" / "episodes").glob("*/*.parquet")):
        try:
            table = parquet.ParquetFile(path)
            columns = [name for name in table.schema_arrow.names if not name.startswith("stats/")]
            rows += table.read(columns=columns).to_pylist()
        except (OSError, ValueError) as error:  # pyarrow's own errors are of these kinds
            raise InputError(f"{path}", expected="a whole parquet file", got=str(error).splitlines()[0]) from None
    films = [name for name, feature in info["features"].items() if feature["dtype"] == "video"]
    begin: dict[Path, int] = {}
    for row in rows:
        file = folder / _path(info["data_path"], row, "data")
        begin[file] = min(begin.get(file, row["dataset_from_index"]), row["dataset_from_index"])
    return [
        EpisodePlace(
            number=row["episode_index"],
            file=(file := folder / _path(info["data_path"], row, "data")),
            row=row["dataset_from_index"] - begin[file],
            length=row["length"],
            task=next(iter(row["tasks"]), ""),
            films={
                name: FilmPlace(
                    folder / _path(info["video_path"], row, f"videos/{name}", video_key=name),
                    float(row[f"videos/{name}/from_timestamp"]),
                )
                for name in films
            },
        )
        for row in rows
    ]


def _path(pattern: str, row: Mapping[str, Any], what: str, **known: str) -> str:
    return pattern.format(chunk_index=row[f"{what}/chunk_index"], file_index=row[f"{what}/file_index"], **known)


def _old_places(folder: Path, info: Mapping[str, Any]) -> list[EpisodePlace]:
    """Of v2: meta/episodes.jsonl, and a file of its own for each episode."""
    films = [name for name, feature in info["features"].items() if feature["dtype"] == "video"]
    path = folder / "meta" / "episodes.jsonl"
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except OSError as error:
        got = error.strerror or str(error)
        raise InputError(f"{path}", expected="the episodes of a LeRobotDataset v2", got=got) from None
    places = []
    for row in rows:
        number = row["episode_index"]
        where = {"episode_chunk": number // info["chunks_size"], "episode_index": number}
        film = {n: FilmPlace(folder / info["video_path"].format(video_key=n, **where), 0.0) for n in films}
        file = folder / info["data_path"].format(**where)
        places.append(EpisodePlace(number, file, 0, row["length"], next(iter(row["tasks"]), ""), film))
    return places
