"""A robot behind ROS actions as a robot that a skill can drive."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from envs.arms import ArmModel, JointTrajectory
from geometry import FloatArray
from policies import Grip, Motion, RobotStopped
from ros_nodes.action_call import Watch
from ros_nodes.pick_server.arm_client import ArmClient
from ros_nodes.pick_server.gripper_client import GripperClient
from ros_nodes.pick_server.hand_speed import within_hand_limits
from ros_nodes.pick_server.joint_watch import JointWatch
from ros_nodes.pick_server.moveit_client import MoveItClient


class RosPort:
    """A `RobotPort` for one task.

    Args:
        arm: the arm's geometry.
        T_world_base: (4, 4) where its base stands.
        joints: where the joints are.
        arm_client: drives the arm.
        gripper: drives the fingers.
        moveit: makes the free motions; None has them follow our own trajectories.
        contact_within_m: a motion that may end by a contact and is stopped this near to its end has done its work.
        watch: asked before and during everything; raises `RobotStopped` where the task must end.
        told: told after each motion why it did not go to its end; empty where it did, or touched what it should.
    """

    def __init__(
        self,
        *,
        arm: ArmModel,
        T_world_base: FloatArray,
        joints: JointWatch,
        arm_client: ArmClient,
        gripper: GripperClient,
        moveit: MoveItClient | None,
        contact_within_m: float,
        watch: Watch,
        told: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self._arm, self._T_world_base, self._joints = arm, T_world_base, joints
        self._arm_client, self._gripper, self._moveit = arm_client, gripper, moveit
        self._contact_within_m, self._watch, self._told = contact_within_m, watch, told

    @property
    def q(self) -> FloatArray:
        """(n,) joint positions now, rad."""
        self._watch()
        q = self._joints.q()
        if q is None:
            raise RobotStopped("stale", "no joint states have come")
        return q

    @property
    def T_world_base(self) -> FloatArray:
        """(4, 4) where the arm's base stands."""
        return self._T_world_base

    @property
    def T_world_grasp(self) -> FloatArray:
        """(4, 4) where the grasp frame is now."""
        return self._T_world_base @ self._arm.grasp_pose(self.q)

    def follow(self, trajectory: JointTrajectory, *, stop_on_contact: bool = False) -> Motion:
        """Have the controller follow a trajectory, and wait for fingers that were still opening."""
        self._watch()
        motion = self._follow(trajectory, stop_on_contact)
        self._told("" if motion.completed or motion.contact else motion.reason)
        return motion

    def _follow(self, trajectory: JointTrajectory, stop_on_contact: bool) -> Motion:
        end = self._arm_client.follow(within_hand_limits(trajectory, self._arm), self._watch)
        self._gripper.settle(self._watch)
        if end.completed:
            return Motion(True)
        if end.held_back and stop_on_contact:
            T_end = self._arm.grasp_pose(trajectory.q[-1])
            left_m = float(np.linalg.norm(self._arm.grasp_pose(self.q)[:3, 3] - T_end[:3, 3]))
            near = left_m <= self._contact_within_m
            return Motion(False, contact=near, reason=f"{end.reason}, {100 * left_m:.1f} cm before the grasp")
        return Motion(False, reason=end.reason)

    def travel(self, trajectory: JointTrajectory) -> Motion:
        """Go to a trajectory's end: along it, or as MoveIt does."""
        if self._moveit is None:
            return self.follow(trajectory)
        self._watch()
        motion = self._moveit.go_to(trajectory.q[-1], self._watch)
        self._gripper.settle(self._watch)
        return motion

    def open_gripper(self, *, wait: bool = True) -> None:
        """Open the fingers."""
        self._watch()
        self._gripper.open(self._watch, wait=wait)

    def close_gripper(self) -> Grip:
        """Close the fingers until they rest."""
        self._watch()
        return self._gripper.close_fingers(self._watch)

    def grip(self) -> Grip:
        """How far apart the fingers stand, and whether something is between them."""
        self._watch()
        return self._gripper.grip(self._watch)
