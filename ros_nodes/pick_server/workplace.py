"""The robot made ready for one task: its posture and place known, at rest, and the skill set up on it."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from builtin_interfaces.msg import Time
from rclpy.callback_groups import CallbackGroup, MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import JointState

from envs.arms import ArmModel
from geometry import FloatArray, InputError, invert
from policies import Phase, PickAndPlace, RobotStopped
from ros_nodes.action_call import Watch
from ros_nodes.arm_source import ArmSource
from ros_nodes.frames import Frames
from ros_nodes.health import Health
from ros_nodes.pick_server.arm_client import ArmClient
from ros_nodes.pick_server.gripper_client import GripperClient
from ros_nodes.pick_server.joint_watch import JointWatch
from ros_nodes.pick_server.moveit_client import MoveItClient
from ros_nodes.pick_server.obstacles import Surroundings
from ros_nodes.pick_server.ros_port import RosPort
from ros_nodes.pick_server.settings import PickSettings
from ros_nodes.qos import SENSOR
from ros_nodes.waiting import wait_until

_NEWEST = Time()
_ARM_WAIT_S = 1.0
_JOINTS_WAIT_S = 1.0
_RECENT_S = 0.2
_POLL_S = 0.01
_DISAGREE_M = 0.02
_AGREE_S = 0.5


class Workplace:
    """Everything that commands the robot and knows where it is; one task at a time.

    Args:
        node: whose executor serves the clients.
        settings: the newest ones.
        frames: TF.
        health: is told how the parts are.
        group: a reentrant callback group.
    """

    def __init__(
        self,
        node: Node,
        settings: Callable[[], PickSettings],
        frames: Frames,
        health: Health,
        group: CallbackGroup,
    ) -> None:
        now = settings()
        self.joints = JointWatch(now.joint_names, now.finger_joint_names)
        self.arm = ArmClient(node, self.joints, settings, group)
        self.gripper = GripperClient(node, self.joints, settings, group)
        self._moveit = MoveItClient(node, settings, group)
        self._settings, self._frames, self._health = settings, frames, health
        self._source = ArmSource(node, now, on_problem=lambda line: health.report("robot", "error", line))
        self._surroundings = Surroundings()
        self._kinematics_agree = False
        in_order = MutuallyExclusiveCallbackGroup()
        node.create_subscription(JointState, "joint_states", self._on_joints, SENSOR, callback_group=in_order)

    def ready(self, watch: Watch, tell: Callable[[Phase], None]) -> PickAndPlace:
        """The skill on the robot as it is now.

        Args:
            watch: asked during everything that the skill does.
            tell: told of its phases.
        Raises:
            RobotStopped: if it is not known where the arm stands, or it does not rest.
        """
        settings = self._settings()
        self._await_joints(settings)
        watch()
        if not self.arm.rest(watch, settings.rest_timeout_s):
            speed = self.joints.speed(time.monotonic() - _RECENT_S)
            if np.isnan(speed):
                raise RobotStopped("stale", "joint states come too rarely to tell whether the arm rests")
            raise RobotStopped("control", f"the arm moves at {speed:.2f} rad/s, and not by our command")
        arm, T_world_base = self._arm(), self._base(settings)
        self._check_kinematics(arm, settings)
        self.gripper.forget()
        port = RosPort(
            arm=arm,
            T_world_base=T_world_base,
            joints=self.joints,
            arm_client=self.arm,
            gripper=self.gripper,
            moveit=self._moveit if settings.motion == "moveit" else None,
            contact_within_m=settings.contact_within_m,
            watch=watch,
            told=self._tell_motion,
        )
        collision = self._surroundings.collision(arm, T_world_base, settings)
        return PickAndPlace(
            port, collision, settings.pick, q_drop=settings.drop_q, table_z_m=settings.table_z_m, on_phase=tell
        )

    def close(self) -> None:
        """Free everything."""
        self.arm.close()
        self.gripper.close()
        self._moveit.close()
        self._surroundings.close()

    def _tell_motion(self, reason: str) -> None:
        """In diagnostics: a motion that ended early may be a contact, or a controller that gives up."""
        self._health.report("motion", "warn" if reason else "ok", reason or "goes where it should")

    def _await_joints(self, settings: PickSettings) -> None:
        """A node that has just started may not have heard of them yet."""
        wait_until(lambda: not self.joints.problem(settings.joint_states_timeout_s), timeout_s=_JOINTS_WAIT_S)

    def _on_joints(self, message: JointState) -> None:
        self.joints.update(message.name, message.position)

    def _arm(self) -> ArmModel:
        self._source.wait(_ARM_WAIT_S)
        try:
            return self._source.arm
        except InputError as error:
            raise RobotStopped("transform", str(error)) from None

    def _base(self, settings: PickSettings) -> FloatArray:
        if settings.base_frame == settings.world_frame:
            return np.eye(4)
        found = self._frames.lookup(settings.world_frame, settings.base_frame, _NEWEST)
        if found.T is None:
            self._health.report("transforms", "error", found.problem)
            raise RobotStopped("transform", found.problem)
        return found.T

    def _check_kinematics(self, arm: ArmModel, settings: PickSettings) -> None:
        """Once: whether TF and the joint states mean the same arm."""
        q = self.joints.q()
        if self._kinematics_agree or q is None:
            return
        deadline = time.monotonic() + _AGREE_S
        while True:
            found = self._frames.lookup(settings.base_frame, settings.tip_frame, _NEWEST)
            if found.T is None:
                self._health.report("transforms", "warn", f"the kinematics cannot be checked: {found.problem}")
                return
            off_m = float(np.linalg.norm((arm.grasp_pose(q) @ invert(settings.T_tip_grasp) - found.T)[:3, 3]))
            if off_m <= _DISAGREE_M:
                break
            if time.monotonic() >= deadline:
                line = f"joint states and TF put {settings.tip_frame} {100 * off_m:.1f} cm apart: check joint_names"
                self._health.report("transforms", "error", line)
                raise RobotStopped("transform", line)
            time.sleep(_POLL_S)
        self._kinematics_agree = True
        self._health.report("transforms", "ok", "joint states and TF agree")
