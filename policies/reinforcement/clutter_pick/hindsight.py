"""How much a choice among the proposals can gain at most: where the detector's first fails, would another have held?"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from envs.clutter import play_rounds, try_grasp
from envs.clutter_pick import ClutterPickEnv


class HindsightRound(NamedTuple):
    """What one round of the detector's first choices says."""

    looks: int
    first_held: int
    """Looks in which the first proposal holds something."""
    any_held: int
    """Looks in which some proposal does; every one was tried where the first fails."""
    proposals: int
    """Proposals of all looks together."""


def look_back(env: ClutterPickEnv, rounds: int, first_seed: int, *, processes: int = 1) -> Iterator[HindsightRound]:
    """Play rounds with the detector's first choice, and try all others in a copy of the world where it fails there.

    Args:
        env: says what is played; with more than one process it must pickle.
        rounds: how many.
        first_seed: of the first round.
        processes: worker processes.
    """
    yield from play_rounds(partial(_look_back, env), rounds, [first_seed], processes)


def _look_back(env: ClutterPickEnv, *, seed: int, round_index: int) -> HindsightRound:
    env.reset(seed=seed + round_index)
    looks = first = some = proposals = 0
    ended = False
    while not ended:
        number = _first_that_holds(env)
        looks += 1
        first += number == 0
        some += number is not None
        proposals += int(env.action_masks().sum())
        _, _, ended, _, _ = env.step(0)
    return HindsightRound(looks, first, some, proposals)


def _first_that_holds(env: ClutterPickEnv) -> int | None:
    """The number of the best-ranked proposal that holds something, tried in a copy of the present world."""
    assert env.proposals is not None
    copy = env.simulation.copy_scene()
    try:
        start = copy.world.bullet.saveState()
        for number, pose in enumerate(env.proposals.poses):
            copy.world.bullet.restoreState(start)
            if try_grasp(copy, pose, env.dialect)[0].success:
                return number
        return None
    finally:
        copy.world.close()
