"""The simulated cell as a robot that a skill can drive."""

from __future__ import annotations

from envs.arms import JointTrajectory
from envs.cell import RobotCell
from envs.panda import follow
from geometry import FloatArray
from policies.robot_port import Grip, Motion

_HELD_WIDTH_M = 0.002


class CellPort:
    """A `RobotPort` on a simulated cell; waiting steps its world.

    Args:
        cell: arm, table and bin.
        contact_force_n: a contact with more force than this ends a motion that may end so.
    """

    def __init__(self, cell: RobotCell, *, contact_force_n: float) -> None:
        self._arm = cell.arm
        self._contact_force_n = contact_force_n

    @property
    def q(self) -> FloatArray:
        """(7,) joint positions now, rad."""
        return self._arm.q

    @property
    def T_world_base(self) -> FloatArray:
        """(4, 4) where the arm's base stands."""
        return self._arm.T_world_base

    @property
    def T_world_grasp(self) -> FloatArray:
        """(4, 4) where the grasp frame is now."""
        return self._arm.T_world_grasp

    def follow(self, trajectory: JointTrajectory, *, stop_on_contact: bool = False) -> Motion:
        """Drive along a trajectory; with `stop_on_contact` up to the first strong contact."""
        result = follow(self._arm, trajectory, stop_when=self._presses if stop_on_contact else None)
        return Motion(True) if result.completed else Motion(False, contact=True, reason="touched something")

    def travel(self, trajectory: JointTrajectory) -> Motion:
        """Drive along a trajectory."""
        return self.follow(trajectory)

    def open_gripper(self, *, wait: bool = True) -> None:
        """Open the fingers."""
        self._arm.gripper.open()
        if wait:
            self._arm.gripper.settle()

    def close_gripper(self) -> Grip:
        """Close the fingers until they rest."""
        self._arm.gripper.close()
        self._arm.gripper.settle()
        return self.grip()

    def grip(self) -> Grip:
        """Width and contact forces after the last step."""
        hold = self._arm.gripper.hold()
        return Grip(hold.width_m, hold.holds(_HELD_WIDTH_M))

    def _presses(self) -> bool:
        return any(c.normal_force_n > self._contact_force_n for c in self._arm.contacts())
