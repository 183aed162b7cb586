"""What a skill needs of a robot: the same few verbs in a simulated cell and behind ROS 2 actions.

A port tells a stop apart from an end. A motion that ended where something was touched is a result (`Motion`);
a robot that will not go on, because the task was canceled or because something does not answer, raises
`RobotStopped`, so that no step of a skill runs after it.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

from envs.arms import JointTrajectory
from geometry import FloatArray

StopKind = Literal["canceled", "stale", "timeout", "control", "communication", "transform"]


class RobotStopped(Exception):
    """The robot stands still and the task is over.

    Args:
        kind: "canceled", or what is wrong: "stale" (no news of the joints), "timeout" (took too long), "control" (a
            controller refused or failed), "communication" (a controller is not there or does not answer), "transform"
            (nobody knows where the robot stands).
        reason: one line for a person.
    """

    def __init__(self, kind: StopKind, reason: str) -> None:
        super().__init__(reason)
        self.kind: StopKind = kind
        self.reason = reason


class Motion(NamedTuple):
    """How a motion ended."""

    completed: bool
    """Whether the end of the trajectory was reached."""
    contact: bool = False
    """Whether it ended early because something was touched where touching was expected."""
    reason: str = ""
    """Why it was not completed, one line."""


class Grip(NamedTuple):
    """What the gripper tells."""

    width_m: float
    """Opening between the fingers."""
    holds: bool
    """Whether something is between them."""


class RobotPort(Protocol):
    """A robot with a parallel gripper; every method but the properties may raise `RobotStopped`."""

    @property
    def q(self) -> FloatArray:
        """(n,) joint positions now, rad."""

    @property
    def T_world_base(self) -> FloatArray:
        """(4, 4) where the arm's base stands."""

    @property
    def T_world_grasp(self) -> FloatArray:
        """(4, 4) where the grasp frame is now."""

    def follow(self, trajectory: JointTrajectory, *, stop_on_contact: bool = False) -> Motion:
        """Drive exactly along a trajectory, and wait until the arm stands.

        Args:
            trajectory: starts where the arm stands.
            stop_on_contact: whether touching something is a good reason to stop where the arm is.
        """

    def travel(self, trajectory: JointTrajectory) -> Motion:
        """Go to the end of a trajectory through free space; a robot with its own planner may take another way."""

    def open_gripper(self, *, wait: bool = True) -> None:
        """Open the fingers; without `wait` they open while the arm makes its next motion."""

    def close_gripper(self) -> Grip:
        """Close the fingers until they rest, and tell what they feel."""

    def grip(self) -> Grip:
        """What the fingers feel now."""
