"""Grasps <-> moveit_msgs/Grasp, and a PoseArray of them.

Everywhere the pose is that of the grasp frame of `geometry.gripper` (the TCP: midway between the fingertips, +z
approach, +y closing), in `header.frame_id`. In RViz a PoseArray's arrows point along +x; `markers` shows the grippers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseArray, PoseStamped, Vector3
from moveit_msgs.msg import Grasp, GripperTranslation
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from geometry import InputError
from perception.grasping import Grasps
from ros_nodes.messages.poses import matrix_from_pose, poses_from_matrices
from ros_nodes.robot_settings import RobotSettings

_OBJECT = "object_"
_UP = np.array([0.0, 0.0, 1.0])
_SHORTEST = 0.5  # of a wished-for approach or retreat, what is still good enough


def grasp_messages(
    grasps: Grasps,
    header: Any,
    robot: RobotSettings,
    *,
    approach_m: float = 0.1,
    retreat_m: float = 0.1,
    max_contact_force_n: float = 0.0,
) -> list[Grasp]:
    """The grasps as MoveIt understands them, in the same order.

    Args:
        grasps: in the frame `header.frame_id`.
        header: std_msgs/Header: their frame, and the time of the image that they were seen in.
        robot: names the finger joints; `pre_grasp_posture` is the opening that the grasp asks for (at most the
            gripper's largest), `grasp_posture` the closed gripper.
        approach_m: wished-for straight way along +z of the grasp frame, m; half of it is good enough.
        retreat_m: wished-for way up in the world frame, m.
        max_contact_force_n: as in the message; 0 is no limit.
    Returns:
        Messages with id "grasp_000" and so on, `grasp_quality` the score; the object that each one holds, where it
        is known, stands in `allowed_touch_objects` as "object_7".
    """
    closed = _posture(robot, 0.0)
    up = _translation(_UP, robot.world_frame, header.stamp, retreat_m)
    messages = []
    assert grasps.object_ids is not None
    poses = poses_from_matrices(grasps.poses)
    for i, (width_m, held) in enumerate(zip(grasps.widths_m.tolist(), grasps.object_ids.tolist(), strict=True)):
        messages.append(
            Grasp(
                id=f"grasp_{i:03d}",
                pre_grasp_posture=_posture(robot, width_m),
                grasp_posture=closed,
                grasp_pose=PoseStamped(header=header, pose=poses[i]),
                grasp_quality=float(grasps.scores[i]),
                pre_grasp_approach=_translation(grasps.approaches[i], header.frame_id, header.stamp, approach_m),
                post_grasp_retreat=up,
                post_place_retreat=up,
                max_contact_force=float(max_contact_force_n),
                allowed_touch_objects=[f"{_OBJECT}{held}"] if held >= 0 else [],
            )
        )
    return messages


def grasps_of(messages: Sequence[Any], robot: RobotSettings) -> Grasps:
    """The grasps of such messages, in their order and frame; none gives an empty batch.

    Raises:
        InputError: for several frames, a pose that makes no sense, or an opening that is not told.
    """
    if not messages:
        return Grasps(frame=robot.world_frame)
    frames = sorted({str(message.grasp_pose.header.frame_id) for message in messages})
    if len(frames) != 1:
        raise InputError("Grasp messages", expected="all in one frame", got=f"{frames}")
    return Grasps(
        poses=np.stack([matrix_from_pose(message.grasp_pose) for message in messages]),
        widths_m=np.array([_width_m(message, robot) for message in messages]),
        scores=np.array([float(message.grasp_quality) for message in messages]),
        frame=frames[0],
        object_ids=np.array([_held(message) for message in messages]),
    )


def pose_array(grasps: Grasps, header: Any) -> PoseArray:
    """The poses of the grasp frames as they are, for programs; `grasp_markers` is for eyes."""
    return PoseArray(header=header, poses=poses_from_matrices(grasps.poses))


def _posture(robot: RobotSettings, width_m: float) -> JointTrajectory:
    position = robot.gripper_command_position(width_m)
    names = list(robot.finger_joint_names)
    return JointTrajectory(joint_names=names, points=[JointTrajectoryPoint(positions=[position] * len(names))])


def _translation(direction: Any, frame: str, stamp: Any, wished_m: float) -> GripperTranslation:
    message = GripperTranslation(desired_distance=float(wished_m), min_distance=float(_SHORTEST * wished_m))
    message.direction.header.frame_id = frame
    message.direction.header.stamp = stamp
    x, y, z = np.asarray(direction, dtype=np.float64).tolist()
    message.direction.vector = Vector3(x=x, y=y, z=z)
    return message


def _width_m(message: Any, robot: RobotSettings) -> float:
    points = message.pre_grasp_posture.points
    if not len(points) or not len(points[0].positions):
        raise InputError(
            f"Grasp {message.id}: pre_grasp_posture",
            expected=f"a point with positions of {list(robot.finger_joint_names)}",
            got="none",
        )
    return max(robot.gripper_width_m(float(np.mean(points[0].positions))), 0.0)


def _held(message: Any) -> int:
    """Number of the object that a grasp holds, -1 where it names none of ours."""
    numbers = [str(name).removeprefix(_OBJECT) for name in message.allowed_touch_objects]
    return next((int(number) for number in numbers if number.isdecimal()), -1)
