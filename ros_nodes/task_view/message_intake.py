"""What single messages tell, in the frame of a task: joints with the gripper, poses of things, goals.

The same for messages that come live and for those that are read from a bag.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from envs.manipulation.props import PropState
from geometry import FloatArray, InputError
from ros_nodes.messages.joints import carries_joints, joints_of
from ros_nodes.messages.poses import matrix_from_pose
from ros_nodes.messages.stamps import nanoseconds_of, seconds_of
from ros_nodes.robot_settings import RobotSettings
from ros_nodes.task_view.joints_seen import JointsSeen
from ros_nodes.task_view.object_motion import ObjectMotion

FrameInBase = Callable[[str, Any], tuple[FloatArray | None, str]]
"""The pose (4, 4) of a frame in the robot's base at a stamp, or None and why not."""


@dataclass(frozen=True, kw_only=True)
class IntakeConfig:
    """How messages are understood."""

    robot: RobotSettings
    """Names of joints, frames, the gripper's range."""
    T_task_base: FloatArray
    """(4, 4) the robot's base in the task's frame."""
    objects: Mapping[str, str]
    """Name of a thing in the task, by its id in detections."""
    goals: Sequence[str]
    """Names of the things that have goals."""
    motion_window_s: float
    """Time over which the speed of a thing is taken."""


class MessageIntake:
    """Understands messages one by one.

    Args:
        config: how.
        frame_in_base: for poses that are not told in the base's frame.
    """

    def __init__(self, config: IntakeConfig, frame_in_base: FrameInBase) -> None:
        self._config, self._frame_in_base = config, frame_in_base
        self._motion = ObjectMotion(config.motion_window_s)
        self._opening_m: float | None = None

    def joints(self, msg: Any, received_s: float) -> JointsSeen | None:
        """A JointState's joints; None while arm or gripper are not known. The gripper's may be a message of its own.

        Raises:
            InputError: if it makes no sense.
        """
        robot = self._config.robot
        if carries_joints(msg, robot.finger_joint_names):
            fingers = joints_of(msg, robot.finger_joint_names).q
            self._opening_m = float(np.mean([robot.gripper_width_m(finger) for finger in fingers]))
        if not carries_joints(msg, robot.joint_names) or self._opening_m is None:
            return None
        arm = joints_of(msg, robot.joint_names)
        return JointsSeen(arm.q, arm.dq, self._opening_m, stamp_or(msg, received_s))

    def objects(self, msg: Any, received_s: float) -> dict[str, PropState]:
        """The things of a Detection3DArray (the middle of each box) and those of earlier ones, with their speeds.

        Raises:
            InputError: if a pose makes no sense, or its frame is not known.
        """
        time_s = stamp_or(msg, received_s)
        T_task_frame = self._frame(msg.header)
        for detection in msg.detections:
            name = self._config.objects.get(detection.id, detection.id)
            self._motion.see(name, time_s, T_task_frame @ matrix_from_pose(detection.bbox.center))
        return {name: self._motion.state(name) for name in self._motion.names}

    def goal(self, msg: Any) -> dict[str, FloatArray]:
        """A PoseStamped as the goal of the first thing that has one.

        Raises:
            InputError: if the task has none, the pose makes no sense, or its frame is not known.
        """
        if not self._config.goals:
            raise InputError("goal", expected="no goal, for the task has none", got="one")
        place = (self._frame(msg.header) @ matrix_from_pose(msg))[:3, 3]
        return {self._config.goals[0]: place}

    def goals(self, msg: Any) -> dict[str, FloatArray]:
        """A Detection3DArray as the goals of things by name.

        Raises:
            InputError: if a pose makes no sense, or its frame is not known.
        """
        T_task_frame = self._frame(msg.header)
        return {
            self._config.objects.get(each.id, each.id): (T_task_frame @ matrix_from_pose(each.bbox.center))[:3, 3]
            for each in msg.detections
        }

    def forget(self) -> None:
        """Drop what was seen of things, as after a jump of the clock."""
        self._motion.forget()

    def _frame(self, header: Any) -> FloatArray:
        robot = self._config.robot
        if header.frame_id == robot.base_frame:
            return self._config.T_task_base
        T_base_frame, problem = self._frame_in_base(header.frame_id, header.stamp)
        if T_base_frame is None:
            raise InputError(
                "pose", expected=f"a frame that TF knows in {robot.base_frame}", got=f"{header.frame_id!r}: {problem}"
            )
        return self._config.T_task_base @ T_base_frame


def stamp_or(msg: Any, received_s: float) -> float:
    """A message's stamp, seconds; when it was received where it has none."""
    stamp = msg.header.stamp
    return seconds_of(stamp) if nanoseconds_of(stamp) else received_s
