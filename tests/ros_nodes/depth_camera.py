"""A depth camera for tests: depth images with camera information, or clouds, from a fixed place, once or steadily."""

from __future__ import annotations

from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import TransformStamped
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header
from tf2_ros import StaticTransformBroadcaster

from geometry import PinholeCamera
from ros_nodes.messages.camera_infos import info_from_camera
from ros_nodes.messages.clouds import cloud_from_points
from ros_nodes.messages.diagnostics import level_of
from ros_nodes.messages.images import image_from_depth
from ros_nodes.messages.poses import transform_from_matrix
from ros_nodes.qos import SENSOR

FRAME = "camera_depth_optical_frame"


class DepthCamera:
    """Publishes on the relative topics that `grasp_detector` listens to."""

    def __init__(self, ros: Any, camera: PinholeCamera, T_world_camera: np.ndarray | None) -> None:
        self.node = ros.node("camera")
        self.camera = camera
        self._depth = self.node.create_publisher(Image, "depth/image", SENSOR)
        self._info = self.node.create_publisher(CameraInfo, "depth/camera_info", SENSOR)
        self._cloud = self.node.create_publisher(PointCloud2, "points", SENSOR)
        self._tf = StaticTransformBroadcaster(self.node)
        self._timer: Any = None
        if T_world_camera is not None:
            self.stand_at(T_world_camera)

    def stand_at(self, T_world_camera: np.ndarray, frame: str = FRAME) -> None:
        message = TransformStamped(child_frame_id=frame, transform=transform_from_matrix(T_world_camera))
        message.header.frame_id = "world"
        message.header.stamp = self.now()
        self._tf.sendTransform(message)

    def now(self) -> Time:
        return self.node.get_clock().now().to_msg()

    def messages(
        self,
        depth_m: np.ndarray,
        *,
        stamp: Any = None,
        frame: str = FRAME,
        info: Any = None,
        millimetres: bool = False,
        **fields: Any,
    ) -> tuple[Image, CameraInfo]:
        """One image and its information; `fields` replace the image message's own."""
        header = Header(stamp=stamp or self.now(), frame_id=frame)
        image = image_from_depth(depth_m, header, encoding="16UC1" if millimetres else "32FC1")
        for name, value in fields.items():
            setattr(image, name, value)
        return image, info_from_camera(self.camera, header) if info is None else info

    def publish(self, image: Image, info: CameraInfo) -> None:
        self._info.publish(info)
        self._depth.publish(image)

    def send(self, depth_m: np.ndarray, **options: Any) -> Any:
        """Make and publish messages (see `messages`); their stamp."""
        image, info = self.messages(depth_m, **options)
        self.publish(image, info)
        return image.header.stamp

    def send_image_alone(self, depth_m: np.ndarray) -> None:
        self._depth.publish(image_from_depth(depth_m, Header(stamp=self.now(), frame_id=FRAME)))

    def send_cloud(self, points: np.ndarray, *, frame: str = FRAME) -> None:
        """(N, 3) points as they are, or (H, W, 3) in their rows and columns."""
        cloud = cloud_from_points(points.reshape(-1, 3), Header(stamp=self.now(), frame_id=frame))
        if points.ndim == 3:
            cloud.height, cloud.width = points.shape[:2]
            cloud.row_step = cloud.point_step * cloud.width
        self._cloud.publish(cloud)

    def stream(self, depth_m: np.ndarray, rate_hz: float = 50.0) -> None:
        """Send the image steadily from now on."""
        self.stop()
        self._timer = self.node.create_timer(1.0 / rate_hz, lambda: self.send(depth_m))

    def stop(self) -> None:
        if self._timer is not None:
            self.node.destroy_timer(self._timer)
        self._timer = None

    def is_heard(self) -> bool:
        """Whether somebody listens to images and information, or to clouds."""
        counts = [each.get_subscription_count() for each in (self._depth, self._info, self._cloud)]
        return min(counts[:2]) > 0 or counts[2] > 0


class Diagnostics:
    """What nodes said of themselves last, by component."""

    def __init__(self, ros: Any) -> None:
        self._received = ros.collect(DiagnosticArray, "/diagnostics", 100)

    def of(self, component: str) -> tuple[str, str, dict[str, str]]:
        """Level, message and values of the newest status whose name ends in ": component"."""
        for message in reversed(list(self._received)):
            for status in message.status:
                if status.name.endswith(f": {component}"):
                    return level_of(status), status.message, {each.key: each.value for each in status.values}
        return "", "", {}

    def says(self, component: str, level: str, text: str = "") -> bool:
        found = self.of(component)
        return found[0] == level and text in found[1]
