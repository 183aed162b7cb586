"""What a policy's numbers do to the arm. All are within [-1, 1]; the last one is the gripper where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from envs.manipulation.arm import MAX_OPENING_M, TaskArm, down_with_yaw
from envs.manipulation.entries import Entry
from envs.manipulation.quaternion import from_turn, multiply
from envs.panda import PANDA_LIMITS
from geometry import InputError

HAND_STEP_M = 0.04
"""Largest displacement of the hand in one control step along each axis: 1 m/s at 25 Hz."""
YAW_STEP_RAD = 0.1
"""Largest turn of the hand in one control step: 2.5 rad/s at 25 Hz."""
JOINT_STEP_RAD = 0.08
"""Largest displacement of a joint in one control step of `joint_position`."""


class ActionMode(Protocol):
    """How the numbers before the gripper's move the arm."""

    entries: tuple[Entry, ...]
    """What each number means."""
    turns: bool
    """Whether the hand can turn about the vertical."""
    joints: bool
    """Whether the policy needs to know the joints."""

    def move(self, arm: TaskArm, action: Sequence[float]) -> None:
        """Command the arm for the coming control period."""


class HandPosition:
    """Displacement of the hand, which keeps pointing down."""

    entries = tuple(Entry(f"hand displacement {axis}", -1.0, 1.0, f"{HAND_STEP_M:g} m") for axis in "xyz")
    turns = joints = False

    def move(self, arm: TaskArm, action: Sequence[float]) -> None:
        """See `ActionMode.move`."""
        arm.move_hand(_offset(arm, action), down_with_yaw(0.0))


class HandPositionYaw:
    """Displacement of the hand and its turn about the vertical; it keeps pointing down."""

    entries = (*HandPosition.entries, Entry("hand yaw", -1.0, 1.0, f"{YAW_STEP_RAD:g} rad"))
    turns, joints = True, False

    def move(self, arm: TaskArm, action: Sequence[float]) -> None:
        """See `ActionMode.move`."""
        arm.move_hand(_offset(arm, action), down_with_yaw(arm.yaw() + YAW_STEP_RAD * action[3]))


class HandPose:
    """Displacement of the hand and a rotation vector in world axes."""

    entries = (
        *HandPosition.entries,
        *(Entry(f"hand rotation {axis}", -1.0, 1.0, f"{YAW_STEP_RAD:g} rad") for axis in "xyz"),
    )
    turns, joints = True, False

    def move(self, arm: TaskArm, action: Sequence[float]) -> None:
        """See `ActionMode.move`."""
        turn = from_turn([YAW_STEP_RAD * a for a in action[3:6]])
        arm.move_hand(_offset(arm, action), multiply(turn, arm.state.quat_xyzw))


class JointVelocity:
    """Joint speeds as shares of the Panda's limits."""

    entries = tuple(
        Entry(f"joint {i + 1} speed", -1.0, 1.0, f"{limit:g} rad/s") for i, limit in enumerate(PANDA_LIMITS.velocity)
    )
    turns = joints = True

    def move(self, arm: TaskArm, action: Sequence[float]) -> None:
        """See `ActionMode.move`."""
        arm.move_joints(np.multiply(action[:7], PANDA_LIMITS.velocity))


class JointPosition:
    """Displacements of the joints."""

    entries = tuple(Entry(f"joint {i + 1} displacement", -1.0, 1.0, f"{JOINT_STEP_RAD:g} rad") for i in range(7))
    turns = joints = True

    def move(self, arm: TaskArm, action: Sequence[float]) -> None:
        """See `ActionMode.move`."""
        arm.move_to_joints(np.add(arm.state.q, np.multiply(JOINT_STEP_RAD, action[:7])))


_MODES: dict[str, type[ActionMode]] = {
    "position": HandPosition,
    "position_yaw": HandPositionYaw,
    "pose": HandPose,
    "joint_velocity": JointVelocity,
    "joint_position": JointPosition,
}
GRIPPER = Entry("gripper opening, -1 closed, 1 open", -1.0, 1.0, f"{0.5 * MAX_OPENING_M:g} m")


def action_mode(name: str) -> ActionMode:
    """The mode of a name that `gymnasium.make(..., action=name)` takes.

    Raises:
        InputError: for another name.
    """
    if name not in _MODES:
        raise InputError("action", expected=f"one of {', '.join(_MODES)}", got=repr(name))
    return _MODES[name]()


def opening(action: float) -> float:
    """Gap between the fingers (m) that a gripper action in [-1, 1] asks for."""
    return 0.5 * MAX_OPENING_M * (1.0 + action)


def _offset(arm: TaskArm, action: Sequence[float]) -> list[float]:
    """(3,) wanted displacement of the hand, cut off at the workspace's walls."""
    lower, upper = arm.workspace_m
    return [
        min(max(p + HAND_STEP_M * a, low), high) - p
        for p, a, low, high in zip(arm.state.position, action, lower, upper, strict=False)
    ]
