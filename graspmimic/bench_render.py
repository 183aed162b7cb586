"""`graspmimic bench render`: what a depth image costs, and whether two renderers agree on it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from envs.cameras import Frame, RaycastCamera, TinyRendererCamera, scene_triangles
from envs.objects import ObjectModel
from envs.world import World
from geometry import FloatArray, InputError, PinholeCamera, look_at, transform
from graspmimic.object_sets import load_with_progress
from graspmimic.options import OptionalFile
from graspmimic.report import prepare_folder
from perception.figures import output_file

EYE_M, TARGET_M = (0.45, 0.0, 0.52), (0.0, 0.0, 0.02)
SPACING_M = (0.13, 0.16)
SETTLE_STEPS = 240


@dataclass(frozen=True, kw_only=True)
class BenchRender:
    """Compare the two depth cameras: ray casting on Embree and Bullet's TinyRenderer.

    Objects stand on a table and move between frames, so that ray casting rebuilds its scene for
    every image. Both cameras give depth alone: ray casting without normals on one thread,
    TinyRenderer without shadow and without segmentation, which are its cheapest settings. They take
    turns within one run, and what counts is CPU time of the whole process and the ratio of each
    pair, so a busy machine disturbs both alike.
    """

    objects: str = "procedural"
    """Object set: procedural, random_urdfs, or a folder of URDFs or meshes."""
    object_scale: float = 1.0
    """Factor on all lengths of the objects; 0.001 for meshes in millimetres."""
    count: int = 8
    """Objects on the table."""
    width: int = 640
    """Image columns."""
    height: int = 480
    """Image rows."""
    frames: int = 40
    """Pairs of images."""
    seed: int = 0
    """Seed of the choice of objects and of their poses."""
    output: Path = Path("output/bench-render")
    """Folder for agreement.png."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        if self.count < 1 or self.frames < 2 or self.seed < 0 or min(self.width, self.height) < 8:
            raise InputError(
                "options",
                expected="--count of at least 1, --frames of at least 2, an image of at least 8 x 8, --seed >= 0",
                got=f"count={self.count}, frames={self.frames}, {self.width} x {self.height}, seed={self.seed}",
            )

    def run(self, console: Console) -> dict[str, Any]:
        """Take the images and return the flat results."""
        prepare_folder(self.output)
        console.print(self)
        rng = np.random.default_rng(self.seed)
        models = load_with_progress(console, self.objects, self.object_scale).sample(rng, self.count)
        focal = 540.0 * self.width / 640.0
        camera = PinholeCamera(
            width=self.width, height=self.height, fx=focal, fy=focal, cx=self.width / 2, cy=self.height / 2
        )
        with World() as world:
            lay_table(world, models, rng)
            cameras = (
                RaycastCamera(world, camera),
                TinyRendererCamera(world, camera, shadow=False, segmentation=False),
            )
            triangles = len(scene_triangles(world).triangles)
            with Progress(console=console, transient=True) as progress:
                costs, errors, frames = _measure(world, cameras, self.frames, progress)
        picture = self.output / "agreement.png"
        with output_file(picture) as draft:
            draw_agreement(*frames).savefig(draft, dpi=110, format="png")
        results = _results(costs, errors, camera, self.count, triangles)
        console.print(_table(results))
        console.print(f"Picture: {picture}")
        return results


