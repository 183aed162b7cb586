"""Write demonstrations as a LeRobotDataset v3.0, which LeRobot opens; this needs pyarrow, not LeRobot."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometry import InputError
from policies.demonstrations.episode import Episode
from policies.demonstrations.formats import lerobot_layout as layout
from policies.demonstrations.formats.episode_source import EpisodeSource, Exported
from policies.demonstrations.formats.lerobot_features import Feature, feature_of
from policies.demonstrations.formats.lerobot_files import DataFiles, VideoFiles, write_parquet, write_tasks
from policies.demonstrations.formats.lerobot_statistics import RunningStatistics
from policies.demonstrations.formats.output_folder import output_folder


@dataclasses.dataclass(frozen=True, kw_only=True)
class LeRobotExport:
    """How a set is written."""

    videos: bool = False
    """Write colour images as MP4, which is small and loses something, instead of PNG within the parquet files."""
    robot_type: str = "panda"
    """As info.json has it."""
    data_file_mb: float = layout.DATA_FILE_MB
    """A data file is closed when its numbers, before compression, reach this size."""
    files_per_chunk: int = layout.FILES_PER_CHUNK
    """Files in one folder."""

    def __post_init__(self) -> None:
        if not self.data_file_mb > 0.0 or self.files_per_chunk < 1:
            raise InputError(
                "LeRobotExport",
                expected="data_file_mb above 0, files_per_chunk of at least 1",
                got=f"{self.data_file_mb}, {self.files_per_chunk}",
            )


def export_lerobot(
    demonstrations: EpisodeSource,
    folder: str | Path,
    settings: LeRobotExport | None = None,
    *,
    on_episode: Callable[[int], None] | None = None,
) -> Exported:
    """Write all episodes; the folder appears whole or not at all.

    Timestamps are the frame's number over the rate, never a clock. One row group holds one episode. The last frame of
    an episode is marked done, and as a success where the episode was one. What LeRobot has no place for (bounds of the
    actions, provenance, what was seen after the last action) stands in two files beside its own in meta/, so that
    `LeRobotSet` gives the very same episodes back.

    Args:
        demonstrations: what to write.
        folder: new or empty.
        settings: default: `LeRobotExport()`.
        on_episode: told how many are written.

    Raises:
        InputError: if there is no episode, they differ in their tables, or the folder holds something.
    """
    if not len(demonstrations):
        raise InputError("export", expected="at least one episode", got="none")
    with output_folder(folder) as draft:
        writer = _Writer(demonstrations, draft, settings or LeRobotExport())
        for number in range(len(demonstrations)):
            writer.add(demonstrations[number])
            if on_episode is not None:
                on_episode(number + 1)
        writer.finish()
    return Exported(len(demonstrations), writer.frames, tuple(writer.columns))


class _Writer:
    """One export under way."""

    def __init__(self, demonstrations: EpisodeSource, folder: Path, settings: LeRobotExport) -> None:
        self._info, self._folder, self._settings = demonstrations.info, folder, settings
        first = demonstrations[0]
        self._shapes = first.shapes
        self._features = [self._feature(key, table) for key, table in first.observations.items()]
        action = Feature(
            column=layout.ACTION,
            key="actions",
            dtype="float32",
            shape=first.actions.shape[1:],
            row_shape=first.actions.shape[1:],
            names=self._info.action_names if len(self._info.action_names) == first.actions.shape[1] else (),
        )
        rewards = [
            Feature(column=name, key=name, dtype=kind, shape=(), row_shape=())
            for name, kind in ((layout.REWARD, "float32"), (layout.DONE, "bool"), (layout.SUCCESS, "bool"))
        ]
        index = [
            Feature(column=name, key=name, dtype=kind, shape=(), row_shape=())
            for name, kind in layout.INDEX_COLUMNS.items()
        ]
        self.columns = {feature.column: feature for feature in (*self._features, action, *rewards, *index)}
        if len(self.columns) != len(self._features) + 4 + len(index):
            raise InputError("export", expected="observations of different columns", got=f"{list(first.observations)}")
        in_parquet = [feature for feature in self.columns.values() if feature.dtype != "video"]
        self._data = DataFiles(folder, in_parquet, settings.data_file_mb, settings.files_per_chunk)
        films = [feature for feature in self._features if feature.dtype == "video"]
        self._videos = VideoFiles(folder, films, self._info.rate_hz)
        self._statistics = {name: RunningStatistics(feature) for name, feature in self.columns.items()}
        self._rows: list[dict[str, Any]] = []
        self._own: list[dict[str, Any]] = []
        self._last: dict[str, list[NDArray[Any]]] = {feature.column: [] for feature in self._features}
        self._last_of: list[int] = []
        self._tasks: dict[str, int] = {}
        self.frames = 0

    def add(self, episode: Episode) -> None:
        """Write one episode."""
        if episode.shapes != self._shapes:
            raise InputError("export", expected=f"episodes like the first, {self._shapes}", got=f"{episode.shapes}")
        number, steps = len(self._rows), len(episode)
        tables = self._tables(episode, number)
        chunk, file = self._data.add(tables)
        places = self._videos.add({k: t for k, t in tables.items() if self.columns[k].dtype == "video"}, chunk, file)
        found = {name: running.add(tables[name]) for name, running in self._statistics.items()}
        self._rows.append(
            {
                "episode_index": number, "tasks": [episode.task], "length": steps,
                "data/chunk_index": chunk, "data/file_index": file,
                "dataset_from_index": self.frames, "dataset_to_index": self.frames + steps,
                **places,
                **{f"stats/{name}/{stat}": value for name, each in found.items() for stat, value in each.items()},
                "meta/episodes/chunk_index": 0, "meta/episodes/file_index": 0,
            }
        )  # fmt: skip
        self._remember(episode, number)
        self.frames += steps

    def finish(self) -> None:
        """Close the data files and write the metadata."""
        self._data.close()
        self._videos.close()
        meta = self._folder
        write_parquet(meta / layout.EPISODES_PATH.format(chunk_index=0, file_index=0), self._rows)
        write_tasks(meta / layout.TASKS, self._tasks)
        _write_json(meta / layout.STATS, {name: running.result() for name, running in self._statistics.items()})
        _write_json(meta / layout.INFO, self._description())
        kept = [{"key": f.key, "column": f.column, "row_shape": list(f.row_shape)} for f in self._features]
        own = {"format": "graspmimic-lerobot", "version": 1, "set": self._info.record(), "observations": kept}
        _write_json(meta / layout.OWN, own | {"episodes": self._own})
        if self._last_of:
            last = DataFiles(meta, self._features_in_last(), self._settings.data_file_mb, 1, path=layout.OWN_LAST)
            tables = {name: np.stack(rows) for name, rows in self._last.items()}
            last.add(tables | {"episode_index": np.array(self._last_of)})
            last.close()

    def _feature(self, key: str, table: NDArray[Any]) -> Feature:
        names = self._info.observation_names.get(key, ())
        feature = feature_of(key, table.dtype, table.shape[1:], names)
        if self._settings.videos and feature.dtype == "image" and feature.shape[-1] == 3:
            return dataclasses.replace(feature, dtype="video")
        return feature

    def _features_in_last(self) -> list[Feature]:
        """Of the last observations: pictures as PNG, for one of them makes no film."""
        still = [dataclasses.replace(f, dtype="image") if f.is_picture else f for f in self._features]
        return [*still, self.columns["episode_index"]]

    def _tables(self, episode: Episode, number: int) -> dict[str, NDArray[Any]]:
        """Stored rows of every column."""
        steps = len(episode)
        frame, last = np.arange(steps), np.arange(steps) == steps - 1
        task = self._tasks.setdefault(episode.task, len(self._tasks))
        seen = {f.column: f.stored(np.asarray(episode.observations[f.key][:steps])) for f in self._features}
        done = {
            layout.ACTION: episode.actions,
            layout.REWARD: episode.rewards,
            layout.DONE: last,
            layout.SUCCESS: last & episode.success,
            "timestamp": (frame / self._info.rate_hz).astype(np.float32),
            "frame_index": frame,
            "episode_index": np.full(steps, number),
            "index": self.frames + frame,
            "task_index": np.full(steps, task),
        }
        return {name: np.asarray(t).astype(_numpy_type(self.columns[name])) for name, t in (seen | done).items()}

    def _remember(self, episode: Episode, number: int) -> None:
        """What LeRobot has no place for."""
        self._own.append(
            {"success": episode.success, "terminated": episode.terminated, "provenance": dict(episode.provenance)}
        )
        if episode.complete:
            self._last_of.append(number)
            for feature in self._features:
                self._last[feature.column].append(feature.stored(np.asarray(episode.observations[feature.key][-1:]))[0])

    def _description(self) -> dict[str, Any]:
        rate = self._info.rate_hz
        return {
            "codebase_version": layout.VERSION,
            "robot_type": self._settings.robot_type,
            "total_episodes": len(self._rows),
            "total_frames": self.frames,
            "total_tasks": len(self._tasks),
            "chunks_size": self._settings.files_per_chunk,
            "data_files_size_in_mb": layout.DATA_FILE_MB,
            "video_files_size_in_mb": layout.VIDEO_FILE_MB,
            "fps": int(rate) if float(rate).is_integer() else rate,
            "splits": {"train": f"0:{len(self._rows)}"},
            "data_path": layout.DATA_PATH,
            "video_path": layout.VIDEO_PATH if self._videos.features else None,
            "features": {name: self._described(feature) for name, feature in self.columns.items()},
        }

    def _described(self, feature: Feature) -> dict[str, Any]:
        film = self._videos.description(feature) if feature.dtype == "video" else {}
        return feature.description | film


def _numpy_type(feature: Feature) -> str:
    return "uint8" if feature.is_picture else feature.dtype


def _write_json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
