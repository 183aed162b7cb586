"""The topics on which behaviours go out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from geometry_msgs.msg import Point, Vector3
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import QoSProfile
from std_msgs.msg import ColorRGBA, String
from vision_msgs.msg import Classification, ObjectHypothesis
from visualization_msgs.msg import Marker, MarkerArray

from geometry import FloatArray
from perception.behavior.watching import Doing, TimelineSegment
from perception.pose import Person, PoseFrame
from ros_nodes.behavior_recognizer.body_lines import body_lines, caption_place
from ros_nodes.behavior_recognizer.live_watch import Watched
from ros_nodes.behavior_recognizer.segment_text import caption, doing_labels, segment_json
from ros_nodes.messages.stamps import duration_of
from ros_nodes.qos import COMMAND

_MANY = QoSProfile(depth=100)
_LIFETIME_S = 1.0
_COLOURS = ((0.1, 0.6, 1.0), (1.0, 0.5, 0.1), (0.2, 0.8, 0.3), (0.9, 0.3, 0.6), (0.9, 0.8, 0.1))


class BehaviorOutput:
    """Publishers of what people do now, of segments, and of markers.

    Args:
        node: whose they are.
    """

    def __init__(self, node: LifecycleNode) -> None:
        self._node = node
        self._doing: Any = node.create_lifecycle_publisher(Classification, "~/doing", _MANY)
        self._segments: Any = node.create_lifecycle_publisher(String, "~/segments", _MANY)
        self._markers: Any = node.create_lifecycle_publisher(MarkerArray, "~/markers", COMMAND)

    def publish(self, watched: Watched, header: Any) -> None:
        """Send what is known after a frame, a message for each person in view.

        Args:
            watched: what is known.
            header: of the frame's message.
        """
        for person, doing in watched.doing.items():
            results = [ObjectHypothesis(class_id=name, score=score) for name, score in doing_labels(person, doing)]
            self._doing.publish(Classification(header=header, results=results))
        self.publish_segments(watched.settled)

    def publish_segments(self, segments: Iterable[TimelineSegment]) -> None:
        """Send segments that became final."""
        for segment in segments:
            self._segments.publish(String(data=segment_json(segment)))

    def draw(self, watched: Watched, header: Any, *, line_m: float, text_m: float) -> None:
        """Send markers where somebody looks at them and people stand in metres.

        Args:
            watched: whom to draw.
            header: of the frame's message.
            line_m: width of lines.
            text_m: height of captions.
        """
        if self._markers.get_subscription_count() > 0:
            self._markers.publish(people_markers(watched.frame, watched.doing, header, line_m=line_m, text_m=text_m))

    def close(self) -> None:
        """Take the publishers away."""
        for publisher in (self._doing, self._segments, self._markers):
            self._node.destroy_lifecycle_publisher(publisher)


def people_markers(
    frame: PoseFrame, doing: Mapping[int, Sequence[Doing]], header: Any, *, line_m: float, text_m: float
) -> MarkerArray:
    """Skeletons and captions; those of before vanish."""
    markers = [Marker(header=header, ns="people", action=Marker.DELETEALL)]
    for person in frame.persons:
        lines, place = body_lines(person, frame.skeleton), caption_place(person, frame.reference)
        if len(lines):
            markers.append(_lines(person, lines, header, line_m))
        if place is not None:
            text = caption(person.id, doing.get(person.id, ()))
            markers.append(_caption(person, place, text, header, text_m))
    return MarkerArray(markers=markers)


def _lines(person: Person, ends: FloatArray, header: Any, width_m: float) -> Marker:
    r, g, b = _COLOURS[person.id % len(_COLOURS)]
    marker = Marker(header=header, ns="skeleton", id=person.id, type=Marker.LINE_LIST, action=Marker.ADD)
    marker.scale, marker.lifetime = Vector3(x=width_m, y=0.0, z=0.0), duration_of(_LIFETIME_S)
    marker.pose.orientation.w = 1.0
    marker.color = ColorRGBA(r=r, g=g, b=b, a=1.0)
    marker.points = [Point(x=x, y=y, z=z) for x, y, z in np.asarray(ends).tolist()]
    return marker


def _caption(person: Person, place: FloatArray, text: str, header: Any, height_m: float) -> Marker:
    marker = Marker(header=header, ns="caption", id=person.id, type=Marker.TEXT_VIEW_FACING, action=Marker.ADD)
    marker.scale, marker.lifetime = Vector3(x=0.0, y=0.0, z=height_m), duration_of(_LIFETIME_S)
    marker.pose.orientation.w = 1.0
    x, y, z = np.asarray(place).tolist()
    marker.pose.position = Point(x=x, y=y, z=z)
    marker.color = ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0)
    marker.text = text
    return marker