def lay_table(world: World, models: tuple[ObjectModel, ...], rng: np.random.Generator) -> None:
    """Put a table into the world and the objects on it, four to a row, and let them settle."""
    world.add_box(
        (0.6, 0.6, 0.02), transform(translation=(0.0, 0.0, -0.02)), color=(0.6, 0.53, 0.45, 1.0), name="table"
    )
    rows = -(-len(models) // 4)
    for index, model in enumerate(models):
        turn = rng.uniform(0.0, 2.0 * np.pi)
        x, y = (index // 4 - (rows - 1) / 2) * SPACING_M[1], (index % 4 - 1.5) * SPACING_M[0]
        bottom = model.mesh().bounds[0, 2]
        R = [[np.cos(turn), -np.sin(turn), 0.0], [np.sin(turn), np.cos(turn), 0.0], [0.0, 0.0, 1.0]]
        model.load(world, transform(R, (x, y, 0.005 - bottom)))
    world.step(SETTLE_STEPS)


def _measure(
    world: World, cameras: tuple[RaycastCamera, TinyRendererCamera], count: int, progress: Progress
) -> tuple[FloatArray, FloatArray, tuple[Frame, Frame]]:
    """CPU seconds (count, 2) of both cameras, median depth errors (count, 2), and the last pair of frames.

    The errors are in metres, over all that both see and over the objects alone.
    """
    caster, drawer = cameras
    takes: tuple[Callable[[FloatArray], Frame], ...] = (lambda T: caster.render(T, normals=False), drawer.render)
    T_world_camera = look_at(EYE_M, TARGET_M)
    for take in takes:
        take(T_world_camera)
    task = progress.add_task("Taking images", total=count)
    costs, errors = np.zeros((count, 2)), np.full((count, 2), np.nan)
    table_uid = min(world.bodies)
    for index in range(count):
        world.step()
        frames: list[Frame] = []
        for which in (0, 1) if index % 2 else (1, 0):
            start = time.process_time()
            frame = takes[which](T_world_camera)
            costs[index, which] = time.process_time() - start
            frames.insert(which, frame)
        both = (frames[0].depth_m > 0.0) & (frames[1].depth_m > 0.0)
        difference = np.abs(frames[0].depth_m - frames[1].depth_m)
        for column, where in enumerate((both, both & (frames[0].segmentation != table_uid))):
            if where.any():
                errors[index, column] = np.median(difference[where])
        progress.update(task, advance=1)
    return costs, errors, (frames[0], frames[1])


def _results(
    costs: FloatArray, errors: FloatArray, camera: PinholeCamera, count: int, triangles: int
) -> dict[str, Any]:
    ratios = costs[:, 0] / costs[:, 1]
    raycast_ms, tinyrenderer_ms = 1e3 * np.median(costs, axis=0)
    error_mm, objects_error_mm = 1e3 * np.median(errors, axis=0)
    return {
        "ratio": float(np.median(ratios)),
        "ratio_p90": float(np.percentile(ratios, 90)),
        "raycast_ms_p50": float(raycast_ms),
        "tinyrenderer_ms_p50": float(tinyrenderer_ms),
        "depth_error_mm_p50": float(error_mm),
        "depth_error_objects_mm_p50": float(objects_error_mm),
        "width": camera.width,
        "height": camera.height,
        "objects": count,
        "triangles": triangles,
        "frames": len(costs),
    }


def _table(results: dict[str, Any]) -> Table:
    title = "Depth of {objects} objects on a table, {width} x {height}, {triangles} triangles".format(**results)
    table = Table(title=title)
    for column in ("", "ray casting", "TinyRenderer", "ratio"):
        table.add_column(column, justify="left" if not column else "right")
    table.add_row(
        "CPU time, median",
        "{raycast_ms_p50:.1f} ms".format(**results),
        "{tinyrenderer_ms_p50:.1f} ms".format(**results),
        "{ratio:.2f}".format(**results),
    )
    table.add_row("depth apart, median", "", "", "{depth_error_mm_p50:.4f} mm".format(**results))
    table.add_row("the same, objects alone", "", "", "{depth_error_objects_mm_p50:.4f} mm".format(**results))
    return table


def draw_agreement(raycast: Frame, tinyrenderer: Frame) -> Figure:
    """Both depth images side by side, and where they differ."""
    figure = Figure(figsize=(13.0, 3.6), layout="constrained")
    axes = figure.subplots(1, 3)
    seen = raycast.depth_m[raycast.depth_m > 0.0]
    low, high = (float(seen.min()), float(seen.max())) if seen.size else (0.0, 1.0)
    for ax, frame, title in ((axes[0], raycast, "ray casting"), (axes[1], tinyrenderer, "TinyRenderer")):
        depth = np.where(frame.depth_m > 0.0, frame.depth_m, np.nan)
        image = ax.imshow(depth, cmap="viridis_r", vmin=low, vmax=high)
        ax.set_title(title)
    figure.colorbar(image, ax=axes[:2], label="depth [m]", shrink=0.9)
    difference = 1e6 * np.abs(raycast.depth_m - tinyrenderer.depth_m)
    image = axes[2].imshow(np.log10(np.maximum(difference, 1e-2)), cmap="magma", vmin=-2, vmax=4)
    axes[2].set_title("difference")
    bar = figure.colorbar(image, ax=axes[2], label="difference", shrink=0.9)
    bar.set_ticks([-2, 0, 2, 4], labels=["10 nm", "1 µm", "100 µm", "10 mm"])
    for ax in axes:
        ax.set_axis_off()
    return figure
