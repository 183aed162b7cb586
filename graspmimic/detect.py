"""`graspmimic detect`: grasps for one real RGB-D frame or point cloud."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from geometry import InputError, invert
from graspmimic.detect_input import read_frame
from graspmimic.detect_output import show, write_grasps, write_picture
from graspmimic.options import (
    OptionalBox,
    OptionalFile,
    OptionalNumber,
    OptionalPoint,
    TargetBox,
    TargetPoint,
    ViewOption,
)
from graspmimic.planners import DETECT_PLANNER, NetworkPlanner, make_planner
from graspmimic.report import prepare_folder
from perception.figures import GraspPicture
from perception.frames import RealScene, on_targets
from perception.grasping import Grasps, suppress_duplicates

_DRAWN_APART_M, _DRAWN_APART_RAD = 0.03, 0.8


@dataclass(frozen=True, kw_only=True)
class Detect:
    """Find grasps in one depth image or point cloud, and draw them.

    Give --depth with its intrinsics (--camera FILE, or --fx --fy --cx --cy), or --cloud. The table is
    found by itself and grasps are wanted on what stands on it; --mask, --target-box, --target-point and
    --workspace narrow that down. Writes grasps.npy (17 columns, as GraspNet), grasps.json and grasps.png
    to --output. Poses are in the frame of the input: x right, y down, z forward for a camera.
    """

    depth: OptionalFile = None
    """Depth image: 16-bit PNG or TIFF, NPY, NPZ (key depth), EXR."""
    cloud: OptionalFile = None
    """Point cloud instead of a depth image: PLY, PCD, NPZ (key points), NPY; metres."""
    color: OptionalFile = None
    """Colour image of the depth image's size, for the picture."""
    mask: OptionalFile = None
    """Image of the depth image's size, above 0 on what may be grasped."""
    camera: OptionalFile = None
    """Intrinsics: JSON, or a ROS CameraInfo as YAML."""
    fx: OptionalNumber = None
    """Focal length along x, pixels, in place of --camera."""
    fy: OptionalNumber = None
    """Focal length along y, pixels."""
    cx: OptionalNumber = None
    """Column of the optical axis, pixels."""
    cy: OptionalNumber = None
    """Row of the optical axis, pixels."""
    depth_scale: OptionalNumber = None
    """Depth units per metre, such as 1000; guessed for integer files, 1 for float files."""
    target_point: TargetPoint = None
    """What shall be grasped: a pixel X Y of the depth image, or a point X Y Z in the frame of the input, metres."""
    target_box: TargetBox = None
    """What shall be grasped: a box in the depth image, pixels, its ends included."""
    approach_cone_deg: OptionalNumber = None
    """Largest angle between the hand's approach and --approach."""
    approach: OptionalPoint = None
    """Direction of approach in the frame of the input, for --approach-cone-deg; straight down onto the table (without
    one, along the line of sight) where it is not given."""
    workspace: OptionalBox = None
    """Box of what may be grasped, metres, in the frame of the input."""
    viewpoint: OptionalPoint = None
    """Where --cloud was seen from, metres, in its frame; without it the origin, unless the cloud surrounds that."""
    table: Literal["auto", "none"] = "auto"
    """Whether to look for the surface that objects stand on."""
    max_range_m: float = 1.5
    """Whatever is farther away is background."""
    planner: str = DETECT_PLANNER
    """network, antipodal, topdown, or MODULE:NAME of your own."""
    weights: OptionalFile = None
    """Weights of --planner network, in place of the package's own."""
    top_k: int = 50
    """Grasps to write, best first."""
    draw: int = 12
    """Grasps to draw at most, best first; of those close to each other, the best."""
    view: ViewOption = None
    """Show the scene in Rerun's window, or write it to a file (extra: view)."""
    seed: int = 0
    """Seed of everything random."""
    output: Path = Path("output/detect")
    """Folder for grasps.npy, grasps.json and grasps.png."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        frame_only = ("color", "mask", "target_box", "camera", "fx", "fy", "cx", "cy", "depth_scale")
        given = [name for name in frame_only if getattr(self, name) is not None]
        sources = "none" if self.depth is None else "both"
        _check("--depth and --cloud", (self.depth is None) != (self.cloud is None), "one of the two", sources)
        _check("--cloud", self.cloud is None or not given, "no options of depth images beside it", given)
        _check("--viewpoint", self.viewpoint is None or self.cloud is not None, "--cloud beside it", "none")
        _check("--seed", self.seed >= 0, "at least 0", self.seed)
        _check("--top-k", self.top_k >= 1, "at least 1", self.top_k)
        _check("--draw", self.draw >= 0, "at least 0", self.draw)
        _check("--max-range-m", 0.0 < self.max_range_m < 100.0, "metres, above 0 and below 100", self.max_range_m)
        _check("--planner", self.planner != "oracle", "a planner that needs no simulated world", self.planner)
        self._check_wishes()
        files = self.view or ()
        sane = len(files) < 2 and all(file.suffix.lower() == ".rrd" for file in files)
        _check("--view", sane, "a file name that ends in .rrd, or none", " ".join(map(str, files)))
        if self.workspace is not None:
            low, high = np.array(self.workspace).reshape(3, 2).T
            sane = bool(np.isfinite([low, high]).all() and (low < high).all())
            _check("--workspace", sane, "xmin xmax ymin ymax zmin zmax, each min below its max", self.workspace)

    def _check_wishes(self) -> None:
        point, box, cone = self.target_point, self.target_box, self.approach_cone_deg
        sane = point is None or (np.isfinite(point).all() and len(point) in ((3,) if self.depth is None else (2, 3)))
        _check("--target-point", bool(sane), "X Y in pixels (of --depth) or X Y Z in metres", point)
        sane = box is None or (box[0] <= box[2] and box[1] <= box[3])
        _check("--target-box", sane, "X0 Y0 X1 Y1 with X0 <= X1 and Y0 <= Y1", box)
        several = [name for name in ("mask", "target_box", "target_point") if getattr(self, name) is not None]
        _check("target", len(several) < 2, "one of --mask, --target-box and --target-point", several)
        _check("--approach-cone-deg", cone is None or 0.0 < cone <= 180.0, "above 0, at most 180", cone)
        _check("--approach", self.approach is None or cone is not None, "--approach-cone-deg beside it", "none")
        _check("--approach", self.approach is None or any(self.approach), "a direction", self.approach)

    def run(self, console: Console) -> dict[str, Any]:
        """Detect, write and return {grasps, best_score, time_ms} and more."""
        planner = make_planner(self.planner, weights=self.weights)
        prepare_folder(self.output)
        console.print("Grasps in one frame: " + ", ".join(f"{k}={v}" for k, v in vars(self).items() if v is not None))
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            bar = progress.add_task("reading", total=4)
            frame = read_frame(self)
            progress.update(bar, advance=1, description="finding the table")
            start = time.perf_counter()
            scene = frame.scene(self)
            progress.update(bar, advance=1, description="planning")
            grasps = plan_on_targets(planner, scene, self._approach(scene)).top(self.top_k)
            time_ms = 1e3 * (time.perf_counter() - start)
            progress.update(bar, advance=1, description="drawing")
            write_grasps(self.output, scene, grasps)
            drawn = suppress_duplicates(grasps, distance_m=_DRAWN_APART_M, angle_rad=_DRAWN_APART_RAD).top(self.draw)
            picture = frame.picture(scene, drawn)
            write_picture(self.output / "grasps.png", picture, _title(grasps, picture, time_ms))
            if self.view is not None:
                show(scene, picture, self.view[0] if self.view else None)
            progress.update(bar, advance=1)
        results = {
            "grasps": len(grasps),
            "best_score": float(grasps.scores[0]) if len(grasps) else None,
            "time_ms": time_ms,
            "table_found": scene.support is not None,
            "target_points": int(scene.targets.sum()),
            "depth_scale": frame.depth_scale,
            "note": grasps.note,
        }
        console.print(_summary(results, frame.remark, self.output))
        return results

    def _approach(self, scene: RealScene) -> Approach | None:
        """The options' cone in the scene's world, whose z axis stands on the table or points at the camera."""
        if self.approach_cone_deg is None:
            return None
        direction = np.array([0.0, 0.0, -1.0])
        if self.approach is not None:
            T_world_source = scene.T_world_camera @ invert(scene.T_source_camera)
            direction = T_world_source[:3, :3] @ (np.array(self.approach) / np.linalg.norm(self.approach))
        x, y, z = (float(value) for value in direction)
        return Approach((x, y, z), float(np.deg2rad(self.approach_cone_deg)))


class Approach(NamedTuple):
    """Where hands may come from."""

    direction: tuple[float, float, float]
    """Of the approach, a unit vector in the world."""
    half_angle_rad: float
    """Largest angle to it."""


def plan_on_targets(planner: Callable[[Any], Any], scene: RealScene, approach: Approach | None = None) -> Grasps:
    """What a planner finds in a scene, kept to what was asked for; `note` says why none is left.

    Args:
        planner: any; the network looks on the targets and within the approach alone.
        scene: the look and its targets, of which a grasp must hold one.
        approach: where hands may come from; None is anywhere.
    """
    if not scene.targets.any():
        return Grasps(note="nothing stands on the table within range, mask and workspace")
    found = _planned(planner, scene, approach)
    held = on_targets(found, scene)
    if len(found) and not len(held):
        return replace(held, note=f"none of {len(found)} grasps holds a target")
    if approach is None:
        return held
    kept = held[held.approaches @ np.array(approach.direction) >= np.cos(approach.half_angle_rad) - 1e-6]
    return (
        replace(kept, note=f"none of {len(held)} grasps comes from within the cone")
        if len(kept) < 1 <= len(held)
        else kept
    )


def _planned(planner: Callable[[Any], Any], scene: RealScene, approach: Approach | None) -> Grasps:
    """What a planner finds, best first."""
    if isinstance(planner, NetworkPlanner):
        from perception.grasping.network.targets import ApproachCone

        cone = None if approach is None else ApproachCone(*approach)
        return planner.plan(scene, target=scene.targets, cone=cone, everywhere=True)
    found = planner(scene)
    return (found if isinstance(found, Grasps) else Grasps(found.poses, found.widths_m, found.scores)).sorted()


def _check(option: str, good: bool, expected: str, got: Any) -> None:
    if not good:
        raise InputError(option, expected=expected, got=f"{got}")


def _title(grasps: Grasps, picture: GraspPicture, time_ms: float) -> str:
    if not len(grasps):
        return f"no grasp: {grasps.note}"
    drawn = f"{len(picture.poses)} of the {len(grasps)} best grasps"
    return "   ·   ".join([drawn, f"top score {grasps.scores[0]:.2f}", f"{time_ms:.0f} ms"])


def _summary(results: dict[str, Any], remark: str, output: Path) -> Table:
    table = Table(title="Grasps" if results["grasps"] else "No grasp", show_header=False)
    table.add_row("grasps", str(results["grasps"]))
    if results["best_score"] is not None:
        table.add_row("best score", f"{results['best_score']:.3f}")
    table.add_row("table", "found" if results["table_found"] else "none")
    table.add_row("target points", str(results["target_points"]))
    table.add_row("time, table and planning", f"{results['time_ms']:.0f} ms")
    for name, text in (("depth", remark), ("note", results["note"])):
        if text:
            table.add_row(name, text)
    table.add_row("written", f"{output}/grasps.npy, .json, .png")
    return table
