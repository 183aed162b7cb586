"""`graspmimic bench latency`: the time from a depth image to ranked grasps, stage by stage."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from envs.clutter import DIALECT_A, ClutterSimulation
from envs.objects import ObjectSet
from geometry import InputError
from graspmimic.latency_report import flat_results, latency_table, write_samples
from graspmimic.latency_run import Look, Measured, Setting, Subject, measure_in_process
from graspmimic.object_sets import load_with_progress
from graspmimic.options import OptionalFile
from graspmimic.planners import make_planner
from graspmimic.report import prepare_folder
from perception.grasping import DepthView

_COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
    TimeRemainingColumn(),
)
_POLAR_DEG = (60.0, 30.0, 45.0, 15.0)
_MEMORY_REPEATS = 2
_BUSY = 0.5
"""Other processes' share of a core from which the console says that the times are too long."""


@dataclass(frozen=True, kw_only=True)
class BenchLatency:
    """Time the way from a 640 x 480 depth image of a pile to ranked grasps, stage by stage.

    Each setting (threads; the GPU where there is one) runs in a fresh process. The planner takes turns
    there with the geometric planner and with the forward pass of VGN's network at 40 x 40 x 40 (random
    weights, the making of its volume not counted), and the ratios are medians over neighbouring turns:
    they carry over to another machine, milliseconds do not. Memory is the peak of one more process, in
    which the planner runs alone. Run it on an idle machine.
    """

    planner: str = "network"
    """network, antipodal, topdown, or your own MODULE:NAME."""
    weights: OptionalFile = None
    """Weights of --planner network, in place of the package's own."""
    objects: str = "procedural"
    """Object set: procedural, random_urdfs, or a folder of URDFs or meshes."""
    object_scale: float = 1.0
    """Factor on all lengths of the objects; 0.001 for meshes in millimetres."""
    scenes: int = 8
    """Piles."""
    count: int = 8
    """Objects in each."""
    repeats: int = 10
    """Turns on each scene."""
    threads: tuple[int, ...] = (1, 4)
    """Threads, one setting each; the last one's results also stand without a suffix."""
    seed: int = 0
    """Seed of scenes, noise and samples."""
    output: Path = Path("output/bench-latency")
    """Folder for samples.csv."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        numbers = (self.scenes, self.count, self.repeats, *self.threads)
        if not self.threads or min(numbers) < 1 or self.seed < 0 or len(set(self.threads)) < len(self.threads):
            raise InputError(
                "options",
                expected="--scenes, --count, --repeats of at least 1, different --threads of at least 1, --seed >= 0",
                got=f"scenes={self.scenes}, count={self.count}, repeats={self.repeats}, "
                f"threads={self.threads}, seed={self.seed}",
            )

    def run(self, console: Console) -> dict[str, Any]:
        """Measure every setting and return the flat results."""
        make_planner(self.planner, weights=self.weights)  # a wrong name or file is said before the long work
        prepare_folder(self.output)
        console.print(self)
        busy = os.getloadavg()[0]
        looks = self._looks(console)
        settings = self._settings()
        measured = self._measure(console, settings, looks)
        results = flat_results(self.planner, measured)
        write_samples(measured, self.output / "samples.csv")
        console.print(latency_table(results, {each.suffix: each.label for each in settings if not each.alone}))
        if busy > _BUSY:
            console.print(f"[yellow]Other work kept {busy:.1f} cores busy when this began: the times are too long.")
        console.print(f"Turn by turn: {self.output / 'samples.csv'}")
        return results

    def _settings(self) -> list[Setting]:
        """The memory's own last; the GPU's before it, where there is a GPU."""
        import torch  # here, for it takes seconds

        settings = [Setting(threads=threads) for threads in self.threads]
        if torch.cuda.is_available():
            settings.append(Setting(threads=self.threads[-1], gpu=True))
        return [*settings, Setting(threads=self.threads[-1], alone=True)]

    def _looks(self, console: Console) -> list[Look]:
        objects = load_with_progress(console, self.objects, self.object_scale)
        with Progress(*_COLUMNS, console=console, transient=True) as progress:
            numbers = progress.track(range(self.scenes), description="piles")
            return [_look(objects, self.count, self.seed, number) for number in numbers]

    def _measure(self, console: Console, settings: list[Setting], looks: list[Look]) -> list[Measured]:
        subject, measured = Subject(self.planner, self.weights), []
        with Progress(*_COLUMNS, console=console) as progress:
            for setting in settings:
                repeats = _MEMORY_REPEATS if setting.alone else self.repeats
                bar = progress.add_task(setting.label, total=repeats * len(looks))
                advance = partial(progress.advance, bar)
                measured.append(measure_in_process(setting, subject, looks, repeats, advance))
        return measured


def _look(objects: ObjectSet, count: int, seed: int, number: int) -> Look:
    """One pile, seen from the side and from above in turn, with structured-light noise."""
    rng = np.random.default_rng([seed, number])
    polar_deg = _POLAR_DEG[number % len(_POLAR_DEG)]
    view = replace(DIALECT_A.view, polar_deg=(polar_deg, polar_deg), azimuth_deg=(-180.0, 180.0))
    rules = replace(DIALECT_A, view=view, depth_noise="structured light", objects_per_round=count)
    simulation = ClutterSimulation(rules, objects, "pile", rng)
    try:
        seen = simulation.observe()
    finally:
        simulation.close()
    view_of_it = DepthView(seen.depth_m, seen.camera, seen.T_world_camera, seen.workspace, seen.table_z_m, seen.rng)
    return Look(view_of_it, seen.tsdf)
