"""The camera's topics: images with their camera information, or clouds, until closed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image, PointCloud2

from ros_nodes.camera_input.frame_pairs import FramePair, FramePairs
from ros_nodes.camera_input.frame_watch import FrameWatch
from ros_nodes.grasp_detector.camera_frames import CameraFrame
from ros_nodes.grasp_detector.problems import Problem, ProblemKind
from ros_nodes.messages.stamps import nanoseconds_of
from ros_nodes.qos import SENSOR


class CameraIntake:
    """Subscribes to a camera.

    Args:
        node: whose clock and executor are used.
        source: "depth" (topics depth/image and depth/camera_info) or "cloud" (topic points).
        on_frame: is handed each whole frame, in order, in an executor's thread.
        on_jump: told the new time, nanoseconds, when the clock went back.
    """

    def __init__(
        self,
        node: Node,
        source: str,
        *,
        on_frame: Callable[[CameraFrame], None],
        on_jump: Callable[[int], None],
    ) -> None:
        self._node, self._on_frame, self._on_jump = node, on_frame, on_jump
        self._pairs = FramePairs[Any, Any]()
        self.watch = FrameWatch(time.monotonic())
        group = MutuallyExclusiveCallbackGroup()
        if source == "depth":
            self._subscriptions = [
                node.create_subscription(Image, "depth/image", self._take_image, SENSOR, callback_group=group),
                node.create_subscription(
                    CameraInfo, "depth/camera_info", self._take_info, SENSOR, callback_group=group
                ),
            ]
        else:
            self._subscriptions = [
                node.create_subscription(PointCloud2, "points", self._take_cloud, SENSOR, callback_group=group)
            ]
        self._topics = [subscription.topic_name for subscription in self._subscriptions]  # none once they are closed

    @property
    def unmatched(self) -> int:
        """Images for which no camera information came."""
        return self._pairs.unmatched

    def silence(self, longest_s: float) -> Problem | None:
        """Whether the camera is silent, or half of it, and what to look at."""
        silent_s = self.watch.silent_s(time.monotonic())
        if silent_s > longest_s:
            return Problem(
                ProblemKind.NO_FRAME,
                f"nothing on {self._topics[0]} for {silent_s:.1f} s; is the camera on and its topic remapped?",
            )
        if self._pairs.waits_for_info:
            return Problem(ProblemKind.NO_FRAME, f"images come, but no camera information on {self._topics[1]}")
        return None

    def close(self) -> None:
        """Stop listening."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions = []

    def _take_image(self, image: Image) -> None:
        self._arrived()
        self._hand_on(self._pairs.add_image(nanoseconds_of(image.header.stamp), image))

    def _take_info(self, info: CameraInfo) -> None:
        self._hand_on(self._pairs.add_info(nanoseconds_of(info.header.stamp), info))

    def _take_cloud(self, cloud: PointCloud2) -> None:
        self._arrived()
        self._on_frame(CameraFrame(data=cloud, info=None, arrived_s=time.perf_counter()))

    def _hand_on(self, pair: FramePair[Any, Any] | None) -> None:
        if pair is not None:
            self._on_frame(CameraFrame(data=pair.image, info=pair.info, arrived_s=time.perf_counter()))

    def _arrived(self) -> None:
        now_ns = self._node.get_clock().now().nanoseconds
        if self.watch.arrived(now_ns, time.monotonic()):
            self._pairs.clear()
            self._on_jump(now_ns)
