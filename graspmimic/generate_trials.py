"""`graspmimic generate trials`: a network's own grasps tried in the scenes of a dataset."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from geometry import InputError
from graspmimic.generate_grasps import GenerateGrasps


@dataclass(frozen=True, kw_only=True)
class GenerateTrials:
    """Try what a network proposes in every scene of a dataset, and add the outcomes to it.

    `train grasp` uses them from then on. Give the objects that the dataset was made from.
    """

    data: Path
    """Folder that `generate grasps` wrote."""
    weights: Path
    """The network's weights."""
    objects: tuple[str, ...] = ("procedural",)
    """Object sets of the dataset, as for `generate grasps`."""
    round: int = 1
    """Number of this round."""
    favourites: int = 5
    """Best proposals of each scene that are tried."""
    others: int = 7
    """Further proposals, drawn at random, the likelier the better rated."""
    processes: int = 0
    """Worker processes; 0 is one for each core."""
    seed: int = 0
    """Seed of noise and draw."""
    output: Path | None = None
    """Not used: the trials are written beside the scenes, into --data."""
    json: Path | None = None
    """File for the result as JSON."""

    def run(self, console: Console) -> dict[str, Any]:
        """Try and add, and return the flat results."""
        from perception.grasping.training.dataset import scene_files
        from perception.grasping.training.manifest import read_manifest
        from policies.grasp_learning.on_policy import OnPolicyConfig, try_proposals

        read_manifest(self.data)
        if self.output is not None:
            raise InputError("--output", expected="none: trials go into --data", got=f"{self.output}")
        sets = GenerateGrasps(objects=self.objects, processes=self.processes)
        pool = sets.pool(console)
        config = OnPolicyConfig(round=self.round, favourites=self.favourites, others=self.others, seed=self.seed)
        scenes = sorted(scene_files(self.data))
        console.print(
            f"Round {self.round}: proposals of {self.weights} in {len(scenes)} scenes, {sets.workers} processes"
        )
        start_s, summaries = time.perf_counter(), []
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console) as progress:
            bar = progress.add_task("scenes", total=len(scenes))
            for summary in try_proposals(pool, self.data, self.weights, scenes, config, processes=sets.workers):
                summaries.append(summary)
                progress.update(bar, advance=1)
        trials, best = sum(s.trials for s in summaries), sum(s.best for s in summaries)
        results = {
            "scenes": len(summaries),
            "scenes_made": sum(s.made for s in summaries),
            "trials": trials,
            "trial_success": sum(s.successes for s in summaries) / max(1, trials),
            "best_success": sum(s.best_successes for s in summaries) / max(1, best),
            "wall_s": time.perf_counter() - start_s,
        }
        for name, value in results.items():
            console.print(f"{name}: {value:.4g}")
        return results
