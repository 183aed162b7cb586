"""Put a planner of your own into the clutter-removal benchmark: grasp the highest point from above.

    python examples/own_planner.py

The same planner on the command line: graspmimic bench clutter --planner own_planner:plan, run in
this folder with PYTHONPATH=. so that it can be imported.
"""

from __future__ import annotations

import numpy as np

from envs.clutter import DIALECT_A, Observation, Proposals, run_clutter_removal
from envs.objects import load_objects
from geometry import transform

DOWN = np.diag([-1.0, 1.0, -1.0])  # the approach, +z, points down; the fingers close along the world's y


def plan(observation: Observation) -> Proposals:
    """One grasp, 2 cm below the highest point, or none where nothing is seen."""
    cloud = observation.cloud_world
    if len(cloud) == 0:
        return Proposals(np.empty((0, 4, 4)), np.empty(0), np.empty(0))
    top = cloud[cloud[:, 2].argmax()]
    tips_z = max(top[2] - 0.02, observation.table_z_m + 0.005)
    return Proposals(transform(DOWN, (top[0], top[1], tips_z))[None], np.array([0.08]), np.array([1.0]))


if __name__ == "__main__":
    result = run_clutter_removal(plan, load_objects("procedural"), dialect=DIALECT_A, rounds=5, seeds=(0,))
    print(f"GSR {result.gsr.mean:.0%}, DR {result.dr.mean:.0%}, rounds ended: {result.endings}")
