"""Where finished episodes go: into the set on disk, or to wait in memory while there is no room."""

from __future__ import annotations

from pathlib import Path

from geometry import InputError
from policies.demonstrations import DemonstrationWriter, Episode, SetInfo


class EpisodeStore:
    """Writes episodes to a set, a new one or one that is there; keeps an episode that could not be written.

    Args:
        folder: of the set.
        info: of its episodes.

    Raises:
        InputError: if another set lies there, or nothing can be written.
    """

    def __init__(self, folder: Path, info: SetInfo) -> None:
        self._writer = DemonstrationWriter(folder, info)
        self.folder = folder
        self.waiting: Episode | None = None
        """The episode that could not be written."""

    @property
    def count(self) -> int:
        """Episodes on disk."""
        return len(self._writer.numbers)

    @property
    def next_number(self) -> int:
        """Number of the next episode."""
        return max(self._writer.numbers, default=-1) + 1

    def keep(self, episode: Episode) -> int:
        """Write an episode; where that fails, it waits for `retry`.

        Returns:
            its number.
        Raises:
            InputError: if it could not be written.
        """
        if self.waiting is not None:
            remedy = "make room and stop again, or discard it"
            raise InputError("episode", expected="none that waits to be written", got="one", remedy=remedy)
        self.waiting = episode
        return self.retry()

    def retry(self) -> int:
        """Write the episode that waits; see `keep`.

        Raises:
            InputError: if none waits, or it could not be written again.
        """
        if self.waiting is None:
            raise InputError("episode", expected="one that waits to be written", got="none")
        number = self._writer.add(self.waiting)
        self.waiting = None
        return number

    def discard(self) -> bool:
        """Drop the episode that waits; whether there was one."""
        there, self.waiting = self.waiting is not None, None
        return there
