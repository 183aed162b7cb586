"""Start in this process what a launch file describes: the nodes' own classes with its parameters and names."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tests.ros_standin.launching.plan import LaunchPlan, PlannedNode

if TYPE_CHECKING:
    from tests.ros_nodes.session import RosSession


def start_plan(ros: RosSession, plan: LaunchPlan, **overrides: Any) -> dict[str, Any]:
    """The started nodes by executable; viewers are left out, a static transform is published by the session's node.

    Args:
        ros: of the test.
        plan: what to start.
        overrides: parameters of all nodes, over those of the plan.
    """
    from rclpy.parameter import Parameter

    started: dict[str, Any] = {}
    for planned in plan.nodes:
        if planned.executable == "static_transform_publisher":
            _publish_static(ros, planned)
        if planned.package != "graspmimic":
            continue
        given = {**planned.parameters, **overrides}
        started[planned.executable] = ros.start(
            node_class(planned.executable),
            cli_args=planned.cli_args(),
            parameter_overrides=[Parameter(name, value=_as_ros(value)) for name, value in given.items()],
        )
    return started


def node_class(executable: str) -> Any:
    """The class behind an executable of this package."""
    from rclpy.node import Node

    module = importlib.import_module(f"ros_nodes.{executable}.node")
    (found,) = [
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Node) and each.__module__ == module.__name__
    ]
    return found


def _as_ros(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _publish_static(ros: RosSession, planned: PlannedNode) -> None:
    from geometry_msgs.msg import TransformStamped
    from tf2_ros import StaticTransformBroadcaster

    given = dict(zip(planned.arguments[::2], planned.arguments[1::2], strict=True))
    message = TransformStamped()
    message.header.frame_id, message.child_frame_id = given["--frame-id"], given["--child-frame-id"]
    for axis in "xyz":
        setattr(message.transform.translation, axis, float(given.get(f"--{axis}", 0.0)))
    for axis in ("x", "y", "z", "w"):
        setattr(message.transform.rotation, axis, float(given.get(f"--q{axis}", axis == "w")))
    node = ros.node(planned.name or "static_transform_publisher")
    broadcaster = StaticTransformBroadcaster(node)
    broadcaster.sendTransform(message)
    node.broadcaster = broadcaster  # type: ignore[attr-defined]
