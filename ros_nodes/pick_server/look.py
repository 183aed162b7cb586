"""Grasps from the grasp planner's service, or from a goal, as arrays in the world, with the cloud of the same image."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from moveit_msgs.msg import MoveItErrorCodes
from moveit_msgs.srv import GraspPlanning
from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import PointCloud2

from geometry import FloatArray, InputError, transform_points
from ros_nodes.absence import Absence
from ros_nodes.action_call import Watch
from ros_nodes.frames import Frames
from ros_nodes.messages.clouds import points_from_cloud
from ros_nodes.messages.poses import matrix_from_pose
from ros_nodes.messages.stamps import nanoseconds_of
from ros_nodes.pick_server.ending import Code, Ending
from ros_nodes.pick_server.pickup import Seen
from ros_nodes.pick_server.settings import PickSettings
from ros_nodes.qos import COMMAND
from ros_nodes.waiting import wait_until

_PERIOD_S = 0.01
_ASK_AGAIN_S = 0.2
_GONE_S = 1.0
_CLOUDS_KEPT = 8
_NO_CLOUD = np.empty((0, 3))
_SAID: dict[int, Code] = {
    MoveItErrorCodes.INVALID_OBJECT_NAME: "INVALID_OBJECT_NAME",
    MoveItErrorCodes.SENSOR_INFO_STALE: "SENSOR_INFO_STALE",
    MoveItErrorCodes.UNABLE_TO_AQUIRE_SENSOR_DATA: "UNABLE_TO_AQUIRE_SENSOR_DATA",
    MoveItErrorCodes.FRAME_TRANSFORM_FAILURE: "FRAME_TRANSFORM_FAILURE",
    MoveItErrorCodes.TIMED_OUT: "TIMED_OUT",
    MoveItErrorCodes.COMMUNICATION_FAILURE: "COMMUNICATION_FAILURE",
}


class Look:
    """Asks `plan_grasps` and hears `scene_cloud`.

    Args:
        node: whose executor serves both.
        frames: for grasps that come in other frames.
        settings: the newest ones.
        group: a reentrant callback group.
    """

    def __init__(self, node: Node, frames: Frames, settings: Callable[[], PickSettings], group: CallbackGroup) -> None:
        self._node, self._frames, self._settings = node, frames, settings
        self._client = node.create_client(GraspPlanning, "plan_grasps", callback_group=group)
        self._clouds: deque[Any] = deque(maxlen=_CLOUDS_KEPT)
        self._lock = threading.Lock()
        node.create_subscription(PointCloud2, "scene_cloud", self._on_cloud, COMMAND, callback_group=group)

    @property
    def there(self) -> bool:
        """Whether a grasp planner is there."""
        return bool(self._client.service_is_ready())

    def ask(self, target: str, watch: Watch) -> Seen | Ending:
        """Have grasps planned on an image that is newer than this call.

        Args:
            target: name of the object that is wanted; empty is any.
            watch: asked meanwhile; raises `RobotStopped` where the task must end.
        """
        settings = self._settings()
        began_ns = self._node.get_clock().now().nanoseconds
        deadline = time.monotonic() + settings.planner_timeout_s
        request = GraspPlanning.Request(group_name=settings.moveit_group)
        request.target.id = target
        old: Ending | None = None
        while True:
            answer = self._call(request, deadline, watch)
            if isinstance(answer, Ending):
                return old or answer
            if len(answer.grasps):
                late_s = 1e-9 * (began_ns - nanoseconds_of(answer.grasps[0].grasp_pose.header.stamp))
                if late_s <= 0.0:
                    return self.take(answer.grasps, watch, settings.cloud_timeout_s)
                line = f"the grasps are of an image from {late_s:.1f} s before the arm stood ready"
                old = Ending("SENSOR_INFO_STALE", line)
            elif answer.error_code.val != MoveItErrorCodes.FAILURE:  # which it is for a node that is still starting
                return _nothing(answer.error_code)
            if time.monotonic() + _ASK_AGAIN_S >= deadline:
                return old or _nothing(answer.error_code)
            wait_until(lambda: False, timeout_s=_ASK_AGAIN_S, watch=watch)

    def take(self, grasps: Sequence[Any], watch: Watch, cloud_timeout_s: float = 0.0) -> Seen | Ending:
        """Bring grasps into the world, and find the cloud of the same image.

        Args:
            grasps: moveit_msgs/Grasp, best first; their poses are of the grasp frame.
            watch: asked meanwhile.
            cloud_timeout_s: how long to wait for the cloud, s of the wall clock.
        """
        world = self._settings().world_frame
        poses = []
        for grasp in grasps:
            header = grasp.grasp_pose.header
            found = self._pose_in(world, header.frame_id, header.stamp)
            if isinstance(found, Ending):
                return found
            try:
                poses.append(found @ matrix_from_pose(grasp.grasp_pose))
            except InputError as error:
                return Ending("INVALID_GOAL_CONSTRAINTS", f"{grasp.id or 'a grasp'}: {error}")
        cloud = self._cloud_of(nanoseconds_of(grasps[0].grasp_pose.header.stamp), world, watch, cloud_timeout_s)
        scores = np.array([float(grasp.grasp_quality) for grasp in grasps])
        return Seen(np.stack(poses), scores, tuple(grasps), cloud)

    def _pose_in(self, world: str, frame: str, stamp: Any) -> FloatArray | Ending:
        if frame == world:
            return np.eye(4)
        if not frame:
            return Ending("FRAME_TRANSFORM_FAILURE", "a grasp has no frame_id")
        found = self._frames.lookup(world, frame, stamp)
        return Ending("FRAME_TRANSFORM_FAILURE", found.problem) if found.T is None else found.T

    def _call(self, request: Any, deadline: float, watch: Watch) -> Any:
        """The service's response, or the ending."""
        if not wait_until(lambda: self.there, timeout_s=deadline - time.monotonic(), watch=watch):
            name = self._node.resolve_service_name("plan_grasps")
            return Ending("COMMUNICATION_FAILURE", f"there is no grasp planner: no service {name}")
        future = self._client.call_async(request)
        absence = Absence(lambda: self.there, after_s=_GONE_S)
        try:
            while not future.done():
                watch()
                if absence.gone():
                    return Ending("COMMUNICATION_FAILURE", "the grasp planner has gone while it was asked")
                if time.monotonic() >= deadline:
                    timeout_s = self._settings().planner_timeout_s
                    return Ending("TIMED_OUT", f"the grasp planner has not answered within {timeout_s:g} s")
                time.sleep(_PERIOD_S)
        finally:
            if not future.done():
                self._client.remove_pending_request(future)
        return future.result()

    def _on_cloud(self, message: Any) -> None:
        with self._lock:
            self._clouds.append(message)

    def _cloud_of(self, stamp_ns: int, world: str, watch: Watch, timeout_s: float) -> FloatArray:
        """(M, 3) the cloud with this stamp, in the world; without points where there is none."""
        wait_until(lambda: self._stamped(stamp_ns) is not None, timeout_s=timeout_s, watch=watch)
        cloud = self._stamped(stamp_ns)
        if cloud is None:
            if timeout_s > 0.0:
                line = f"no scene_cloud within {timeout_s:g} s of the grasps: what stands in the way is not seen"
                self._node.get_logger().warning(line)
            return _NO_CLOUD
        T = self._pose_in(world, cloud.header.frame_id, cloud.header.stamp)
        if isinstance(T, Ending):
            self._node.get_logger().warning(f"the scene's cloud is not used: {T.message}")
            return _NO_CLOUD
        return transform_points(T, points_from_cloud(cloud))

    def _stamped(self, stamp_ns: int) -> Any:
        with self._lock:
            return next(
                (cloud for cloud in reversed(self._clouds) if nanoseconds_of(cloud.header.stamp) == stamp_ns), None
            )


def _nothing(code: Any) -> Ending:
    """No grasps: because there are none, or for the planner's own reason."""
    said = getattr(code, "message", "")  # Humble's error codes have no message
    reason = f": {said}" if said else ""
    if code.val in (MoveItErrorCodes.SUCCESS, MoveItErrorCodes.PLANNING_FAILED):
        return Ending("PLANNING_FAILED", f"no grasp was found{reason}")
    return Ending(_SAID.get(code.val, "COMMUNICATION_FAILURE"), f"the grasp planner failed ({code.val}){reason}")
