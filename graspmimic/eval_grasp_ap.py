"""`graspmimic eval grasp-ap`: average precision of grasps against the true geometry."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from envs.grasp_ap import average_precision
from geometry import InputError
from graspmimic.object_sets import load_with_progress, read_names
from graspmimic.options import OptionalFile
from graspmimic.planners import make_planner
from graspmimic.report import prepare_folder
from perception.figures import output_file
from policies.grasp_ap import ApScenes, GraspApResult, run_grasp_ap

_HEADER = "seed,scene,view,objects,planned,counted,collided,empty,slipped,ap,ap_04,ap_08,plan_ms"


@dataclass(frozen=True, kw_only=True)
class EvalGraspAp:
    """Judge a planner's grasps by their geometry alone, as GraspNet-1Billion does.

    Scenes settle in simulation and are seen from several sides. Of the grasps found in one image the
    ten best on each object count, and of those the fifty best, after suppression of near duplicates.
    A grasp fails where the hand stands in an object or the table or closes on nothing; else it holds at
    the friction that its two contacts need. AP is the mean precision of the best 1 to 50 grasps over
    frictions of 0.2 to 1.2; a missing grasp is a failure. It tells nothing about mass, reach or slip.
    """

    scene: Literal["pile", "packed", "bin", "tabletop"] = "pile"
    """How the objects lie."""
    objects: str = "procedural"
    """Object set: procedural, random_urdfs, or a folder of URDFs or meshes."""
    object_scale: float = 1.0
    """Factor on all lengths of the objects; 0.001 for meshes in millimetres."""
    only: OptionalFile = None
    """File of object names, one a line: all others are left out."""
    exclude: OptionalFile = None
    """File of object names, one a line, that are left out."""
    planner: str = "antipodal"
    """network, antipodal, antipodal-uncorrected (trusts the depth's scale), topdown, or your own MODULE:NAME."""
    weights: OptionalFile = None
    """Weights of --planner network, in place of the package's own."""
    scenes: int = 20
    """Scenes."""
    count: int = 10
    """Objects in each scene; fewer than five cannot fill the top fifty."""
    views: int = 3
    """Looks at each scene, from random sides."""
    noise: Literal["dex", "structured light", "none"] = "dex"
    """Noise on the depth images."""
    seed: int = 0
    """Seed of scenes, views and noise."""
    processes: int = 0
    """Worker processes; 0 is one for each core. The numbers do not depend on it."""
    output: Path = Path("output/eval-grasp-ap")
    """Folder for frames.csv."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        if min(self.scenes, self.count, self.views) < 1 or min(self.processes, self.seed) < 0:
            raise InputError(
                "options",
                expected="--scenes, --count and --views of at least 1, --processes and --seed of at least 0",
                got=f"scenes={self.scenes}, count={self.count}, views={self.views}, "
                f"processes={self.processes}, seed={self.seed}",
            )

    def run(self, console: Console) -> dict[str, Any]:
        """Run the evaluation and return the flat results."""
        planner = make_planner(self.planner, weights=self.weights)
        prepare_folder(self.output)
        only, exclude = read_names(self.only), read_names(self.exclude)
        objects = load_with_progress(console, self.objects, self.object_scale, only=only, exclude=exclude)
        workers = self.processes or os.cpu_count() or 1
        console.print(
            f"Grasp AP, {self.scene}: {len(objects)} objects of {self.objects}, planner {self.planner}, "
            f"{self.scenes} scenes of {self.count} x {self.views} views, noise {self.noise}, seed {self.seed}, "
            f"{workers} processes"
        )
        config = ApScenes(
            arrangement=self.scene, objects_per_scene=self.count, views=self.views, depth_noise=self.noise
        )
        columns = (TextColumn("scenes"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console) as progress:
            bar = progress.add_task("scenes", total=self.scenes)
            result = run_grasp_ap(
                planner,
                objects,
                config=config,
                scenes=self.scenes,
                seeds=(self.seed,),
                processes=workers,
                on_scene=lambda _: progress.advance(bar),
            )
        _write_frames(result, self.output / "frames.csv")
        results = {"planner": self.planner, "scene": self.scene, "noise": self.noise, **flat_results(result)}
        console.print(_table(f"Grasp AP, {self.scene}, planner {self.planner}, noise {self.noise}", results))
        console.print(f"Frame by frame: {self.output / 'frames.csv'}")
        return results


def flat_results(result: GraspApResult) -> dict[str, Any]:
    """The numbers of an evaluation by name; shares are fractions of the grasps that counted."""
    frames = result.frames
    counted = sum(frame.counted for frame in frames)
    known = max(1, counted)
    return {
        "ap": result.ap,
        "ap_low": result.ap_low,
        "ap_high": result.ap_high,
        "ap_04": result.ap_04,
        "ap_08": result.ap_08,
        "ap_limit": result.ap_limit,
        "frames": len(frames),
        "scenes": len(result.scenes),
        "objects_per_scene": float(np.mean([scene.objects for scene in result.scenes])),
        "grasps_per_frame": counted / len(frames),
        "share_collided": sum(frame.collided for frame in frames) / known,
        "share_empty": sum(frame.empty for frame in frames) / known,
        "share_slipped": sum(frame.slipped for frame in frames) / known,
        "empty_frames": sum(frame.counted == 0 for frame in frames),
        "plan_ms_p50": 1e3 * float(np.median([frame.plan_s for frame in frames])),
    }


def _table(title: str, results: dict[str, Any]) -> Table:
    table = Table(title=title)
    table.add_column("")
    table.add_column("", justify="right")
    table.add_row("AP", f"{results['ap']:.1%} ({results['ap_low']:.1%} to {results['ap_high']:.1%})")
    table.add_row("AP at friction 0.8", f"{results['ap_08']:.1%}")
    table.add_row("AP at friction 0.4", f"{results['ap_04']:.1%}")
    table.add_row("AP of perfect grasps", f"{results['ap_limit']:.1%}")
    table.add_row("frames, scenes", f"{results['frames']}, {results['scenes']}")
    table.add_row("objects a scene", f"{results['objects_per_scene']:.1f}")
    table.add_row("grasps that count, a frame", f"{results['grasps_per_frame']:.1f}")
    table.add_row("  of these in collision", f"{results['share_collided']:.1%}")
    table.add_row("  of these with nothing between the fingers", f"{results['share_empty']:.1%}")
    table.add_row("  of these without force closure", f"{results['share_slipped']:.1%}")
    table.add_row("planning time, median", f"{results['plan_ms_p50']:.0f} ms")
    return table


def _write_frames(result: GraspApResult, path: Path) -> None:
    rows = [
        [scene.seed, scene.scene, view, scene.objects]
        + [frame.planned, frame.counted, frame.collided, frame.empty, frame.slipped]
        + [f"{average_precision(frame.precision, friction):.6f}" for friction in (None, 0.4, 0.8)]
        + [f"{1e3 * frame.plan_s:.2f}"]
        for scene in result.scenes
        for view, frame in enumerate(scene.frames)
    ]
    with output_file(path) as draft, draft.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([_HEADER.split(","), *rows])
