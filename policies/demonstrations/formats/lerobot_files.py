"""The files of a LeRobotDataset that grow: parquet files with a row group an episode, and films."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometry import InputError
from perception.figures import VideoWriter
from policies.demonstrations.formats import lerobot_layout as layout
from policies.demonstrations.formats.lerobot_columns import column_of, column_schema
from policies.demonstrations.formats.lerobot_features import Feature
from policies.demonstrations.formats.optional_package import optional_package


class DataFiles:
    """Writes episodes one after another, and begins a new file when one is large enough.

    Args:
        root: of the data set.
        features: the columns, in order.
        file_mb: size of the numbers, before compression, at which a file is closed.
        files_per_chunk: files in one folder.
        path: pattern of the files' names.
    """

    def __init__(
        self,
        root: Path,
        features: Sequence[Feature],
        file_mb: float,
        files_per_chunk: int,
        *,
        path: str = layout.DATA_PATH,
    ) -> None:
        self._root, self._features, self._path = root, features, path
        self._most_bytes, self._files_per_chunk = file_mb * 1e6, files_per_chunk
        self._number, self._bytes = -1, np.inf
        self._writer: Any = None

    def add(self, tables: Mapping[str, NDArray[Any]]) -> tuple[int, int]:
        """Write the stored rows of one episode, and say in which chunk and file they are."""
        arrow = optional_package("pyarrow", extra="lerobot")
        columns = [column_of(tables[feature.column], picture=feature.dtype == "image") for feature in self._features]
        kinds = {"features": {feature.column: column_schema(feature) for feature in self._features}}
        table = arrow.table(columns, names=[feature.column for feature in self._features])
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": kinds})})
        size = sum(column.nbytes for column in columns)
        if self._bytes + size > self._most_bytes:
            self._begin(table.schema)
        self._writer.write_table(table, row_group_size=len(table))
        self._bytes += size
        return self._place

    def close(self) -> None:
        """Write the footer of the open file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    @property
    def _place(self) -> tuple[int, int]:
        return self._number // self._files_per_chunk, self._number % self._files_per_chunk

    def _begin(self, schema: Any) -> None:
        parquet = optional_package("pyarrow.parquet", extra="lerobot")
        self.close()
        self._number, self._bytes = self._number + 1, 0.0
        chunk, file = self._place
        path = self._root / self._path.format(chunk_index=chunk, file_index=file)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = parquet.ParquetWriter(path, schema, compression="snappy")


class VideoFiles:
    """Writes each camera's pictures of all episodes of one data file into one film.

    Args:
        root: of the data set.
        features: the cameras.
        rate_hz: frames a second.
    """

    def __init__(self, root: Path, features: Sequence[Feature], rate_hz: float) -> None:
        for feature in features:
            if feature.shape[0] % 2 or feature.shape[1] % 2:
                raise InputError(
                    "export",
                    expected="pictures of even height and width for films",
                    got=f"{feature.column} {feature.shape[:2]}",
                    remedy="leave videos out: pictures are then stored as PNG",
                )
        self.features = tuple(features)
        self._root, self._rate_hz = root, rate_hz
        self._place: tuple[int, int] | None = None
        self._open = ExitStack()
        self._films: dict[str, VideoWriter] = {}

    def add(self, tables: Mapping[str, NDArray[np.uint8]], chunk: int, file: int) -> dict[str, Any]:
        """Append pictures (T, H, W, 3) of one episode, and say where they are, as a row of meta/episodes has it."""
        if self._place != (chunk, file):
            self.close()
            self._place = (chunk, file)
            self._films = {name: self._open.enter_context(self._film(name)) for name in tables}
        row: dict[str, Any] = {}
        for name, table in tables.items():
            film = self._films[name]
            begin = film.frames
            for picture in table:
                film.add(picture)
            row |= {
                f"videos/{name}/chunk_index": chunk,
                f"videos/{name}/file_index": file,
                f"videos/{name}/from_timestamp": begin / self._rate_hz,
                f"videos/{name}/to_timestamp": film.frames / self._rate_hz,
            }
        return row

    def close(self) -> None:
        """End the open films."""
        self._open.close()

    def description(self, feature: Feature) -> dict[str, Any]:
        """What info.json says of a camera's films."""
        height, width, channels = feature.shape
        film = {
            "video.height": height, "video.width": width, "video.channels": channels, "video.fps": self._rate_hz,
            "video.codec": "h264", "video.pix_fmt": "yuv420p", "video.is_depth_map": False, "has_audio": False,
        }  # fmt: skip
        return {"info": film}

    def _film(self, name: str) -> VideoWriter:
        assert self._place is not None
        chunk, file = self._place
        path = layout.VIDEO_PATH.format(video_key=name, chunk_index=chunk, file_index=file)
        return VideoWriter(self._root / path, rate_hz=self._rate_hz)


def write_parquet(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows of plain values."""
    arrow = optional_package("pyarrow", extra="lerobot")
    parquet = optional_package("pyarrow.parquet", extra="lerobot")
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(arrow.Table.from_pylist(list(rows)), path, compression="snappy")


def write_tasks(path: Path, tasks: Mapping[str, int]) -> None:
    """Write meta/tasks.parquet: a pandas table whose index are the tasks' words, without pandas."""
    arrow = optional_package("pyarrow", extra="lerobot")
    parquet = optional_package("pyarrow.parquet", extra="lerobot")
    index = "__index_level_0__"
    described = [
        {"name": "task_index", "field_name": "task_index", "pandas_type": "int64", "numpy_type": "int64",
         "metadata": None},
        {"name": None, "field_name": index, "pandas_type": "unicode", "numpy_type": "object", "metadata": None},
    ]  # fmt: skip
    words = {"name": None, "field_name": None, "pandas_type": "unicode", "numpy_type": "object"}
    pandas = {
        "index_columns": [index],
        "column_indexes": [words | {"metadata": {"encoding": "UTF-8"}}],
        "columns": described,
        "creator": {"library": "pyarrow", "version": arrow.__version__},
        "pandas_version": "2.0.0",
    }
    columns = [arrow.array(list(tasks.values()), arrow.int64()), arrow.array(list(tasks), arrow.string())]
    table = arrow.table(columns, names=["task_index", index])
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(table.replace_schema_metadata({"pandas": json.dumps(pandas)}), path)
