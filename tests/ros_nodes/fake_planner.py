"""A grasp planner that answers what it is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from moveit_msgs.msg import Grasp, MoveItErrorCodes
from moveit_msgs.srv import GraspPlanning
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from geometry import transform
from ros_nodes.messages.clouds import cloud_from_points
from ros_nodes.messages.poses import pose_from_matrix

DOWN = np.diag([1.0, -1.0, -1.0])
AT = transform(DOWN, (0.35, 0.1, 0.15))
"""A grasp within reach, in the world."""
FAR = transform(DOWN, (1.6, 0.0, 0.1))


def grasp(pose: np.ndarray = AT, name: str = "grasp_000", frame: str = "world", stamp: Any = None) -> Grasp:
    message = Grasp(id=name, grasp_quality=0.9)
    message.grasp_pose.header = Header(frame_id=frame, stamp=stamp or Time())
    message.grasp_pose.pose = pose_from_matrix(pose)
    return message


class FakePlanner(Node):
    """Answers `plan_grasps` with `poses`, on an image of now less `late_s`."""

    def __init__(self, **options: Any) -> None:
        super().__init__("fake_planner", **options)
        self.poses: list[np.ndarray] = [AT]
        self.frame, self.late_s, self.delay_s = "world", 0.0, 0.0
        self.code, self.message = MoveItErrorCodes.SUCCESS, ""
        self.cloud: np.ndarray | None = None
        self.asked: list[str] = []
        self._clouds = self.create_publisher(PointCloud2, "scene_cloud", 10)
        group = ReentrantCallbackGroup()
        self.answer: Callable[[Any, Any], Any] = self.plan
        self.create_service(GraspPlanning, "plan_grasps", lambda *ask: self.answer(*ask), callback_group=group)

    def plan(self, request: Any, response: Any) -> Any:
        self.asked.append(request.target.id)
        time.sleep(self.delay_s)
        now = self.get_clock().now().nanoseconds - int(1e9 * self.late_s)
        stamp = Time(sec=now // 10**9, nanosec=now % 10**9)
        if self.cloud is not None:
            self._clouds.publish(cloud_from_points(self.cloud, Header(frame_id=self.frame, stamp=stamp)))
        response.grasps = [grasp(pose, f"grasp_{i:03d}", self.frame, stamp) for i, pose in enumerate(self.poses)]
        response.error_code.val = self.code
        response.error_code.message = self.message
        return response
