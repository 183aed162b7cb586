"""Grasps from one depth image in a dozen lines; here the image comes from a simulated camera.

python examples/grasps_from_depth.py
"""

from __future__ import annotations

import numpy as np

from envs.clutter import DIALECT_A, ClutterSimulation
from envs.objects import load_objects
from perception.frames import scene_from_depth
from perception.grasping import AntipodalPlanner

seen = ClutterSimulation(DIALECT_A, load_objects("procedural"), "pile", np.random.default_rng(0)).observe()

# From here on it is your own camera: depth in metres, and its intrinsics. The table is found by itself.
scene = scene_from_depth(seen.depth_m, seen.camera, np.random.default_rng(0))
grasps = scene.in_source_frame(AntipodalPlanner()(scene))  # in the camera's frame

print(f"{len(grasps)} grasps; the best has its fingertips at {grasps.poses[0, :3, 3].round(3)} m")
print(f"and opens to {1e3 * grasps.widths_m[0]:.0f} mm, score {grasps.scores[0]:.2f}")
