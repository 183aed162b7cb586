"""The topics that are recorded: their types, and how they are listened to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from geometry_msgs.msg import PoseStamped
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image, JointState
from tf2_msgs.msg import TFMessage
from trajectory_msgs.msg import JointTrajectory
from vision_msgs.msg import Detection3DArray

from geometry import InputError
from ros_nodes.qos import COMMAND, LATCHED

_DEEP = QoSProfile(depth=100)
_STREAM = QoSProfile(depth=100, reliability=ReliabilityPolicy.BEST_EFFORT)
"""Of all publishers, as sensor data; but all of it counts: what comes while the node is busy waits."""
_TF = QoSProfile(depth=100, durability=LATCHED.durability)


@dataclass(frozen=True, kw_only=True)
class RecordedTopic:
    """One topic."""

    name: str
    """Relative, or in full with a leading slash."""
    kind: Any
    """Its message class."""
    qos: QoSProfile
    """How it is listened to."""
    source: str = ""
    """What it is to the episode; empty where only the bag wants it."""
    latched: bool = False
    """Whether what was said before an episode belongs into its bag."""


_SOURCES = {
    each.source: each
    for each in (
        RecordedTopic(name="joint_states", kind=JointState, qos=_STREAM, source="joint_states"),
        RecordedTopic(name="objects", kind=Detection3DArray, qos=_STREAM, source="objects"),
        RecordedTopic(name="goal", kind=PoseStamped, qos=COMMAND, source="goal", latched=True),
        RecordedTopic(name="goals", kind=Detection3DArray, qos=COMMAND, source="goals", latched=True),
        RecordedTopic(name="action", kind=JointState, qos=_DEEP, source="action"),
        RecordedTopic(name="joint_trajectory", kind=JointTrajectory, qos=_DEEP, source="command"),
        RecordedTopic(name="color/image", kind=Image, qos=_STREAM, source="rgb"),
        RecordedTopic(name="depth/image", kind=Image, qos=_STREAM, source="depth"),
    )
}


def topics_of(sources: Iterable[str]) -> list[RecordedTopic]:
    """Those of the sources of an episode."""
    return [_SOURCES[source] for source in sources]


def topics_of_bag(more: Iterable[str]) -> list[RecordedTopic]:
    """TF, and what else the bag shall hold.

    Args:
        more: each as name=package/msg/Type.

    Raises:
        InputError: if a type is not installed.
    """
    return [
        RecordedTopic(name="/tf", kind=TFMessage, qos=_DEEP),
        RecordedTopic(name="/tf_static", kind=TFMessage, qos=_TF, latched=True),
        *(_told(text) for text in more),
    ]


def _told(text: str) -> RecordedTopic:
    name, _, kind = text.partition("=")
    package, folder, message = kind.split("/")
    try:
        found = getattr(import_module(f"{package}.{folder}"), message)
    except (ImportError, AttributeError):
        remedy = f"install the package {package} (ros-$ROS_DISTRO-{package.replace('_', '-')})"
        raise InputError("parameter bag_topics", expected="an installed type", got=kind, remedy=remedy) from None
    return RecordedTopic(name=name, kind=found, qos=_STREAM)
