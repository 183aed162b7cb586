"""Data sets of other programs, told apart by what lies there, and taken into a set of our own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from geometry import InputError
from policies.demonstrations.formats.episode_source import EpisodeSource
from policies.demonstrations.writer import DemonstrationWriter

_HDF5 = b"\x89HDF\r\n\x1a\n"


def foreign_format(source: str | Path) -> str:
    """Which format a folder or file has: "lerobot" or "robomimic".

    Raises:
        InputError: if it is neither.
    """
    source = Path(source)
    if (source / "meta" / "info.json").is_file():
        return "lerobot"
    if source.is_file():
        with source.open("rb") as file:
            if file.read(len(_HDF5)) == _HDF5:
                return "robomimic"
    own = (source / "dataset.json").is_file()
    raise InputError(
        str(source),
        expected="a LeRobotDataset (a folder with meta/info.json) or a robomimic file (HDF5)",
        got="a set of graspmimic's own" if own else "something else" if source.exists() else "nothing of this name",
        remedy="such a set needs no import" if own else "check the path; a set of graspmimic's own has dataset.json",
    )


def open_foreign(source: str | Path, *, mask: str = "") -> EpisodeSource:
    """The episodes of another program's data set.

    Args:
        source: its folder or file.
        mask: of a robomimic file, see `RobomimicSet`.

    Raises:
        InputError: if it is of no format that is read, or damaged, or its format's package is missing.
    """
    if foreign_format(source) == "lerobot":
        if mask:
            raise InputError(str(source), expected="a robomimic file for a mask", got="a LeRobotDataset")
        from policies.demonstrations.formats.lerobot_import import LeRobotSet

        return LeRobotSet(source)
    from policies.demonstrations.formats.robomimic_import import RobomimicSet

    return RobomimicSet(source, mask)


def import_episodes(
    source: EpisodeSource, folder: str | Path, *, on_episode: Callable[[int], None] | None = None
) -> int:
    """Copy episodes into a set of our own, which goes on where it was left when it is done again.

    Args:
        source: what to copy.
        folder: of the set; where it exists, it must be of the same kind, and holds the same episodes so far.
        on_episode: told how many are there.

    Returns:
        how many were copied now.
    """
    writer, copied = DemonstrationWriter(folder, source.info), 0
    for number in range(len(source)):
        if not writer.has(number):
            writer.add(source[number], number)
            copied += 1
        if on_episode is not None:
            on_episode(number + 1)
    return copied
