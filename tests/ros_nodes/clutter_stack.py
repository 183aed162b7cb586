"""The nodes that clear the clutter benchmark's scenes, with their parameters: for the test and the benchmark."""

from __future__ import annotations

from typing import Any

import numpy as np
from rclpy.node import Node
from rclpy.parameter import Parameter

from envs.cell import RobotCell
from envs.clutter import DIALECT_A
from envs.objects import load_objects
from ros_nodes.grasp_detector.node import GraspDetectorNode
from ros_nodes.pick_server.node import PickServerNode
from ros_nodes.safety.node import SafetyNode
from ros_nodes.sim_robot.node import SimRobotNode
from ros_nodes.table_clearer.node import TableClearerNode

_CAMERA = "/camera/camera/depth"
_WALL_M = 0.01
_BIN_M = (0.32, 0.12)


def cell_parameters() -> dict[str, Any]:
    """What the pick server must know of the simulated cell: table, bin and the posture above it."""
    cell = RobotCell(DIALECT_A, load_objects("procedural"), "pile", np.random.default_rng(0))
    try:
        inner, tall = _BIN_M
        reach, long = 0.5 * (inner + _WALL_M), inner + 2.0 * _WALL_M
        x, y, z = cell.bin_center + (0.0, 0.0, 0.5 * tall)
        walls = [(x + side * reach, y, z, _WALL_M, long, tall) for side in (-1, 1)]
        walls += [(x, y + side * reach, z, long, _WALL_M, tall) for side in (-1, 1)]
        return {
            "obstacles": [float(number) for wall in walls for number in wall],
            "drop_q": cell.q_drop.tolist(),
            "table_z_m": float(cell.scene.workspace.table_z_m),
        }
    finally:
        cell.close()


def node_options(objects: str, seed: int, speed: float) -> dict[type[Node], dict[str, Any]]:
    """Each node's parameters and remaps for the clutter scenes of one seed."""
    cell = cell_parameters()
    volume = DIALECT_A.workspace.grasp_volume
    sim_time = {"use_sim_time": True}
    # Physics, images and the network share one interpreter here, so that messages may be late.
    patient = {"stale_after_s": 5.0, "heartbeat_timeout_s": 5.0}
    detector = {
        "mode": "on_request",
        "workspace": volume.ravel().tolist(),
        "table": "known",
        "table_height_m": cell["table_z_m"],
    }
    picking = {"attempts": 1, "settle_s": 2.0, "forget_failed_s": 3600.0, "joint_states_timeout_s": 10.0}
    given: list[tuple[type[Node], dict[str, Any], list[str]]] = [
        (SimRobotNode, {"seed": seed, "objects": objects, "view": "each_pick", "real_time_factor": speed}, []),
        (
            GraspDetectorNode,
            {**detector, **sim_time},
            [f"depth/image:={_CAMERA}/image_rect_raw", f"depth/camera_info:={_CAMERA}/camera_info"],
        ),
        (SafetyNode, {**sim_time, **patient}, []),
        (
            PickServerNode,
            {**cell, **sim_time, **picking},
            ["plan_grasps:=/grasp_detector/plan_grasps", "scene_cloud:=/grasp_detector/scene_cloud"],
        ),
        (TableClearerNode, {**sim_time, "autostart": False, "max_failures": DIALECT_A.max_consecutive_failures}, []),
    ]
    return {
        kind: {
            "parameter_overrides": [Parameter(name, value=value) for name, value in parameters.items()],
            "cli_args": ["--ros-args", *(word for remap in remaps for word in ("-r", remap))],
        }
        for kind, parameters, remaps in given
    }
