"""An arm and a gripper without physics behind the interfaces of real ones, with faults on demand."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
from control_msgs.action import FollowJointTrajectory, GripperCommand
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.exceptions import InvalidHandle
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import Header
from tf2_ros import StaticTransformBroadcaster, TransformBroadcaster

from envs.arms import HOME_Q, PANDA
from geometry import PANDA_HAND, invert, transform
from ros_nodes.messages.joints import trajectory_arrays
from ros_nodes.messages.poses import stamped_transform

NAMES = tuple(f"panda_joint{i}" for i in range(1, 8))
FINGERS = ("panda_finger_joint1", "panda_finger_joint2")
DROP_Q = np.array([np.pi / 2, *HOME_Q[1:]])
BASE_M = (-0.1, 0.0, 0.0)
"""Where the base stands in the world."""
_STEP_S = 0.002
_STATES_S = 0.02
"""Time between joint states: more often than this, a real executor that serves all of a test's nodes cannot follow."""


class FakeArm(Node):
    """Follows trajectories exactly, `haste` times as fast as they say."""

    def __init__(self, haste: float = 25.0, **options: Any) -> None:
        super().__init__("fake_arm", **options)
        self.haste = haste
        self.q, self.finger_m = DROP_Q.copy(), 0.04
        self.object_m = 0.03
        """Width of what the fingers close on; 0 is nothing."""
        self.goals: list[np.ndarray] = []
        """(T, 7) of each arm goal that was accepted."""
        self.canceled = 0
        self.grips: list[float] = []
        """Positions that the gripper was told."""
        self.speaks = True
        """Whether joint states are published."""
        self.rejects = self.stalls = self.ignores_cancel = self.gripper_hangs = self.gripper_fails = False
        self.touches: dict[int, tuple[float, int]] = {}
        """Goal number to (share of the way, error code): where the arm is held back."""
        self.words = "as told"
        self.pauses: dict[int, threading.Event] = {}
        """Goal number to what it waits for at half of its way."""
        self.tells_fingers = True
        """Whether joint states tell the fingers, too."""
        self.stall_aborts = False
        """Whether a gripper that something stopped has failed, as with ros2_controllers' allow_stalling: false."""
        self.slow_answer_s = 0.0
        """How long the arm takes to accept a goal."""
        self.drift_rad_s = 0.0
        """Speed of the first joint by no command."""
        self.hand_off_m = 0.0
        """How far TF's hand stands from where the joints put it."""
        self._closed = False
        self._moving_tf = TransformBroadcaster(self)
        group = ReentrantCallbackGroup()
        self._states = self.create_publisher(JointState, "joint_states", 10)
        self._told_s = time.monotonic()
        self.create_timer(_STATES_S, self._publish, callback_group=MutuallyExclusiveCallbackGroup())
        self._arm = ActionServer(
            self, FollowJointTrajectory, "arm/follow_joint_trajectory", self._follow, goal_callback=self._on_goal,
            cancel_callback=lambda goal: CancelResponse.ACCEPT, callback_group=group,
        )  # fmt: skip
        self._hand = ActionServer(
            self, GripperCommand, "gripper/gripper_action", self._grip,
            cancel_callback=lambda goal: CancelResponse.ACCEPT, callback_group=group,
        )  # fmt: skip
        self._tf = StaticTransformBroadcaster(self)
        base = stamped_transform(transform(translation=BASE_M), Header(frame_id="world"), "panda_link0")
        self._tf.sendTransform(base)

    def destroy_node(self) -> None:
        self._closed = True
        self._arm.destroy()
        self._hand.destroy()
        super().destroy_node()

    def _publish(self) -> None:
        now_s = time.monotonic()
        self.q[0] += (now_s - self._told_s) * self.drift_rad_s
        self._told_s = now_s
        if not self.speaks:
            return
        try:
            self._tell()
        except InvalidHandle:
            if not self._closed:  # it may be destroyed in the middle of this
                raise

    def _tell(self) -> None:
        message = JointState(name=[*NAMES, *FINGERS], position=[*self.q.tolist(), self.finger_m, self.finger_m])
        if not self.tells_fingers:
            message.name, message.position = list(NAMES), self.q.tolist()
        message.header.stamp = self.get_clock().now().to_msg()
        self._states.publish(message)
        T_base_hand = PANDA.grasp_pose(self.q) @ invert(PANDA_HAND.T_hand_grasp)
        T_base_hand[0, 3] += self.hand_off_m
        header = Header(stamp=message.header.stamp, frame_id="panda_link0")
        self._moving_tf.sendTransform(stamped_transform(T_base_hand, header, "panda_hand"))

    def _on_goal(self, _goal: Any) -> GoalResponse:
        time.sleep(self.slow_answer_s)
        return GoalResponse.REJECT if self.rejects else GoalResponse.ACCEPT

    def _follow(self, handle: Any) -> Any:
        times_s, q, _ = trajectory_arrays(handle.request.trajectory, NAMES)
        number = len(self.goals)
        self.goals.append(q)
        assert np.abs(q[0] - self.q).max() < 0.02, "the motion does not start where the arm stands"
        share, code = self.touches.get(number, (np.inf, 0))
        began_s, paused_s = time.monotonic(), 0.0
        while not self._closed:
            t_s = self.haste * (time.monotonic() - began_s - paused_s)
            if handle.is_cancel_requested and not self.ignores_cancel:
                self.canceled += 1
                handle.canceled()
                return FollowJointTrajectory.Result(error_code=0)
            if self.stalls:
                time.sleep(_STEP_S)
                continue
            done = t_s / times_s[-1]
            if number in self.pauses and done >= 0.5 and not self.pauses[number].is_set():
                time.sleep(_STEP_S)
                paused_s += _STEP_S
                continue
            self.q = np.array([np.interp(min(t_s, times_s[-1]), times_s, q[:, joint]) for joint in range(7)])
            if done >= share:
                handle.abort()
                return FollowJointTrajectory.Result(error_code=code, error_string=self.words)
            if done >= 1.0:
                handle.succeed()
                return FollowJointTrajectory.Result(error_code=0)
            time.sleep(_STEP_S)
        return FollowJointTrajectory.Result(error_code=-1)

    def _grip(self, handle: Any) -> Any:
        wanted_m = float(handle.request.command.position)
        self.grips.append(wanted_m)
        while self.gripper_hangs and not self._closed:
            if handle.is_cancel_requested:
                handle.canceled()
                return GripperCommand.Result(position=self.finger_m)
            time.sleep(_STEP_S)
        if self.gripper_fails or self._closed:
            handle.abort()
            return GripperCommand.Result(position=self.finger_m)
        self.finger_m = max(wanted_m, 0.5 * self.object_m) if wanted_m < self.finger_m else wanted_m
        stalled = self.finger_m > wanted_m + 1e-6
        if stalled and self.stall_aborts:
            handle.abort()
        else:
            handle.succeed()
        return GripperCommand.Result(position=self.finger_m, stalled=stalled, reached_goal=not stalled)
