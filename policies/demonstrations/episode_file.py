"""One episode in one .npz file: written whole or not at all, read as it was, to the last bit."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geometry import InputError
from policies.demonstrations.episode import Episode

_SEEN = "seen/"
_HEADER = "header"
_DAMAGE = (OSError, ValueError, KeyError, TypeError, EOFError, AttributeError, zipfile.BadZipFile, zlib.error)
"""What reading a broken file may raise."""


class EpisodeSummary(NamedTuple):
    """What a file tells of its episode without its tables."""

    steps: int
    """Actions."""
    success: bool
    """Whether the task was done at the end."""
    terminated: bool
    """Whether it ended for good, not for its time."""
    task: str
    """What was to be done, in words."""
    provenance: Mapping[str, Any]
    """Where it comes from."""


def write_episode(path: Path, episode: Episode) -> None:
    """Write a file; the same episode gives the same bytes.

    Raises:
        InputError: if there is no room or no permission, or the provenance is not what JSON can hold.
    """
    told = {"steps": len(episode), "success": bool(episode.success), "terminated": bool(episode.terminated)}
    try:
        header = json.dumps({**told, "task": episode.task, "provenance": dict(episode.provenance)}, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(
            "write_episode", expected="a provenance that JSON can hold", got=str(error), remedy="take text and numbers"
        ) from None
    tables = {_SEEN + key: table for key, table in episode.observations.items()}
    draft = path.with_name(f".{path.stem}.{os.getpid()}.tmp")
    try:
        with draft.open("wb") as file:
            np.savez_compressed(
                file,
                allow_pickle=False,
                **{_HEADER: np.array(header), "actions": episode.actions, "rewards": episode.rewards, **tables},
            )
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        got, remedy = error.strerror or str(error), "make room; what was written before is whole, so go on after"
        raise InputError(str(path), expected="room to write an episode", got=got, remedy=remedy) from None
    finally:
        draft.unlink(missing_ok=True)


def read_summary(path: Path) -> EpisodeSummary:
    """Read the head of a file; its tables stay unread.

    Raises:
        InputError: if the file is missing, cut off, or of another kind.
    """
    with _opened(path) as file:
        return _summary(file)


def read_episode(path: Path) -> Episode:
    """Read what `write_episode` wrote.

    Raises:
        InputError: if the file is missing, damaged, or of another kind.
    """
    with _opened(path) as file:
        told = _summary(file)
        tables: dict[str, NDArray[Any]] = {
            name.removeprefix(_SEEN): file[name] for name in file.files if name.startswith(_SEEN)
        }
        return Episode(
            observations=tables,
            actions=file["actions"],
            rewards=file["rewards"],
            success=told.success,
            terminated=told.terminated,
            task=told.task,
            provenance=told.provenance,
        )


def _summary(file: Any) -> EpisodeSummary:
    told = EpisodeSummary(**json.loads(str(file[_HEADER])))
    if type(told.steps) is not int or type(told.success) is not bool or type(told.terminated) is not bool:
        raise ValueError(f"a header of steps {told.steps!r}, success {told.success!r}, terminated {told.terminated!r}")
    return told


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The arrays of a file; what is wrong with it becomes one line that names it."""
    remedy = "delete this file and collect again, which plays this episode anew"
    try:
        with np.load(path, allow_pickle=False) as file:
            yield file
    except FileNotFoundError:
        raise InputError(str(path), expected="a file", got="none of this name", remedy="check the path") from None
    except _DAMAGE as error:
        got = f"{type(error).__name__}: {error}"
        raise InputError(str(path), expected="a whole file of one episode", got=got, remedy=remedy) from None
