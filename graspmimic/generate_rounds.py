"""`graspmimic generate rounds`: clearing rounds played by a network, as training data."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from geometry import InputError
from graspmimic.generate_grasps import GenerateGrasps
from graspmimic.options import OptionalFile
from graspmimic.planners import make_planner


@dataclass(frozen=True, kw_only=True)
class GenerateRounds:
    """Let a network clear piles and packed tables, and try its favourites of every look in physics.

    Each look is added to the dataset as a scene of its own. `train grasp` then learns from what the
    network does in the states that it gets into.
    """

    data: Path
    """Folder that `generate grasps` wrote."""
    weights: OptionalFile = None
    """The network's weights; default: those of the package."""
    objects: tuple[str, ...] = ("procedural",)
    """Object sets, each with its weight after an =, as for `generate grasps`."""
    packed_objects: tuple[str, ...] = ()
    """Object sets for packed scenes; none means those of --objects."""
    exclude: OptionalFile = None
    """File of object names, one a line, that are left out."""
    rounds: int = 100
    """Rounds to play."""
    favourites: int = 6
    """Best grasps of each look that are tried."""
    others: int = 3
    """Further grasps of each look."""
    processes: int = 0
    """Worker processes; 0 is one for each core."""
    seed: int = 0
    """Seed of the rounds, 0 to 8; each seed adds its own."""
    output: Path = Path("output/grasps")
    """Not used: everything goes into --data."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        if self.rounds < 1 or not 0 <= self.seed <= 8 or self.processes < 0:
            raise InputError("options", expected="--rounds >= 1, --seed in 0 to 8, --processes >= 0", got=f"{self}")

    def run(self, console: Console) -> dict[str, Any]:
        """Play, and return the flat results."""
        from policies.grasp_learning import read_manifest
        from policies.grasp_learning.clearing import ClearingConfig, play_for_training

        read_manifest(self.data)
        sets = GenerateGrasps(
            objects=self.objects, packed_objects=self.packed_objects, exclude=self.exclude, processes=self.processes
        )
        pool = sets.pool(console)
        planner = make_planner("network", weights=self.weights)
        config = ClearingConfig(favourites=self.favourites, others=self.others, seed=self.seed)
        console.print(f"{self.rounds} clearing rounds, seed {self.seed}, {sets.workers} processes, into {self.data}")
        start_s, played = time.perf_counter(), []
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console) as progress:
            bar = progress.add_task("rounds", total=self.rounds)
            for each in play_for_training(planner, pool, self.data, self.rounds, config, processes=sets.workers):
                played.append(each)
                progress.update(bar, advance=1)
        looks, trials = sum(r.looks for r in played), sum(r.trials for r in played)
        results = {
            "rounds": len(played),
            "looks": looks,
            "trials": trials,
            "trial_success": sum(r.successes for r in played) / max(1, trials),
            "best_success": sum(r.best_successes for r in played) / max(1, looks),
            "wall_s": time.perf_counter() - start_s,
        }
        for name, value in results.items():
            console.print(f"{name}: {value:.4g}")
        return results
