"""What the robot tells of itself: /clock, joint_states, TF and its description."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from tf2_ros import StaticTransformBroadcaster, TransformBroadcaster

from envs.panda import PandaArm
from geometry import FloatArray, transform
from ros_nodes.messages.poses import stamped_transform
from ros_nodes.messages.stamps import header_at, stamp_at
from ros_nodes.qos import LATCHED
from ros_nodes.sim_robot.robot import SimRobot
from ros_nodes.sim_robot.robot_model import LinkTransform, RobotModel
from ros_nodes.sim_robot.schedule import Schedule
from ros_nodes.sim_robot.settings import SimRobotSettings
from ros_nodes.sim_robot.sim_scene import SimScene

CAMERA_LINK = "camera_link"
OPTICAL_FRAMES = {"color": "camera_color_optical_frame", "depth": "camera_depth_optical_frame"}
"""The camera's optical frames, at one place: the simulated colour and depth cameras look through the same lens."""
_T_LINK_OPTICAL = transform(np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]))
_T_OPTICAL_LINK = _T_LINK_OPTICAL.T


class StateInterface:
    """Tells the state of a robot; `on_step` belongs to the thread that steps the world.

    Args:
        node: publishes it.
        settings: asked for the newest settings.
    """

    def __init__(self, node: Node, settings: Callable[[], SimRobotSettings]) -> None:
        self._settings = settings
        now = settings()
        self._model = RobotModel(
            now.joint_names,
            now.finger_joint_names,
            base_frame=now.base_frame,
            tip_frame=now.tip_frame,
            T_tip_grasp=now.T_tip_grasp,
        )
        self._clock = node.create_publisher(Clock, "/clock", 10)
        self._joints = node.create_publisher(JointState, "joint_states", 10)
        self._description = node.create_publisher(String, "robot_description", LATCHED)
        self._description.publish(String(data=self._model.urdf))
        self._tf, self._tf_static = TransformBroadcaster(node), StaticTransformBroadcaster(node)
        self._clock_schedule, self._joint_schedule = Schedule(), Schedule()
        self._scene: SimScene | None = None

    def on_step(self, robot: SimRobot) -> None:
        """Publish what is due."""
        settings = self._settings()
        if robot.scene is not self._scene:
            self._scene = robot.scene
            self._send_fixed(robot, settings)
        if self._clock_schedule.due(robot.uptime_s, settings.clock_period_s):
            self._clock.publish(Clock(clock=stamp_at(robot.time_ns)))
        if self._joint_schedule.due(robot.uptime_s, 1.0 / settings.joint_state_rate_hz):
            self._send_joints(robot, settings)

    def send_camera(self, robot: SimRobot) -> None:
        """Tell where the camera is now, for an image of now."""
        self._send(robot, [self._camera(robot.scene)])

    def _send_joints(self, robot: SimRobot, settings: SimRobotSettings) -> None:
        names = [*settings.joint_names, *settings.finger_joint_names]
        q, dq, effort = _read_joints(robot.scene.arm)
        if not settings.joint_states_silent:
            header = header_at(robot.time_ns, "")
            self._joints.publish(JointState(header=header, name=names, position=q, velocity=dq, effort=effort))
        self._send(robot, [*self._model.moving(dict(zip(names, q, strict=True))), self._camera(robot.scene)])

    def _send(self, robot: SimRobot, links: list[LinkTransform]) -> None:
        settings = self._settings()
        if not settings.tf_silent:
            time_ns = max(robot.time_ns + round(1e9 * settings.tf_offset_s), 0)
            self._tf.sendTransform(_messages(links, time_ns))

    def _send_fixed(self, robot: SimRobot, settings: SimRobotSettings) -> None:
        links = [LinkTransform(settings.world_frame, settings.base_frame, robot.scene.arm.T_world_base)]
        links += self._model.fixed()
        links += [LinkTransform(CAMERA_LINK, frame, _T_LINK_OPTICAL) for frame in OPTICAL_FRAMES.values()]
        self._tf_static.sendTransform(_messages(links, robot.time_ns))

    def _camera(self, scene: SimScene) -> LinkTransform:
        T_world_link: FloatArray = scene.T_world_camera @ _T_OPTICAL_LINK
        return LinkTransform(self._settings().world_frame, CAMERA_LINK, T_world_link)


def _messages(links: list[LinkTransform], time_ns: int) -> list[Any]:
    return [stamped_transform(link.T_parent_child, header_at(time_ns, link.parent), link.child) for link in links]


def _read_joints(arm: PandaArm) -> tuple[list[float], list[float], list[float]]:
    """Positions, speeds and motor efforts of the arm's joints and the two fingers."""
    joints = (*range(7), *arm.gripper.finger_joints)
    states = arm.world.bullet.getJointStates(arm.body.uid, joints)
    return [s[0] for s in states], [s[1] for s in states], [s[3] for s in states]
