"""The topics on which grasps go out."""

from __future__ import annotations

from typing import Any

from geometry_msgs.msg import PoseArray
from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header
from visualization_msgs.msg import MarkerArray

from geometry import GripperSpec
from perception.grasping import DepthView, Grasps
from ros_nodes.grasp_detector.look import points_in_workspace
from ros_nodes.messages.clouds import cloud_from_points
from ros_nodes.messages.grasp_markers import grasp_markers
from ros_nodes.messages.grasps import pose_array
from ros_nodes.qos import COMMAND


class GraspOutput:
    """Publishers of poses, markers and the cloud that the grasps were found in.

    Args:
        node: whose they are.
    """

    def __init__(self, node: LifecycleNode) -> None:
        self._node = node
        self._poses: Any = node.create_lifecycle_publisher(PoseArray, "~/grasps", COMMAND)
        self._markers: Any = node.create_lifecycle_publisher(MarkerArray, "~/markers", COMMAND)
        self._cloud: Any = node.create_lifecycle_publisher(PointCloud2, "~/scene_cloud", COMMAND)

    def publish(self, grasps: Grasps, stamp: Any) -> None:
        """Send the grasps, none included, as poses.

        Args:
            grasps: in the world.
            stamp: of the image.
        """
        self._poses.publish(pose_array(grasps, Header(stamp=stamp, frame_id=grasps.frame)))

    def draw(self, grasps: Grasps, stamp: Any, gripper: GripperSpec) -> None:
        """Send markers where somebody looks at them."""
        if self._markers.get_subscription_count() > 0:
            header = Header(stamp=stamp, frame_id=grasps.frame)
            self._markers.publish(grasp_markers(grasps, header, gripper=gripper))

    def publish_cloud(self, view: DepthView, frame_id: str, stamp: Any) -> None:
        """Send the points of the workspace where somebody listens, reliably: a planner avoids them."""
        if self._cloud.get_subscription_count() > 0:
            header = Header(stamp=stamp, frame_id=frame_id)
            self._cloud.publish(cloud_from_points(points_in_workspace(view), header))

    def close(self) -> None:
        """Take the publishers away."""
        for publisher in (self._poses, self._markers, self._cloud):
            self._node.destroy_lifecycle_publisher(publisher)
