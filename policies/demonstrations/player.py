"""Playing the tries of a plan one after the other, and writing those that are to be kept."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from policies.demonstrations.collect_plan import CollectPlan
from policies.demonstrations.demonstrator import EpisodeDropped
from policies.demonstrations.set_info import SetInfo
from policies.demonstrations.writer import DemonstrationWriter


class Outcome(NamedTuple):
    """What came of one try."""

    number: int
    """Of the try."""
    steps: int
    """Actions; 0 where the demonstrator dropped it."""
    success: bool
    """Whether the task was done at the end."""
    kept: bool
    """Whether the episode is in the set."""


class Player:
    """One environment and who plays in it.

    Args:
        plan: what to play.
        folder: of the set.
    """

    def __init__(self, plan: CollectPlan, folder: Path) -> None:
        self._plan, self._env = plan, plan.make_env()
        self._demonstrator = plan.make_demonstrator()
        self._writer = DemonstrationWriter(folder, SetInfo.of_env(self._env))

    def play(self, number: int) -> Outcome:
        """Play a try, and write it where it is to be kept."""
        try:
            episode = self._plan.play(self._env, self._demonstrator, number)
        except EpisodeDropped:
            return Outcome(number, 0, False, False)
        kept = episode.success or self._plan.keep_failures
        if kept and not self._writer.has(number):  # a worker whose master was killed may have written it
            self._writer.add(episode, number)
        return Outcome(number, len(episode), episode.success, kept)

    def close(self) -> None:
        """Close the environment."""
        self._env.close()
