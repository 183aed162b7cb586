"""Collecting looks at many kinds of table into a folder, unit by unit, so that it can go on where it stopped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from envs.clutter import play_rounds
from envs.clutter_pick import Proposer
from geometry import InputError
from policies.reinforcement.clutter_pick.attempts import UNTRIED, CollectionConfig, Looks, collect_looks
from policies.reinforcement.clutter_pick.training_tables import Table

ROUNDS = 4
"""Rounds of a lap at a table, times the table's own `rounds`."""
_LAP_SEEDS, _TABLE_SEEDS = 10, 1000


class Unit(NamedTuple):
    """What one lap at one table gave."""

    name: str
    looks: int
    tried: int
    held: int


def collect_tables(
    tables: Sequence[Table],
    propose: Proposer,
    folder: Path,
    *,
    laps: int,
    first_seed: int,
    config: CollectionConfig | None = None,
    processes: int = 1,
) -> Iterator[Unit]:
    """Play `laps` laps around the tables and write the looks of each unit to a file; those there are not made again.

    Args:
        tables: what is played.
        propose: the detector.
        folder: for the files, named by seed, lap and table.
        laps: how often around the tables, at most 99.
        first_seed: of all rounds.
        config: what is tried.
        processes: worker processes; the files do not depend on their number.
    """
    if not 1 <= laps < _TABLE_SEEDS // _LAP_SEEDS:
        raise InputError("collect_tables", expected="1 to 99 laps", got=f"{laps}")
    play = partial(_unit, tuple(tables), propose, folder, config or CollectionConfig())
    yield from play_rounds(play, laps * len(tables), [first_seed], processes)


def read_looks(folder: Path) -> Looks:
    """All looks of a folder and its subfolders.

    Raises:
        InputError: if there is none.
    """
    files = sorted(folder.rglob("looks_*.npz"))
    if not files:
        raise InputError(str(folder), expected="files of looks", got="none", remedy="collect some first")
    return Looks.joined([Looks.load(file) for file in files])


def _unit(
    tables: Sequence[Table], propose: Proposer, folder: Path, config: CollectionConfig, *, seed: int, round_index: int
) -> Unit:
    lap, number = divmod(round_index, len(tables))
    path = folder / f"looks_{seed}_{lap:02d}_{number:02d}.npz"
    if not path.is_file():
        table = tables[number]
        first = seed + _TABLE_SEEDS * number + _LAP_SEEDS * lap
        Looks.joined(list(collect_looks(table.environment(propose), ROUNDS * table.rounds, first, config))).save(path)
    looks = Looks.load(path)
    return Unit(path.name, len(looks.outcome), int((looks.outcome != UNTRIED).sum()), int((looks.outcome > 0).sum()))
