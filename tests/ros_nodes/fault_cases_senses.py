"""Faults of the camera, of transforms and of time, for the whole stack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header

from ros_nodes.messages.clouds import cloud_from_points
from ros_nodes.sim_robot.settings import SimRobotSettings
from tests.ros_nodes.fault_play import Do, Fault, Words
from tests.ros_nodes.fault_stack import FaultStack


def sim(**values: Any) -> Do:
    """Set faults of the simulated robot."""

    def do(stack: FaultStack) -> None:
        taken, why = stack.set("sim_robot", **values)
        assert taken, why

    return do


def simulated(**values: Any) -> dict[str, Do]:
    """Fields of a fault that the simulated robot plays itself, until its parameters are as they were by default."""
    defaults = {name: getattr(_AS_IT_IS, name) for name in values}
    return {"inject": sim(**values), "remove": sim(**defaults)}


def hurt(node: str, how: str) -> Do:
    """Do something to a node from within."""
    return lambda stack: stack.hurt(node, how)


def jump(seconds: float) -> Do:
    """The clock jumps, once."""

    def do(stack: FaultStack) -> None:
        sim(clock_jump_s=seconds)(stack)
        sim(clock_jump_s=0.0)(stack)

    return do


def empty_table(stack: FaultStack) -> None:
    """Everything that can be grasped is taken away, and images of that have come."""
    stack.hurt("sim_robot", "empty_table")
    stack.ros.wait_until(lambda: False, 0.5)


def next_scene(stack: FaultStack) -> None:
    """A new scene."""
    stack.trigger("/sim_robot/next_scene")


def cloud_of_nothing(stack: FaultStack) -> None:
    """The detector is started for clouds, and all points of those that come are NaN."""
    stack.stop("grasp_detector")
    stack.start("grasp_detector", input="cloud")
    publisher = stack.ros.probe.create_publisher(PointCloud2, "/points", 10)
    header = Header(frame_id="camera_depth_optical_frame")
    cloud = cloud_from_points(np.full((5000, 3), np.nan), header)

    def send(image: Any) -> None:
        cloud.header.stamp = image.header.stamp
        publisher.publish(cloud)

    _hurt_by(stack, Image, f"{DEPTH}/image_rect_raw", send)


def info_of_another_size(stack: FaultStack) -> None:
    """The camera information that reaches the detector is of half the image's size."""
    stack.stop("grasp_detector")
    stack.start("grasp_detector", remaps={"depth/camera_info": "/hurt/camera_info"})
    publisher = stack.ros.probe.create_publisher(CameraInfo, "/hurt/camera_info", 10)

    def send(info: Any) -> None:
        info.width, info.height = info.width // 2, info.height // 2
        publisher.publish(info)

    _hurt_by(stack, CameraInfo, f"{DEPTH}/camera_info", send)


def _hurt_by(stack: FaultStack, kind: Any, topic: str, send: Callable[[Any], None]) -> None:
    probe = stack.ros.probe
    stack.relay = probe.create_subscription(
        kind, topic, send, qos_profile_sensor_data, callback_group=MutuallyExclusiveCallbackGroup()
    )
    assert stack.ros.wait_until(lambda: stack.detects, 60.0)


def as_launched(stack: FaultStack) -> None:
    """The detector is started as the launch file says."""
    stack.ros.probe.destroy_subscription(stack.relay)
    stack.stop("grasp_detector")
    stack.start("grasp_detector")


DEPTH = "/camera/camera/depth"
_AS_IT_IS = SimRobotSettings()
CAMERA, TRANSFORM, TARGET, DETECTION = (
    f"grasp_detector: {part}" for part in ("camera", "transform", "target", "detection")
)
TASK = "pick_server: task"

