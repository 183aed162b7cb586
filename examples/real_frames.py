"""A sheet of real frames with the learned detector's grasps drawn in, at most one for each part of an object.

python examples/real_frames.py FRAMES.json --output docs/images/network_real.png

FRAMES.json lists the frames, paths relative to it; depth_scale in units per metre (left out, it is guessed):
[{"title": "My desk", "depth": "a.png", "color": "a.jpg", "camera": "a.json", "depth_scale": 1000}]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from PIL import Image

from perception.figures import GraspPicture, draw_on_image, grasp_colormap
from perception.frames import on_targets, read_color, read_depth, read_intrinsics, scene_from_depth
from perception.grasping import GraspDetector, Grasps, suppress_duplicates
from perception.grasping.network.verdict import Ranking

COLUMNS, WIDTH_IN, DPI = 3, 12.0, 100
APART_M, TURNED_RAD, LEAST, DRAWN = 0.04, 6.3, 0.5, 10
SCORES = Normalize(LEAST, 1.0)


def find(detector: GraspDetector, frame: dict[str, Any], folder: Path) -> tuple[GraspPicture, Grasps]:
    """The picture of a frame and its best grasps, far enough apart to be told from each other."""
    depth_m = read_depth(folder / frame["depth"], depth_scale=frame.get("depth_scale")).depth_m
    camera, image = read_intrinsics(folder / frame["camera"]).camera, read_color(folder / frame["color"])
    scene = scene_from_depth(depth_m, camera, np.random.default_rng(0))
    grasps = on_targets(detector.detect_view(scene, target=scene.targets, top_k=200), scene)
    best = suppress_duplicates(grasps[grasps.scores >= LEAST], distance_m=APART_M, angle_rad=TURNED_RAD).top(DRAWN)
    nothing = np.zeros(0)
    cloud = (np.zeros((0, 3)), np.zeros((0, 3), dtype=np.uint8), nothing)
    drawn = (best.poses, best.widths_m, best.scores)
    return GraspPicture(image, camera, scene.T_world_camera, *cloud, *drawn, focus=scene.target_points()), best


def draw(axes: Axes, picture: GraspPicture, title: str) -> None:
    """One frame, cut to the sheet's proportions around its objects."""
    draw_on_image(axes, picture, SCORES)
    (x0, x1), (y1, y0) = axes.get_xlim(), axes.get_ylim()
    wide = min(x1 - x0, 4 / 3 * (y1 - y0))
    middle = 0.5 * (x0 + x1)
    if len(picture.poses):  # wide frames are cut at the sides: rather there than through the best grasps
        columns = picture.camera.project(_in_camera(picture))[:, 0]
        middle = float(np.clip(0.5 * (columns.min() + columns.max()), x0 + 0.5 * wide, x1 - 0.5 * wide))
    axes.set_xlim(middle - 0.5 * wide, middle + 0.5 * wide)
    axes.set_axis_off()
    axes.set_title(title, fontsize=9, color="0.3", pad=3)


def _in_camera(picture: GraspPicture) -> np.ndarray:
    R, t = picture.T_world_camera[:3, :3], picture.T_world_camera[:3, 3]
    return np.asarray((picture.poses[:, :3, 3] - t) @ R)


def main() -> None:
    """Draw the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("frames", type=Path, nargs="?", default=Path(__file__).parent / "frame" / "frames.json")
    parser.add_argument("--weights", type=Path, default=None)
    parser.add_argument("--output", type=Path, default=Path("real_frames.png"))
    options = parser.parse_args()
    frames = json.loads(options.frames.read_text(encoding="utf-8"))
    detector = GraspDetector.from_pretrained(options.weights, ranking=Ranking(checked=400))
    rows = -(-len(frames) // COLUMNS)
    figure = Figure(figsize=(WIDTH_IN, rows * (WIDTH_IN / COLUMNS * 0.75 + 0.22) + 0.4), dpi=DPI)
    grid = figure.subplots(rows, COLUMNS, squeeze=False).flatten()
    for axes in grid[len(frames) :]:
        axes.set_axis_off()
    for axes, frame in zip(grid, frames, strict=False):
        picture, best = find(detector, frame, options.frames.parent)
        draw(axes, picture, frame["title"])
        print(f"{frame['title']}: {len(best)} grasps drawn, best {best.scores.max(initial=0.0):.2f}")
    figure.subplots_adjust(left=0.005, right=0.995, top=0.97, bottom=0.09, wspace=0.02, hspace=0.08)
    below = figure.add_axes((0.33, 0.062, 0.34, 0.012))
    bar = figure.colorbar(ScalarMappable(SCORES, grasp_colormap()), cax=below, orientation="horizontal")
    bar.ax.tick_params(labelsize=8)
    bar.set_label("probability that the grasp lifts and keeps the object", fontsize=8, labelpad=1)
    figure.savefig(options.output)
    with Image.open(options.output) as drawn:  # 256 colours do, at a third of the size
        sheet = drawn.convert("RGB")
    sheet.quantize(palette=sheet.quantize(256), dither=Image.Dither.FLOYDSTEINBERG).save(options.output, optimize=True)


if __name__ == "__main__":
    main()
