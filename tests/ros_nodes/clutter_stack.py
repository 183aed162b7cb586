"""The nodes that clear the clutter benchmark's scenes, with their parameters: for the test and the benchmark."""

from __future__ import annotations

from typing import Any

import numpy as np
from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import GetState
from std_srvs.srv import Trigger

from envs.cell import RobotCell
from envs.clutter import DIALECT_A
from envs.objects import load_objects
from tests.ros_nodes.crew import crew_for, score_of
from tests.ros_nodes.session import RosSession
from tests.ros_standin.launching import PlannedNode

_START_S = 120.0
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


def planned_nodes(objects: str, seed: int, speed: float, *, patient: bool) -> list[PlannedNode]:
    """The nodes for the clutter scenes of one seed.

    Args:
        objects: set of objects.
        seed: of the scenes.
        speed: simulated seconds in a second of the wall clock; 0 is as fast as it can.
        patient: whether messages may be late, since physics, images and the network share one interpreter.
    """
    cell = cell_parameters()
    sim_time = {"use_sim_time": True}
    detector = {
        "mode": "on_request",
        "workspace": DIALECT_A.workspace.grasp_volume.ravel().tolist(),
        "table": "known",
        "table_height_m": cell["table_z_m"],
    }
    picking = {"attempts": 1, "settle_s": 2.0, "forget_failed_s": 3600.0}
    camera = (("depth/image", f"{_CAMERA}/image_rect_raw"), ("depth/camera_info", f"{_CAMERA}/camera_info"))
    planner = (("plan_grasps", "/grasp_detector/plan_grasps"), ("scene_cloud", "/grasp_detector/scene_cloud"))
    late = {"stale_after_s": 5.0, "heartbeat_timeout_s": 5.0} if patient else {}
    waits = {"joint_states_timeout_s": 10.0} if patient else {}
    clearing = {"autostart": False, "max_failures": DIALECT_A.max_consecutive_failures}
    return [
        _planned("sim_robot", {"seed": seed, "objects": objects, "view": "each_pick", "real_time_factor": speed}),
        _planned("grasp_detector", {**detector, **sim_time}, camera),
        _planned("safety", {**sim_time, **late}),
        _planned("pick_server", {**cell, **sim_time, **picking, **waits}, planner),
        _planned("table_clearer", {**sim_time, **clearing}),
    ]


def _planned(name: str, parameters: dict[str, Any], remappings: tuple[tuple[str, str], ...] = ()) -> PlannedNode:
    return PlannedNode("graspmimic", name, name, "", parameters, remappings, ())


class ClutterStack:
    """These nodes, running.

    Args:
        ros: the session that they run in, or beside.
        objects, seed, speed: see `planned_nodes`.
    """

    def __init__(self, ros: RosSession, objects: str, seed: int, speed: float) -> None:
        self._ros, self._crew = ros, crew_for(ros)
        try:
            for planned in planned_nodes(objects, seed, speed, patient=ros.standin):
                problem = self._crew.start(planned, planned.parameters)
                if problem:
                    raise RuntimeError(f"{planned.executable} does not start: {problem}")
            if not ros.wait_until(self._detects, _START_S):
                raise TimeoutError("the grasp detector does not become active")
        except BaseException:
            self.close()
            raise

    def call(self, name: str, timeout_s: float) -> Any:
        """The answer of a Trigger service."""
        return self._ros.call(Trigger, name, timeout_s=timeout_s)

    def score(self) -> dict[str, Any]:
        """The simulation's own count."""
        return score_of(self._ros)

    def close(self) -> None:
        """End the nodes that the session does not end."""
        self._crew.close()

    def _detects(self) -> bool:
        state = self._ros.call(GetState, "/grasp_detector/get_state", timeout_s=_START_S).current_state.id
        return bool(state == State.PRIMARY_STATE_ACTIVE)
