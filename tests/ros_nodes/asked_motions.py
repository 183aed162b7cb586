"""Trajectories for the simulated arm, as it is asked for them and as it takes them."""

from __future__ import annotations

import numpy as np

from envs.panda import PANDA_LIMITS
from ros_nodes.sim_robot.spline import Spline
from ros_nodes.sim_robot.tolerances import Tolerances
from ros_nodes.sim_robot.trajectory_request import Point, TrajectoryRequest, check_trajectory

NAMES = tuple(f"panda_joint{i}" for i in range(1, 8))
Q0 = np.array([0.0, -0.5, 0.0, -2.0, 0.0, 1.5, 0.8])
STEP = 1.0 / 240.0
NONE = Tolerances.uniform(7, path_rad=0.0, goal_rad=0.0, stopped_rad_s=0.0, goal_time_s=0.0)


def away(joint: int, angle: float) -> list[float]:
    q = Q0.copy()
    q[joint] += angle
    return [float(value) for value in q]


def request(*points: Point, start_s: float | None = None, names: tuple[str, ...] = NAMES) -> TrajectoryRequest:
    return TrajectoryRequest(joint_names=names, points=points, start_s=start_s)


def taken(made: TrajectoryRequest, now_s: float = 10.0) -> Spline:
    checked = check_trajectory(made, NAMES, PANDA_LIMITS, now_s)
    assert isinstance(checked, Spline), checked
    return checked