SENSES: tuple[Fault, ...] = (
    Fault(
        name="camera silent",
        **simulated(camera_lost=True),
        says=(Words(CAMERA, "error", r"nothing on /camera/\S+ for .* is the camera on"),),
        ends=r"SENSOR_INFO_STALE: .*no frame newer than the request",
    ),
    Fault(
        name="depth images all zero",
        **simulated(depth_zero=True),
        says=(Words(CAMERA, "error", r"expected at least 100 pixels with a depth, got 0 .* emitter"),),
        ends=r"UNABLE_TO_AQUIRE_SENSOR_DATA: .*at least 100 pixels with a depth",
    ),
    Fault(
        name="depth images all NaN (32FC1)",
        **simulated(depth_nan=True, depth_encoding="32FC1"),
        says=(Words(CAMERA, "error", r"expected at least 100 pixels with a depth, got 0 .* emitter"),),
        ends=r"UNABLE_TO_AQUIRE_SENSOR_DATA: .*at least 100 pixels with a depth",
    ),
    Fault(
        name="wrong frame_id",
        **simulated(wrong_frame_id="camera_of_another_robot"),
        says=(Words(TRANSFORM, "error", r"camera_of_another_robot"),),
        ends=r"FRAME_TRANSFORM_FAILURE.*camera_of_another_robot",
    ),
    Fault(
        name="TF missing",
        **simulated(tf_silent=True),
        says=(Words(TRANSFORM, "error", r"the image is newer than TF: does its publisher run"),),
        ends=r"FRAME_TRANSFORM_FAILURE",
    ),
    Fault(
        name="TF 30 s in the future",
        **simulated(tf_offset_s=30.0),
        says=(Words(TRANSFORM, "error", r"TF is stamped (29|30)\.\d s in the future"),),
        ends=r"FRAME_TRANSFORM_FAILURE",
    ),
    Fault(
        name="TF 30 s in the past",
        **simulated(tf_offset_s=-30.0),
        says=(Words(TRANSFORM, "error", r"the image is newer than TF: .* both machines' clocks agree"),),
        ends=r"FRAME_TRANSFORM_FAILURE",
    ),
    Fault(
        name="half of the frames dropped",
        **simulated(drop_frame_rate=0.5),
        ends=r"SUCCESS",
    ),
    Fault(
        name="frames 5 s late",
        **simulated(frame_delay_s=5.0),
        says=(Words(CAMERA, "error", r"is the camera on|5\.\d+ s old, above max_age_s"),),
        ends=r"SENSOR_INFO_STALE: .*5\.\d+ s old, above max_age_s",
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
    Fault(
        name="clock jumps 30 s ahead",
        at="approach",
        moving=True,
        inject=jump(30.0),
        says=(Words("safety: clock", "warn", r"ROS time jumped by \+(29|30)\.\d s"),),
        ends=r"SUCCESS",
    ),
    Fault(
        name="clock jumps 20 s back",
        at="approach",
        moving=True,
        inject=jump(-20.0),
        says=(Words("safety: clock", "warn", r"ROS time jumped by -(19|20)\.\d s"),),
        ends=r"SUCCESS",
    ),
    Fault(
        name="clock and simulation stand for 12 s",
        at="approach",
        moving=True,
        inject=hurt("sim_robot", "stand_still"),
        says=(Words(TASK, "error", r"the clock stands still in mid-motion|the last joint states are \d\.\d s old"),),
        ends=r"TIMED_OUT: the clock stands still|ROBOT_STATE_STALE: the last joint states are",
    ),
    Fault(
        name="cloud of nothing but NaN (points as input)",
        inject=cloud_of_nothing,
        remove=as_launched,
        says=(Words(CAMERA, "error", r"expected at least \d+ .*got 0"),),
        ends=r"UNABLE_TO_AQUIRE_SENSOR_DATA",
    ),
    Fault(
        name="CameraInfo of another size",
        inject=info_of_another_size,
        remove=as_launched,
        says=(Words(CAMERA, "error", r"320"),),
        ends=r"UNABLE_TO_AQUIRE_SENSOR_DATA",
    ),
)
