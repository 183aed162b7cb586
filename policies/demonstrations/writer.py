"""Adding episodes to a set: each is on disk, whole, when `add` returns."""

from __future__ import annotations

import json
import os
from pathlib import Path

from geometry import InputError
from policies.demonstrations.demonstration_set import (
    EPISODES,
    FORMAT,
    VERSION,
    episode_numbers,
    episode_path,
    read_info,
)
from policies.demonstrations.episode import Episode
from policies.demonstrations.episode_file import write_episode
from policies.demonstrations.set_info import SetInfo


class DemonstrationWriter:
    """Writes a new set, or adds to one that is there.

    Several may write to one folder at a time as long as each has numbers of its own.

    Args:
        folder: of the set; it is made where it is missing.
        info: what the episodes have in common.

    Raises:
        InputError: if another set lies there, or nothing can be written.
    """

    def __init__(self, folder: str | Path, info: SetInfo) -> None:
        self.folder, self.info = Path(folder), info
        if (self.folder / "dataset.json").exists():
            read_info(self.folder).check_same(info, str(self.folder))
        else:
            self._begin()
        self._next = max(episode_numbers(self.folder), default=-1) + 1

    def add(self, episode: Episode, number: int | None = None) -> int:
        """Write an episode.

        Args:
            episode: of the set's kind.
            number: that no other has; None takes the one after the highest.

        Returns:
            its number.

        Raises:
            InputError: if it is of another kind, the number is taken, or there is no room.
        """
        number = self._next if number is None else number
        self.info.check(episode, "DemonstrationWriter.add")
        if number < 0 or self.has(number):
            expected = "a number, 0 or above, that no episode has"
            raise InputError("DemonstrationWriter.add", expected=expected, got=f"{number}")
        write_episode(episode_path(self.folder, number), episode)
        self._next = max(self._next, number + 1)
        return number

    def has(self, number: int) -> bool:
        """Whether the episode of a number is there."""
        return episode_path(self.folder, number).exists()

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of all episodes that are there, ascending."""
        return tuple(episode_numbers(self.folder))

    def _begin(self) -> None:
        record = {"format": FORMAT, "version": VERSION, **self.info.record()}
        draft = self.folder / f".dataset.{os.getpid()}.tmp"
        try:
            (self.folder / EPISODES).mkdir(parents=True, exist_ok=True)
            try:
                draft.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
                draft.replace(self.folder / "dataset.json")
            finally:
                draft.unlink(missing_ok=True)
        except OSError as error:
            got = error.strerror or str(error)
            raise InputError(str(self.folder), expected="a folder that can be written to", got=got) from None
