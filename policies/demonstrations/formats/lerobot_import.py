"""Read a LeRobotDataset, whoever wrote it; episodes come from disk when they are asked for."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometry import InputError
from policies.demonstrations.episode import Episode
from policies.demonstrations.formats import lerobot_layout as layout
from policies.demonstrations.formats.lerobot_columns import table_of
from policies.demonstrations.formats.lerobot_features import Feature, feature_from
from policies.demonstrations.formats.lerobot_index import EpisodePlace, read_index
from policies.demonstrations.formats.optional_package import optional_package
from policies.demonstrations.formats.video_frames import video_frames
from policies.demonstrations.set_info import SetInfo


class LeRobotSet:
    """A LeRobotDataset v3.0 (or v2.1, v2.0) as episodes.

    "observation.state" becomes "observation", "observation.images.KEY" and "observation.KEY" become "KEY"; pictures
    come as (C, H, W) uint8; rewards that are not there are zeros. An episode without next.success counts as a success,
    as demonstrations do, and its provenance says so. A set that `export_lerobot` wrote gives its own keys, shapes,
    provenance and last observations back, bit for bit (pictures in films excepted).

    Args:
        folder: the one that holds meta/.

    Raises:
        InputError: if it is none, or damaged.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        index = read_index(self.folder)
        self._described, self._places = index.info, index.places
        self._own = _read_own(self.folder / layout.OWN, len(index.places))
        self._features = self._observations()
        self._action = self._feature(layout.ACTION)
        if self._action is None or not self._features:
            got = ", ".join(self._described["features"])
            raise InputError(str(folder), expected="columns action and observation.*", got=got)
        self._file: tuple[Path, Any] | None = None
        self.info = self._info()
        """What the episodes have in common."""
        known = {f.column for f in self._features} | {layout.ACTION, layout.REWARD, layout.DONE, layout.SUCCESS}
        self.left_out = tuple(sorted(self._described["features"].keys() - known - layout.INDEX_COLUMNS.keys()))
        """Columns that become nothing here."""
        if self.left_out:
            logging.getLogger(__name__).warning("%s: left out %s", folder, ", ".join(self.left_out))

    def __len__(self) -> int:
        """Episodes."""
        return len(self._places)

    def __getitem__(self, index: int) -> Episode:
        """One episode, read now.

        Raises:
            InputError: if its files are missing, damaged, or its timestamps are off the grid.
        """
        place = self._places[index]
        table = self._rows(place)
        self._check_grid(table, place)
        seen = {f.key: f.restored(self._seen(f, table, place)) for f in self._features}
        own = self._own["episodes"][index] if self._own else None
        last = self._last(index) if self._own else {}
        assert self._action is not None
        actions = table_of(table.column(layout.ACTION), self._action).reshape(place.length, -1)
        return Episode(
            observations={key: np.concatenate([t, last[key]]) if last else t for key, t in seen.items()},
            actions=actions.astype(np.float32),
            rewards=self._rewards(table, place),
            success=self._success(table, own),
            terminated=bool(own["terminated"]) if own else False,
            task=place.task,
            provenance=own["provenance"] if own else self._provenance(place, table),
        )

    def _observations(self) -> tuple[Feature, ...]:
        """The columns that are observed; a set of our own names keys and shapes itself."""
        features = self._described["features"]
        if self._own:
            return tuple(
                feature_from(each["column"], features[each["column"]], each["key"], tuple(each["row_shape"]))
                for each in self._own["observations"]
            )
        seen = [name for name in features if name.startswith("observation.") or name == "observation"]
        found = tuple(feature_from(name, features[name]) for name in seen if features[name]["dtype"] != "string")
        if len({feature.key for feature in found}) < len(found):  # such as observation.x beside observation.images.x
            found = tuple(feature_from(f.column, features[f.column], f.column) for f in found)
        return found

    def _feature(self, column: str) -> Feature | None:
        described = self._described["features"].get(column)
        return None if described is None else feature_from(column, described)

    def _info(self) -> SetInfo:
        if self._own:
            return SetInfo.of_record(self._own["set"])
        assert self._action is not None
        width = int(np.prod(self._action.shape))
        names = self._action.names if len(self._action.names) == width else [f"action {i}" for i in range(width)]
        return SetInfo.of_episode(
            self[0],
            rate_hz=float(self._described["fps"]),
            action_names=tuple(names),
            observation_names={
                f.key: f.names if len(f.row_shape) == 1 and len(f.names) == f.row_shape[0] else ()
                for f in self._features
            },
        )

    def _rows(self, place: EpisodePlace) -> Any:
        """The episode's rows; only the row groups that hold some of them are read."""
        parquet = optional_package("pyarrow.parquet", extra="lerobot")
        try:
            if self._file is None or self._file[0] != place.file:
                self._file = (place.file, parquet.ParquetFile(place.file))
            file = self._file[1]
            sizes = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
            ends = np.cumsum(sizes)
            first = int(np.searchsorted(ends, place.row, side="right"))
            last = int(np.searchsorted(ends, place.row + place.length - 1, side="right"))
            if last >= len(sizes):
                raise ValueError(f"{ends[-1] if len(ends) else 0} rows, not {place.row + place.length}")
            table = file.read_row_groups(list(range(first, last + 1)))
        except (OSError, ValueError) as error:
            got = str(error).splitlines()[0]
            raise InputError(str(place.file), expected=f"the rows of episode {place.number}", got=got) from None
        return table.slice(place.row - int(ends[first] - sizes[first]), place.length)

    def _check_grid(self, table: Any, place: EpisodePlace) -> None:
        """See that the rows are those of the episode, in order, at times frame / fps."""
        where = f"{place.file}, episode {place.number}"
        for name, wanted in (
            ("episode_index", np.full(place.length, place.number)),
            ("frame_index", np.arange(place.length)),
        ):
            if not np.array_equal(table.column(name).to_numpy(), wanted):
                raise InputError(where, expected=f"its own rows, in order ({name})", got="others")
        time_s, rate_hz = table.column("timestamp").to_numpy().astype(np.float64), float(self._described["fps"])
        apart = np.abs(time_s - np.arange(place.length) / rate_hz)
        rounding = np.spacing(time_s.astype(np.float32))  # which passes the tolerance after half an hour
        if not (apart <= layout.TIMESTAMP_TOLERANCE_S + rounding).all():  # false for NaN, too
            worst = int(np.argmax(np.where(np.isnan(apart), np.inf, apart)))
            got = f"{time_s[worst]:.5f} s at frame {worst}"
            remedy = "write timestamps as frame_index / fps, never from a clock"
            raise InputError(where, expected=f"timestamps on the grid of {rate_hz:g} Hz", got=got, remedy=remedy)

    def _seen(self, feature: Feature, table: Any, place: EpisodePlace) -> NDArray[Any]:
        if feature.dtype != "video":
            return table_of(table.column(feature.column), feature)
        film = place.films[feature.column]
        frames = video_frames(film.file, film.from_s, place.length, float(self._described["fps"]))
        if frames.shape[1:] != feature.shape:
            raise InputError(str(film.file), expected=f"pictures {feature.shape}", got=f"{frames.shape[1:]}")
        return frames

    def _rewards(self, table: Any, place: EpisodePlace) -> NDArray[np.float32]:
        feature = self._feature(layout.REWARD)
        if feature is None:
            return np.zeros(place.length, dtype=np.float32)
        return table_of(table.column(layout.REWARD), feature).reshape(-1).astype(np.float32)

    def _success(self, table: Any, own: dict[str, Any] | None) -> bool:
        if own:
            return bool(own["success"])
        feature = self._feature(layout.SUCCESS)
        return feature is None or bool(table_of(table.column(layout.SUCCESS), feature).reshape(-1)[-1])

    def _provenance(self, place: EpisodePlace, table: Any) -> dict[str, Any]:
        said = {"source": "lerobot", "episode_index": place.number, "robot": self._described.get("robot_type")}
        return said | ({} if layout.SUCCESS in table.column_names else {"success": "assumed"})

    def _last(self, number: int) -> dict[str, NDArray[Any]]:
        """What was seen after the last action, (1, ...) by key; empty where nobody recorded it."""
        if number not in self._last_rows:
            return {}
        row = self._last_rows[number]
        return {key: table[row : row + 1] for key, table in self._last_tables.items()}

    @cached_property
    def _last_rows(self) -> dict[int, int]:
        """The row of `_last_tables` for the episodes that have one."""
        path = self.folder / layout.OWN_LAST
        if not path.exists():
            return {}
        parquet = optional_package("pyarrow.parquet", extra="lerobot")
        numbers = parquet.read_table(path, columns=["episode_index"]).column("episode_index").to_pylist()
        return {number: row for row, number in enumerate(numbers)}

    @cached_property
    def _last_tables(self) -> dict[str, NDArray[Any]]:
        """One row for each episode in `_last_rows`; pictures are PNG here even where the others are in films."""
        table = optional_package("pyarrow.parquet", extra="lerobot").read_table(self.folder / layout.OWN_LAST)
        still = [replace(f, dtype="image") if f.is_picture else f for f in self._features]
        return {f.key: f.restored(table_of(table.column(f.column), f)) for f in still}


def _read_own(path: Path, episodes: int) -> dict[str, Any] | None:
    """What `export_lerobot` wrote beside LeRobot's files; None where somebody else wrote the set."""
    if not path.exists():
        return None
    try:
        own = json.loads(path.read_text(encoding="utf-8"))
        if own["format"] != "graspmimic-lerobot" or own["version"] != 1:
            raise ValueError(f"{own['format']} {own['version']}")
        if len(own["episodes"]) != episodes:
            raise ValueError(f"{len(own['episodes'])} episodes beside {episodes}")
        return dict(own)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}", expected="version 1 of this file", got=str(error), remedy="remove it") from None
