"""Isolation on against off on the two public sets, as one flat table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from geometry import InputError
from perception.behavior.reasoning.hake import read_hake
from perception.behavior.semi_coupled.pair_transfer import measure_pair_transfer
from perception.behavior.semi_coupled.reach_streams import reach_streams
from perception.behavior.semi_coupled.reach_transfer import measure_reach_transfer
from perception.behavior.sets import read_reach_to_grasp

FEW = 5
"""Recordings of each person and size to learn from where few are asked for."""
SEEDS = (0, 1, 2, 3, 4)


def transfer_scores(
    folder_roboskel: str | Path | None, folder_hake: str | Path | None, *, seeds: Sequence[int] = SEEDS
) -> dict[str, Any]:
    """Leave out sizes of cubes, sizes and people, and verb-object pairs, with isolated and with coupled streams.

    Keys are `{experiment}_{arm}_{score}` and `{experiment}_{arm}_minus_coupled_{score}`, each with `_low` and `_high`.
    Experiments: `size` (one size left out), `size_few` (and few recordings to learn from), `size_person` (one size and
    one person left out), `pairs`. Arms: `isolated`, `quarter`, `coupled` (openness 0, 0.25, 1), and `motion_alone` or
    `states_alone` without an object stream. Scores: `f1` and `heed` of phases; `seen`, `unseen` and `gap` of pairs.

    Args:
        folder_roboskel: the reach-to-grasp recordings; None leaves their experiments out.
        folder_hake: HAKE's part states; None leaves the pairs out.
        seeds: of weights, windows and drawn pairs.
    """
    if not len(seeds) or (folder_roboskel is None and folder_hake is None):
        raise InputError("transfer_scores", expected="a folder and a seed", got=f"no folder, or {len(seeds)} seeds")
    scores: dict[str, Any] = {"seeds": len(seeds)}
    if folder_roboskel is not None:
        streams = reach_streams(read_reach_to_grasp(folder_roboskel))
        scores["recordings"] = len(streams)
        for name, leave_person, each in (("size", False, None), ("size_few", False, FEW), ("size_person", True, None)):
            found = measure_reach_transfer(streams, seeds=seeds, leave_person=leave_person, each=each)
            scores |= found.results(name, np.random.default_rng(0))
    if folder_hake is not None:
        pairs = measure_pair_transfer(read_hake(folder_hake), seeds=seeds)
        scores |= pairs.results("pairs", np.random.default_rng(0))
    return scores
