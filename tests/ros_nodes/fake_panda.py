"""A Panda that goes at once where it is told, with a cube and a goal: for tests of nodes that command an arm."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from control_msgs.action import GripperCommand
from geometry_msgs.msg import PoseStamped
from rclpy.action import ActionServer
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from std_msgs.msg import Header
from trajectory_msgs.msg import JointTrajectory
from vision_msgs.msg import BoundingBox3D, Detection3D, Detection3DArray

from envs.manipulation.arm import T_WORLD_BASE, start_posture
from envs.panda import grasp_pose
from geometry import invert, transform
from ros_nodes.messages.poses import pose_from_matrix
from ros_nodes.messages.stamps import stamp_of

POSITION = start_posture((0.0, 0.0, 0.2))


class FakePanda:
    """Joints that go where they are told, a cube that lies still, a goal; each can fall silent.

    With a pace it tells the time, too: a step with each message, so that a machine that is busy slows life down and
    makes no gap in it.
    """

    def __init__(self, ros: Any, rate_hz: float = 100.0, *, pace: float = 0.0) -> None:
        self.node = ros.node("fake_panda")
        self.q, self.width, self.silent = np.array(POSITION), 0.08, set[str]()
        self.cube, self.frame = transform(translation=(0.1, 0.05, 0.02)), "panda_link0"
        self.opened: list[float] = []
        self._lock = threading.Lock()
        self._ros, self._period_s, self.time_s = ros, 1.0 / rate_hz, 100.0
        self._clock = self.node.create_publisher(Clock, "/clock", 10) if pace else None
        self._joints = self.node.create_publisher(JointState, "joint_states", 10)
        self._objects = self.node.create_publisher(Detection3DArray, "objects", 10)
        self._goal = self.node.create_publisher(PoseStamped, "goal", 10)
        self.node.create_subscription(JointTrajectory, "joint_trajectory", self._move, 10)
        self.server = ActionServer(self.node, GripperCommand, "/panda_gripper/gripper_action", self._grip)
        self.node.create_timer(self._period_s / (pace or 1.0), self._tell)

    def live(self, seconds: float) -> None:
        """Return when so much of its own time has passed."""
        end_s = self.time_s + seconds
        assert self._ros.wait_until(lambda: self.time_s >= end_s, 60.0)

    def _move(self, message: JointTrajectory) -> None:
        with self._lock:
            self.q = np.array(message.points[0].positions)

    def _grip(self, handle: Any) -> Any:
        self.width = 2.0 * handle.request.command.position
        self.opened.append(self.width)
        handle.succeed()
        return GripperCommand.Result(position=handle.request.command.position, reached_goal=True)

    def _tell(self) -> None:
        stamp = self.node.get_clock().now().to_msg()
        if self._clock is not None:
            self.time_s += self._period_s
            stamp = stamp_of(self.time_s)
            self._clock.publish(Clock(clock=stamp))
        with self._lock:
            q = self.q.tolist()
        header = Header(stamp=stamp, frame_id=self.frame)
        names = [f"panda_joint{n}" for n in range(1, 8)] + ["panda_finger_joint1", "panda_finger_joint2"]
        if "joint_states" not in self.silent:
            finger = 0.5 * self.width
            self._joints.publish(
                JointState(header=Header(stamp=stamp), name=names, position=[*q, finger, finger], velocity=[0.0] * 9)
            )
        if "objects" not in self.silent:
            pose = pose_from_matrix(invert(T_WORLD_BASE) @ self.cube)
            cube = Detection3D(header=header, id="cube", bbox=BoundingBox3D(center=pose))
            self._objects.publish(Detection3DArray(header=header, detections=[cube]))
        if "goal" not in self.silent:
            place = invert(T_WORLD_BASE) @ transform(translation=(-0.1, 0.1, 0.15))
            self._goal.publish(PoseStamped(header=header, pose=pose_from_matrix(place)))

    def hand(self) -> np.ndarray:
        with self._lock:
            return (T_WORLD_BASE @ grasp_pose(self.q))[:3, 3]
