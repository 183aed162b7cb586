"""Make the RGB-D frame in examples/frame: a table top as a structured-light camera would see it.

    python examples/make_frame.py examples/frame

Then: graspmimic detect --depth examples/frame/depth.png --color examples/frame/color.png
      --camera examples/frame/camera.json
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import imageio.v3 as imageio
import numpy as np

from envs.cameras import Lighting, RaycastCamera, StructuredLight
from envs.objects import load_objects
from envs.scenes import Scene, arrange
from envs.world import World
from geometry import PinholeCamera, look_at

CAMERA = PinholeCamera(width=640, height=480, fx=615.0, fy=615.0, cx=319.5, cy=239.5)
T_WORLD_CAMERA = look_at((0.15, -0.37, 0.52), (0.15, 0.16, 0.07))

if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "output/frame")
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(5)
    with World() as world:
        arrange(Scene(world), load_objects("procedural"), "tabletop", count=7, rng=rng)
        camera = RaycastCamera(world, CAMERA, lighting=Lighting(supersample=2))
        frame = camera.render(T_WORLD_CAMERA, color=True)
    depth_mm = np.round(1000.0 * StructuredLight().apply(frame, rng)).astype(np.uint16)
    imageio.imwrite(folder / "depth.png", depth_mm)
    imageio.imwrite(folder / "color.png", frame.rgb)
    (folder / "camera.json").write_text(json.dumps(asdict(CAMERA)) + "\n", encoding="utf-8")
    print(f"640 x 480 pixels, {int((depth_mm > 0).sum())} of them with depth, in {folder}")
