"""Collecting a set: tries in the order of their numbers until enough are kept; it goes on where it was stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

from geometry import InputError
from policies.demonstrations.collect_plan import SET_APART, CollectPlan
from policies.demonstrations.crew import Crew, OwnCrew, ProcessCrew
from policies.demonstrations.demonstration_set import episode_numbers
from policies.demonstrations.demonstrator import CollectingStopped
from policies.demonstrations.ledger import Ledger, only_collector
from policies.demonstrations.player import Outcome
from policies.demonstrations.set_info import SetInfo
from policies.demonstrations.writer import DemonstrationWriter

_TRIES = 4
"""So many tries for each episode that is asked for, and no more."""


class Collected(NamedTuple):
    """How far collecting has come."""

    kept: int
    """Episodes in the set."""
    dropped: int
    """Tries that were not kept."""
    played: int
    """Tries of this call."""
    steps: int
    """Actions of this call, dropped tries included."""
    successes: int
    """Successes of this call."""


def collect(
    plan: CollectPlan,
    folder: str | Path,
    *,
    episodes: int,
    workers: int = 0,
    on_outcome: Callable[[Outcome, Collected], None] | None = None,
) -> Collected:
    """Play until the set holds so many episodes: the first so many tries that are to be kept, by their numbers.

    Which try has which number, and so the set to the last bit, depends on the plan alone: not on the workers, and
    not on how often collecting was stopped. A process that is killed loses the running tries only.

    Args:
        plan: what to play.
        folder: of the set; the same plan goes on with what lies there.
        episodes: to be kept in all.
        workers: processes that play; 0 plays here.
        on_outcome: called after every try.

    Raises:
        InputError: if the folder holds another plan's set, or three of four tries fail.
    """
    if not 1 <= episodes <= SET_APART // _TRIES or workers < 0:
        expected = f"1 to {SET_APART // _TRIES} episodes and workers not below 0"
        raise InputError("collect", expected=expected, got=f"{episodes} and {workers}")
    env = plan.make_env()
    try:
        DemonstrationWriter(folder, SetInfo.of_env(env))
    finally:
        env.close()
    with only_collector(Path(folder)):
        return _Collecting(plan, Path(folder), episodes, on_outcome).run(workers)


class _Collecting:
    def __init__(
        self,
        plan: CollectPlan,
        folder: Path,
        episodes: int,
        on_outcome: Callable[[Outcome, Collected], None] | None,
    ) -> None:
        self._plan, self._folder, self._wanted, self._tell = plan, folder, episodes, on_outcome
        self._ledger = Ledger(folder, plan.record())
        kept = set(episode_numbers(folder))
        self._state = Collected(len(kept), len(self._ledger.failed), 0, 0, 0)
        self._numbers = self._untried(kept | self._ledger.failed)

    def run(self, workers: int) -> Collected:
        """See `collect`."""
        missing = self._wanted - self._state.kept
        if missing <= 0:
            return self._state
        crew: Crew
        if workers:
            crew = ProcessCrew(self._plan, self._folder, min(workers, missing))
        else:
            crew = OwnCrew(self._plan, self._folder)
        try:
            self._work(crew)
        except CollectingStopped:
            pass
        finally:
            crew.close()
        return self._state

    def _work(self, crew: Crew) -> None:
        running = 0
        while self._state.kept < self._wanted:
            # with more running, one could be kept that is not among the first
            while crew.idle and self._state.kept + running < self._wanted:
                crew.give(next(self._numbers))
                running += 1
            for outcome in crew.wait():
                running -= 1
                self._note(outcome)

    def _note(self, outcome: Outcome) -> None:
        if not outcome.kept:
            self._ledger.fail(outcome.number)
        old = self._state
        self._state = Collected(
            kept=old.kept + outcome.kept,
            dropped=old.dropped + (not outcome.kept),
            played=old.played + 1,
            steps=old.steps + outcome.steps,
            successes=old.successes + outcome.success,
        )
        if self._tell is not None:
            self._tell(outcome, self._state)

    def _untried(self, tried: set[int]) -> Iterator[int]:
        for number in (number for number in count() if number not in tried):
            if number >= _TRIES * self._wanted:
                got = f"{self._state.kept} of {number} tries"
                remedy = "ask for fewer, or keep failures too; what was kept is kept"
                raise InputError("collect", expected=f"{self._wanted} successes", got=got, remedy=remedy)
            yield number
