"""`graspmimic generate grasps`: labelled training scenes for grasp detection."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from geometry import InputError
from graspmimic.object_sets import load_with_progress, read_names
from graspmimic.options import OptionalFile
from graspmimic.report import prepare_folder, versions
from policies.grasp_learning import GenerationConfig, ObjectPool, SceneSummary, WeightedSet, generate

_STAGES = ("settle_s", "view_s", "label_s", "trial_s", "write_s")


@dataclass(frozen=True, kw_only=True)
class GenerateGrasps:
    """Generate labelled training scenes for grasp detection.

    Every scene settles in simulation and is looked at from random sides. At seeds on what is seen,
    a grid of hand orientations and depths is rated against the true shapes, hidden sides included;
    then some grasps, good and bad, are tried in physics, and what is held is shaken. Each scene is
    one file; those that are in --output already are kept, so an interrupted run goes on where it was.
    """

    objects: tuple[str, ...] = ("procedural",)
    """Object sets, each with its weight after an =: procedural, random_urdfs, or folders of URDFs or meshes."""
    packed_objects: tuple[str, ...] = ()
    """Object sets for packed scenes, whose objects must stand upright; none means those of --objects."""
    object_scale: float = 1.0
    """Factor on all lengths of the objects; 0.001 for meshes in millimetres."""
    only: OptionalFile = None
    """File of object names, one a line: all others are left out."""
    exclude: OptionalFile = None
    """File of object names, one a line, that are left out."""
    scenes: int = 100
    """Scenes in the folder when all is done."""
    views: int = 3
    """Looks at each scene."""
    trials: int = 24
    """Grasps of each scene that are tried in physics."""
    processes: int = 0
    """Worker processes; 0 is one for each core. The files do not depend on it."""
    seed: int = 0
    """Seed of every random number."""
    output: Path = Path("output/grasps")
    """Folder of the dataset."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        if self.scenes < 1 or self.views < 1 or min(self.trials, self.processes, self.seed) < 0 or not self.objects:
            raise InputError(
                "options",
                expected="--scenes and --views of at least 1, --trials, --processes and --seed of at least 0",
                got=f"scenes={self.scenes}, views={self.views}, trials={self.trials}, "
                f"processes={self.processes}, seed={self.seed}",
            )

    def run(self, console: Console) -> dict[str, Any]:
        """Generate what is missing and return the flat results."""
        prepare_folder(self.output)
        console.print(self)
        pool = self.pool(console)
        config = GenerationConfig(seed=self.seed, views=self.views, trials=self.trials)
        start_s = time.perf_counter()
        summaries = []
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console) as progress:
            bar = progress.add_task("scenes", total=self.scenes)
            made = generate(pool, self.output, self.scenes, config, processes=self.workers, versions=versions())
            for summary in made:
                summaries.append(summary)
                progress.update(bar, advance=1)
        results = _results(summaries, time.perf_counter() - start_s)
        console.print(_table(results))
        console.print(f"Dataset: {self.output}")
        return results

    @property
    def workers(self) -> int:
        """The number of processes."""
        return self.processes or os.cpu_count() or 1

    def pool(self, console: Console) -> ObjectPool:
        """The objects."""
        general = _weights("--objects", self.objects)
        packed = _weights("--packed-objects", self.packed_objects) if self.packed_objects else general
        only, exclude = read_names(self.only), read_names(self.exclude)
        sources = list(dict.fromkeys((*general, *packed)))
        return ObjectPool(
            tuple(
                WeightedSet(
                    load_with_progress(console, source, self.object_scale, only=only, exclude=exclude),
                    general.get(source, 0.0),
                    packed.get(source, 0.0),
                )
                for source in sources
            )
        )


def _weights(option: str, words: Iterable[str]) -> dict[str, float]:
    """Sources and weights of words like `procedural` and `DIR=0.5`."""
    found: dict[str, float] = {}
    for word in words:
        source, equals, number = word.rpartition("=")
        try:
            weight = float(number) if equals else 1.0
        except ValueError:
            source, weight = word, 1.0
        source = source if equals else word
        if not (np.isfinite(weight) and weight > 0.0) or source in found:
            raise InputError(option, expected="different sources with weights above 0", got=f"{word!r}")
        found[source] = weight
    return found


def _results(summaries: list[SceneSummary], wall_s: float) -> dict[str, Any]:
    made = [summary for summary in summaries if summary.made]

    def total(name: str) -> int:
        return int(sum(getattr(summary, name) for summary in made))

    return {
        "scenes": len(summaries),
        "scenes_made": len(made),
        "wall_s": wall_s,
        "scenes_per_s": len(made) / wall_s,
        "labelled_grasps": total("grasps"),
        "labelled_grasps_per_s": total("grasps") / wall_s,
        "good_grasps": total("good"),
        "trials": total("trials"),
        "trial_success": _share(total("successes"), total("trials")),
        "trials_likely": total("likely"),
        "trial_success_likely": _share(total("likely_successes"), total("likely")),
        "trials_unlikely": total("unlikely"),
        "trial_success_unlikely": _share(total("unlikely_successes"), total("unlikely")),
        **{f"{name}_per_scene": _share(sum(getattr(s, name) for s in made), len(made)) for name in _STAGES},
    }


def _share(part: float, whole: int) -> float:
    return part / whole if whole else float("nan")


def _table(results: dict[str, Any]) -> Table:
    table = Table(title="Generated scenes", show_header=False)
    rows = {
        "scenes made, of all": f"{results['scenes_made']} of {results['scenes']}",
        "scenes per second": f"{results['scenes_per_s']:.2f}",
        "labelled grasps per second": f"{results['labelled_grasps_per_s']:,.0f}",
        "labelled grasps that are good": f"{results['good_grasps']:,} of {results['labelled_grasps']:,}",
        "physics trials, successful": f"{results['trials']:,}, {results['trial_success']:.1%}",
        "of those rated above 0.5": f"{results['trials_likely']:,}, {results['trial_success_likely']:.1%}",
        "of those rated 0": f"{results['trials_unlikely']:,}, {results['trial_success_unlikely']:.1%}",
        "seconds a scene: settle, look, label, try, write": ", ".join(
            f"{results[f'{name}_per_scene']:.2f}" for name in _STAGES
        ),
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table
