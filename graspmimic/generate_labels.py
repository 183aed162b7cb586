"""`graspmimic generate labels`: grasp labels of one's own objects in GraspNet-1Billion's format."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from envs.clutter import play_rounds
from envs.grasp_labels.graspnet_files import LabelReport, LabelWriter, claim_label_folder
from envs.grasp_labels.graspnet_labels import LabelConfig
from envs.grasp_labels.opening import LabelGripper
from geometry import InputError
from graspmimic.object_sets import load_with_progress, read_names
from graspmimic.options import OptionalFile
from graspmimic.report import prepare_folder


@dataclass(frozen=True, kw_only=True)
class GenerateLabels:
    """Label the grasps of any objects, in the files that GraspNet-1Billion's tools read.

    For every object one `000_labels.npz` with points, offsets, scores and collision: at each point of the
    surface 300 views x 12 angles x 4 depths, the least friction coefficient that holds, the opening of the
    fingers, and whether the open hand stands in the object. `objects.json` names the object behind each
    number. Coordinates are metres in the frame of the mesh, or of the URDF's link. Labels that are in
    --output already are kept, so an interrupted run goes on where it was.
    """

    objects: str
    """Folder of meshes or URDFs, one such file, procedural, or random_urdfs."""
    object_scale: float = 1.0
    """Factor on all lengths of the objects; 0.001 for meshes in millimetres."""
    only: OptionalFile = None
    """File of object names, one a line: all others are left out."""
    exclude: OptionalFile = None
    """File of object names, one a line, that are left out."""
    points: int = 1200
    """Points of each object, spread over its surface, with 14400 grasps at each."""
    max_width: float = 0.1
    """Largest opening of the gripper, metres."""
    finger_width: float = 0.01
    """Thickness of a finger along the closing direction, metres."""
    finger_height: float = 0.02
    """Breadth of a finger, metres."""
    finger_length: float = 0.06
    """From the palm to the fingertips at the depth of 4 cm, metres."""
    clearance: float = 0.002
    """Room on either side between the object and an open finger, metres."""
    processes: int = 0
    """Worker processes; 0 is one for each core. The files do not depend on it."""
    seed: int = 0
    """There is no chance in the labels; every command has it."""
    output: Path = Path("output/grasp_label")
    """Folder for the labels."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        if self.points < 1 or self.processes < 0:
            raise InputError(
                "options",
                expected="--points of at least 1 and --processes of at least 0",
                got=f"points={self.points}, processes={self.processes}",
            )

    def run(self, console: Console) -> dict[str, Any]:
        """Label what is missing and return the flat results."""
        gripper = LabelGripper(
            max_width_m=self.max_width,
            finger_width_m=self.finger_width,
            finger_height_m=self.finger_height,
            finger_length_m=self.finger_length,
            clearance_m=self.clearance,
        )
        config = LabelConfig(points=self.points, gripper=gripper)
        prepare_folder(self.output)
        only, exclude = read_names(self.only), read_names(self.exclude)
        objects = load_with_progress(console, self.objects, self.object_scale, only=only, exclude=exclude)
        numbers = claim_label_folder(self.output, objects, config)
        workers = self.processes or os.cpu_count() or 1
        console.print(
            f"Grasp labels: {len(objects)} objects of {self.objects}, {len(objects) - len(numbers)} labelled already, "
            f"{self.points} points each, {gripper}, {workers} processes"
        )
        start_s = time.perf_counter()
        reports = _label(console, LabelWriter(self.output, objects, config, numbers), workers) if numbers else []
        results = _flat(reports, len(objects), time.perf_counter() - start_s)
        console.print(_table(results))
        console.print(f"Labels: {self.output}")
        return results


def _label(console: Console, writer: LabelWriter, workers: int) -> list[LabelReport]:
    columns = (TextColumn("objects {task.description}"), BarColumn(), MofNCompleteColumn())
    reports = []
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console) as progress:
        bar = progress.add_task("", total=len(writer.numbers))
        for report in play_rounds(writer, len(writer.numbers), (0,), workers):
            reports.append(report)
            progress.update(bar, advance=1, description=report.name)
    return reports


def _flat(reports: list[LabelReport], objects: int, wall_s: float) -> dict[str, Any]:
    seconds, grasps = sum(r.seconds for r in reports), sum(r.grasps for r in reports)
    return {
        "objects": objects,
        "labelled": len(reports),
        "kept": objects - len(reports),
        "grasps": grasps,
        "share_good": sum(r.good for r in reports) / grasps if grasps else float("nan"),
        "seconds_per_object": seconds / len(reports) if reports else float("nan"),
        "grasps_per_second": grasps / seconds if seconds else float("nan"),
        "wall_s": wall_s,
    }


def _table(results: dict[str, Any]) -> Table:
    table = Table(title="Grasp labels")
    table.add_column("")
    table.add_column("", justify="right")
    table.add_row("objects labelled, kept", f"{results['labelled']}, {results['kept']}")
    if results["labelled"]:
        table.add_row("grasps", f"{results['grasps']:,}")
        table.add_row("  that hold and do not collide", f"{results['share_good']:.1%}")
        table.add_row("time for an object, on one core", f"{results['seconds_per_object']:.1f} s")
        table.add_row("grasps a second, on one core", f"{results['grasps_per_second']:,.0f}")
        table.add_row("wall time, with writing", f"{results['wall_s']:.0f} s")
    return table
