"""Proposals with what happened to them, as training data: many of each look's are tried in a copy of the world.

A round tells of one proposal a look; the copy tells of a dozen, at a fraction of the cost of looking.
The round itself goes on with the detector's best, or, so that the policy meets states of its own, another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.clutter import play_rounds, try_grasp
from envs.clutter_pick import ClutterPickEnv
from geometry import InputError

UNTRIED = -1
"""Outcome of a proposal that was not tried."""


class Looks(NamedTuple):
    """L looks with K proposals each."""

    proposals: NDArray[np.float32]
    """(L, K, F)."""
    mask: NDArray[np.bool_]
    """(L, K) where there is a proposal."""
    outcome: NDArray[np.int8]
    """(L, K) 1 held something, 0 did not, -1 was not tried."""
    seed: NDArray[np.int64]
    """(L,) of the round."""

    @staticmethod
    def joined(parts: list[Looks]) -> Looks:
        """All looks of all parts, ordered by their rounds' seeds."""
        order = np.argsort(np.concatenate([part.seed for part in parts]), kind="stable")
        columns: Any = [np.concatenate(column)[order] for column in zip(*parts, strict=True)]
        return Looks(*columns)

    def save(self, path: Path) -> None:
        """Write an .npz file without pickles."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}")
        with draft.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **self._asdict())
        draft.replace(path)

    @staticmethod
    def load(path: Path) -> Looks:
        """Read what `save` wrote.

        Raises:
            InputError: if the file is no such file.
        """
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return Looks(**{name: arrays[name] for name in Looks._fields})
        except (OSError, KeyError, ValueError) as error:
            raise InputError(str(path), expected="looks as .npz", got=str(error).splitlines()[0]) from None


@dataclass(frozen=True, kw_only=True)
class CollectionConfig:
    """What is tried."""

    favourites: int = 5
    """Best proposals of each look that are tried."""
    others: int = 3
    """Further proposals of each look, drawn at random."""
    explore: float = 0.3
    """Share of attempts for which the round goes on with one of those that were tried, not with the best."""

    def __post_init__(self) -> None:
        if min(self.favourites, self.others) < 0 or not 0.0 <= self.explore <= 1.0 or self.favourites < 1:
            raise InputError(
                "CollectionConfig", expected="favourites >= 1, others >= 0, 0 <= explore <= 1", got=f"{self}"
            )


def collect_looks(
    env: ClutterPickEnv, rounds: int, first_seed: int, config: CollectionConfig, *, processes: int = 1
) -> Iterator[Looks]:
    """Play rounds with seeds from `first_seed` up, and try many proposals of each look.

    Args:
        env: says what is played; with more than one process it must pickle.
        rounds: how many.
        first_seed: of the first round; the others follow.
        config: everything else.
        processes: worker processes; the looks do not depend on their number.
    Yields:
        The looks of each round as it is done, in no certain order.
    """
    yield from play_rounds(partial(_collect_round, env, config), rounds, [first_seed], processes)


def _collect_round(env: ClutterPickEnv, config: CollectionConfig, *, seed: int, round_index: int) -> Looks:
    rng = np.random.default_rng((seed + round_index, 1))
    observation, _ = env.reset(seed=seed + round_index)
    rows, masks, outcomes = [], [], []
    ended = False
    while not ended:
        outcome = try_proposals(env, config, rng)
        rows.append(observation["proposals"].reshape(env.top_k, -1))
        masks.append(env.action_masks())
        outcomes.append(outcome)
        tried = np.flatnonzero(outcome != UNTRIED)
        choice = int(rng.choice(tried)) if rng.random() < config.explore else 0
        observation, _, ended, _, _ = env.step(choice)
    return Looks(np.stack(rows), np.stack(masks), np.stack(outcomes), np.full(len(rows), seed + round_index))


def try_proposals(env: ClutterPickEnv, config: CollectionConfig, rng: np.random.Generator) -> NDArray[np.int8]:
    """(K,) what becomes of the favourites and of some others, each tried in the same copy of the present world."""
    assert env.proposals is not None
    poses = env.proposals.poses
    outcome = np.full(env.top_k, UNTRIED, dtype=np.int8)
    first = min(config.favourites, len(poses))
    chosen = [*range(first), *(first + rng.permutation(len(poses) - first)[: config.others])]
    copy = env.simulation.copy_scene()
    try:
        start = copy.world.bullet.saveState()
        for number in chosen:
            copy.world.bullet.restoreState(start)
            outcome[number] = try_grasp(copy, poses[number], env.dialect)[0].success
    finally:
        copy.world.close()
    return outcome
