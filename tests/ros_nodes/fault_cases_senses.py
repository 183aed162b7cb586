"""Faults of the camera, of transforms and of time, for the whole stack."""

from __future__ import annotations

import threading
from typing import Any

from tests.ros_nodes.fault_play import Do, Fault, Words
from tests.ros_nodes.fault_stack import FaultStack


def sim(**values: Any) -> Do:
    """Set faults of the simulated robot."""

    def do(stack: FaultStack) -> None:
        taken, why = stack.set("sim_robot", **values)
        assert taken, why

    return do


def pause(seconds: float) -> Do:
    """The simulation stands still, clock and all."""

    def do(stack: FaultStack) -> None:
        stack.nodes["sim_robot"]._physics.between_steps(lambda: threading.Event().wait(seconds))

    return do


def jump(seconds: float) -> Do:
    """The clock jumps, once."""

    def do(stack: FaultStack) -> None:
        sim(clock_jump_s=seconds)(stack)
        sim(clock_jump_s=0.0)(stack)

    return do


def empty_table(stack: FaultStack) -> None:
    """Everything that can be grasped is taken away."""

    def take_away() -> None:
        scene = stack.nodes["sim_robot"]._the_robot().scene
        for number, item in enumerate(scene.cell.scene.objects.values()):
            away = item.body.pose()
            away[:3, 3] = 5.0 + number, 5.0, 0.1
            item.body.set_pose(away)

    stack.nodes["sim_robot"]._physics.between_steps(take_away).result(10.0)
    stack.ros.wait_until(lambda: False, 0.5)


def next_scene(stack: FaultStack) -> None:
    """A new scene."""
    stack.trigger("/sim_robot/next_scene")


CAMERA, TRANSFORM, TARGET, DETECTION = (
    f"grasp_detector: {part}" for part in ("camera", "transform", "target", "detection")
)
TASK = "pick_server: task"

SENSES: tuple[Fault, ...] = (
    Fault(
        name="camera silent",
        inject=sim(camera_lost=True),
        remove=sim(camera_lost=False),
        says=(Words(CAMERA, "error", r"nothing on /camera/\S+ for .* is the camera on"),),
        ends=r".",
    ),
    Fault(
        name="depth images all zero",
        inject=sim(depth_zero=True),
        remove=sim(depth_zero=False),
        says=(Words(CAMERA, "error", r"expected at least 100 pixels with a depth, got 0 .* emitter"),),
        ends=r".",
    ),
    Fault(
        name="depth images all NaN (32FC1)",
        inject=sim(depth_nan=True, depth_encoding="32FC1"),
        remove=sim(depth_nan=False, depth_encoding="16UC1"),
        says=(Words(CAMERA, "error", r"expected at least 100 pixels with a depth, got 0 .* emitter"),),
        ends=r".",
    ),
    Fault(
        name="wrong frame_id",
        inject=sim(wrong_frame_id="camera_of_another_robot"),
        remove=sim(wrong_frame_id=""),
        says=(Words(TRANSFORM, "error", r"camera_of_another_robot"),),
        ends=r"FRAME_TRANSFORM_FAILURE.*camera_of_another_robot",
    ),
    Fault(
        name="TF missing",
        inject=sim(tf_silent=True),
        remove=sim(tf_silent=False),
        says=(Words(TRANSFORM, "error", r"."),),
        ends=r"FRAME_TRANSFORM_FAILURE",
    ),
    Fault(
        name="TF 30 s in the future",
        inject=sim(tf_offset_s=30.0),
        remove=sim(tf_offset_s=0.0),
        says=(Words(TRANSFORM, "error", r"."),),
        ends=r"FRAME_TRANSFORM_FAILURE",
    ),
    Fault(
        name="TF 30 s in the past",
        inject=sim(tf_offset_s=-30.0),
        remove=sim(tf_offset_s=0.0),
        says=(Words(TRANSFORM, "error", r"."),),
        ends=r"FRAME_TRANSFORM_FAILURE",
    ),
    Fault(
        name="7 of 10 frames dropped",
        inject=sim(drop_frame_rate=0.7),
        remove=sim(drop_frame_rate=0.0),
        ends=r"SUCCESS",
    ),
    Fault(
        name="frames 5 s late",
        inject=sim(frame_delay_s=5.0),
        remove=sim(frame_delay_s=0.0),
        says=(Words(CAMERA, "error", r"."),),
        ends=r".",
    ),
    Fault(
        name="nothing to grasp: the table is empty",
        inject=empty_table,
        remove=next_scene,
        says=(Words(TASK, "error", r"no grasp was found: nothing stands above the table within the workspace"),),
        ends=r"PLANNING_FAILED: no grasp was found: nothing stands above the table",
    ),
    Fault(
        name="goal for a target that does not exist",
        inject=lambda stack: None,
        goal={"target_name": "no such mug"},
        says=(Words(TASK, "error", r"target 'no such mug': .* say where it is, or leave the id empty"),),
        ends=r"INVALID_OBJECT_NAME: the grasp planner failed .*no such mug",
    ),
    Fault(name="clock jumps 30 s ahead", at="approach", moving=True, inject=jump(30.0), ends=r"."),
    Fault(name="clock jumps 20 s back", at="approach", moving=True, inject=jump(-20.0), ends=r"."),
    Fault(
        name="clock and simulation stand for 8 s",
        at="approach",
        moving=True,
        inject=pause(8.0),
        ends=r".",
    ),
)
