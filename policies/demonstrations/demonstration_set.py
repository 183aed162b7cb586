"""A set of demonstrations on disk: `dataset.json`, and one file for each episode, read when it is asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import overload

from geometry import InputError
from policies.demonstrations.episode import Episode
from policies.demonstrations.episode_file import EpisodeSummary, read_episode, read_summary
from policies.demonstrations.set_info import SetInfo

FORMAT, VERSION = "graspmimic demonstrations", 2
EPISODES = "episodes"
"""The folder of the episodes."""
_NAME = re.compile(r"episode_(\d{6,})\.npz")


class DemonstrationSet(Sequence[Episode]):
    """Episodes in the order of their numbers; each is read from disk whenever it is taken.

    Args:
        info: what they have in common.
        files: their files.
    """

    def __init__(self, info: SetInfo, files: Sequence[Path]) -> None:
        if not files:
            raise InputError(
                "DemonstrationSet", expected="at least one episode", got="none", remedy="collect demonstrations"
            )
        self.info = info
        self.files = tuple(files)
        self.summaries: tuple[EpisodeSummary, ...] = tuple(read_summary(file) for file in self.files)
        """What is known of each episode without reading it."""

    @classmethod
    def open(cls, folder: str | Path) -> DemonstrationSet:
        """The set in a folder.

        Raises:
            InputError: if it is not one, holds no episode, or a file is cut off.
        """
        folder = Path(folder)
        return cls(read_info(folder), [episode_path(folder, number) for number in episode_numbers(folder)])

    @classmethod
    def merged(cls, sets: Iterable[DemonstrationSet]) -> DemonstrationSet:
        """Several sets of the same kind, one after the other.

        Raises:
            InputError: if they are not of the same task, options and numbers.
        """
        parts = list(sets)
        if not parts:
            raise InputError("DemonstrationSet.merged", expected="at least one set", got="none")
        for part in parts[1:]:
            parts[0].info.check_same(part.info, str(part.files[0].parent.parent))
        return cls(parts[0].info, [file for part in parts for file in part.files])

    def __len__(self) -> int:
        """Episodes."""
        return len(self.files)

    @overload
    def __getitem__(self, index: int) -> Episode: ...

    @overload
    def __getitem__(self, index: slice) -> DemonstrationSet: ...

    def __getitem__(self, index: int | slice) -> Episode | DemonstrationSet:
        """An episode, or a set of some of them."""
        if isinstance(index, slice):
            return DemonstrationSet(self.info, self.files[index])
        file = self.files[index]
        episode = read_episode(file)
        self.info.check(episode, str(file))
        return episode

    def first(self, count: int) -> DemonstrationSet:
        """The first so many episodes.

        Raises:
            InputError: if there are not so many.
        """
        if not 1 <= count <= len(self):
            remedy = "ask for fewer, or collect more"
            raise InputError("DemonstrationSet.first", expected=f"1 to {len(self)}", got=f"{count}", remedy=remedy)
        return self[:count]

    def select(self, numbers: Iterable[int]) -> DemonstrationSet:
        """The episodes of these numbers, in their order.

        Raises:
            InputError: if there is none of a number, or several in a merged set.
        """
        places: dict[int, list[int]] = {}
        for place, number in enumerate(self.numbers):
            places.setdefault(number, []).append(place)
        chosen = []
        for number in numbers:
            found = places.get(number, [])
            if len(found) != 1:
                expected = f"one of {len(self)} episodes, which every number names"
                raise InputError("DemonstrationSet.select", expected=expected, got=f"{number}: {len(found)} of them")
            chosen += found
        return DemonstrationSet(self.info, [self.files[place] for place in chosen])

    @property
    def numbers(self) -> tuple[int, ...]:
        """The number of each episode, as its file has it; not all different in a merged set."""
        return tuple(_number(file.name) or 0 for file in self.files)

    @property
    def steps(self) -> int:
        """Actions of all episodes."""
        return sum(told.steps for told in self.summaries)

    @property
    def success(self) -> float:
        """Share of episodes in which the task was done at the end."""
        return sum(told.success for told in self.summaries) / len(self)


def episode_path(folder: Path, number: int) -> Path:
    """Where an episode of a number lies."""
    return folder / EPISODES / f"episode_{number:06d}.npz"


def episode_numbers(folder: Path) -> list[int]:
    """The numbers of all episodes in a folder, ascending; what is not named as an episode is passed over."""
    place = folder / EPISODES
    found = [_number(path.name) for path in place.iterdir()] if place.is_dir() else []
    return sorted(number for number in found if number is not None)


def read_info(folder: Path) -> SetInfo:
    """What a folder's `dataset.json` says.

    Raises:
        InputError: if it is missing, damaged, or of another kind or version.
    """
    path = folder / "dataset.json"
    expected = f"{FORMAT!r} of version {VERSION}"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        said = (record.pop("format"), record.pop("version"))
    except FileNotFoundError:
        remedy = "name the folder of a set, or write one with `graspmimic collect`"
        raise InputError(str(folder), expected="a folder with dataset.json", got="none", remedy=remedy) from None
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        got, remedy = f"{type(error).__name__}: {error}", "write the set anew"
        raise InputError(str(path), expected=expected, got=got, remedy=remedy) from None
    if said != (FORMAT, VERSION):
        raise InputError(str(path), expected=expected, got=f"{said[0]!r} of version {said[1]}")
    try:
        return SetInfo.of_record(record)
    except InputError as error:
        raise InputError(str(path), expected=expected, got=str(error), remedy="write the set anew") from None


def _number(name: str) -> int | None:
    match = _NAME.fullmatch(name)
    return int(match.group(1)) if match else None
