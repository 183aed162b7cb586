"""The topics with people: images (with depth, with camera information), or keypoints; and things about them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image
from vision_msgs.msg import Detection2DArray, Detection3DArray

from ros_nodes.behavior_recognizer.settings import BehaviorRecognizerSettings
from ros_nodes.behavior_recognizer.stamp_join import StampJoin
from ros_nodes.camera_input.frame_pairs import FramePairs
from ros_nodes.camera_input.frame_watch import FrameWatch
from ros_nodes.messages.stamps import nanoseconds_of
from ros_nodes.qos import SENSOR


@dataclass(frozen=True, kw_only=True)
class PeopleMessages:
    """The messages of one moment."""

    main: Any
    """Image, Detection2DArray or Detection3DArray."""
    depth: Any | None = None
    """Image registered to the main one."""
    info: Any | None = None
    """CameraInfo of both."""
    objects: Any | None = None
    """Detection3DArray of things, of about the same time."""
    arrived_s: float
    """When they came, seconds of `time.perf_counter`."""

    @property
    def header(self) -> Any:
        """Time and frame."""
        return self.main.header

    @property
    def stamp_ns(self) -> int:
        """Time."""
        return nanoseconds_of(self.main.header.stamp)


class PeopleInput:
    """Subscribes to what the settings say, until closed.

    Args:
        node: whose clock and executor are used.
        settings: which topics.
        on_messages: is handed all messages of each moment, in an executor's thread.
    """

    def __init__(
        self, node: Node, settings: BehaviorRecognizerSettings, on_messages: Callable[[PeopleMessages], None]
    ) -> None:
        self._node, self._on_messages = node, on_messages
        self._slop_ns = int(1e9 * settings.slop_s)
        self._objects_ns = int(1e9 * settings.objects_age_s)
        self._depths = StampJoin[Any, Any](self._slop_ns)
        self._with_objects = FramePairs[tuple[Any, Any], Any]()
        self._objects_come = False
        self._info: Any = None
        self._lifted = settings.input == "image" and settings.use_depth
        self.watch = FrameWatch(time.monotonic())
        group = MutuallyExclusiveCallbackGroup()
        main = {
            "image": (Image, "image"),
            "keypoints_2d": (Detection2DArray, "keypoints"),
            "keypoints_3d": (Detection3DArray, "keypoints"),
        }[settings.input]
        kinds: list[tuple[Any, str, Callable[[Any], None]]] = [(*main, self._take_main)]
        if self._lifted:
            kinds += [(CameraInfo, "camera_info", self._take_info), (Image, "depth", self._take_depth)]
        if self._lifted or settings.input == "keypoints_3d":
            kinds.append((Detection3DArray, "objects", self._take_objects))
        self._subscriptions = [
            node.create_subscription(kind, topic, take, SENSOR, callback_group=group) for kind, topic, take in kinds
        ]
        self._topics = [subscription.topic_name for subscription in self._subscriptions]  # none once they are closed

    def problem(self, longest_s: float) -> str:
        """Whether nothing comes, or half of what is needed, and what to look at; empty where all is well."""
        silent_s = self.watch.silent_s(time.monotonic())
        topics = self._topics
        if silent_s > longest_s:
            return f"nothing on {topics[0]} for {silent_s:.1f} s; is it published and remapped?"
        if self._lifted and self.watch.frames and self._info is None:
            return f"images come, but no camera information on {topics[1]}"
        if self._lifted and self._depths.alone > 0:
            self._depths.alone = 0
            return f"images come without depth on {topics[2]} within {1e-9 * self._slop_ns:g} s of them"
        return ""

    def close(self) -> None:
        """Stop listening."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions = []

    def _take_main(self, message: Any) -> None:
        if self.watch.arrived(self._node.get_clock().now().nanoseconds, time.monotonic()):
            self._depths.clear()
            self._with_objects.clear()
            self._objects_come = False
        if self._lifted:
            self._hand_on(self._depths.add_main(nanoseconds_of(message.header.stamp), message))
        else:
            self._hand_on((message, None))

    def _take_depth(self, depth: Image) -> None:
        self._hand_on(self._depths.add_side(nanoseconds_of(depth.header.stamp), depth))

    def _take_info(self, info: CameraInfo) -> None:
        self._info = info

    def _take_objects(self, objects: Detection3DArray) -> None:
        self._objects_come = True
        joined = self._with_objects.add_info(nanoseconds_of(objects.header.stamp), objects)
        if joined is not None:
            self._send(*joined.image, joined.info)

    def _hand_on(self, pair: tuple[Any, Any] | None) -> None:
        if pair is None or (self._lifted and self._info is None):
            return
        if not self._objects_come:
            self._send(*pair, None)
            return
        joined = self._with_objects.add_image(nanoseconds_of(pair[0].header.stamp), pair)
        if joined is not None:
            self._send(*joined.image, joined.info)

    def _send(self, main: Any, depth: Any, objects: Any) -> None:
        """Hand on one moment; things of another time are left out."""
        if objects is not None:
            apart_ns = abs(nanoseconds_of(objects.header.stamp) - nanoseconds_of(main.header.stamp))
            objects = objects if apart_ns <= self._objects_ns else None
        self._on_messages(
            PeopleMessages(
                main=main,
                depth=depth,
                info=self._info if self._lifted else None,
                objects=objects,
                arrived_s=time.perf_counter(),
            )
        )
