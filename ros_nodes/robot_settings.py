"""`RobotSettings`: the robot as every node that faces it needs it; one parameter file serves all nodes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from envs.panda import HOME_Q, PANDA_LIMITS
from geometry import PANDA_HAND, FloatArray, InputError, transform
from ros_nodes.setting import check_settings, setting

_PER_JOINT = ("home_q", "drop_q", "joint_lower", "joint_upper", "joint_velocity", "joint_acceleration", "joint_jerk")
_HOME: tuple[float, ...] = tuple(float(q) for q in HOME_Q)
_LIMIT_SLACK_RAD = 1e-6


@dataclass(frozen=True, kw_only=True)
class RobotSettings:
    """An arm with a parallel gripper. The defaults are a Franka Panda's, with its published limits."""

    joint_names: tuple[str, ...] = setting(
        tuple(f"panda_joint{i}" for i in range(1, 8)),
        "The arm's joints, from base to tip, as the controller and joint_states name them.",
        read_only=True,
    )
    base_frame: str = setting("panda_link0", "TF frame of the arm's base.", read_only=True)
    world_frame: str = setting(
        "world", "TF frame in which grasps and the workspace stand, z up; may be the base frame.", read_only=True
    )
    tip_frame: str = setting("panda_hand", "TF frame of the link that carries the gripper.", read_only=True)
    tcp_xyz_m: tuple[float, float, float] = setting(
        (0.0, 0.0, PANDA_HAND.hand_to_tip_m),
        "Origin of the grasp frame (midway between the fingertips) in the tip frame, m.",
        read_only=True,
    )
    tcp_rpy_rad: tuple[float, float, float] = setting(
        (0.0, 0.0, 0.0),
        "Turn of the grasp frame (+z approach, +y closing) in the tip frame: roll, pitch, yaw as in URDF, rad.",
        read_only=True,
    )
    finger_joint_names: tuple[str, ...] = setting(
        ("panda_finger_joint1", "panda_finger_joint2"),
        "The gripper's joints as joint_states names them.",
        read_only=True,
    )
    gripper_max_width_m: float = setting(
        0.08,
        "Opening between the fingers' inner faces when the gripper is open, m.",
        low=0.001,
        high=1.0,
        read_only=True,
    )
    gripper_open_position: float = setting(
        0.04,
        "GripperCommand.position, and the finger joints' position, when open: m of one finger, or rad.",
        read_only=True,
    )
    gripper_closed_position: float = setting(
        0.0, "GripperCommand.position, and the finger joints' position, when closed.", read_only=True
    )
    home_q: tuple[float, ...] = setting(_HOME, "Posture to start from and to go back to, rad, a number a joint.")
    drop_q: tuple[float, ...] = setting(
        (float(np.pi / 2), *_HOME[1:]), "Posture above the place where things are put down, rad."
    )
    joint_lower: tuple[float, ...] = setting(PANDA_LIMITS.lower_rad, "Smallest joint positions, rad.", read_only=True)
    joint_upper: tuple[float, ...] = setting(PANDA_LIMITS.upper_rad, "Largest joint positions, rad.", read_only=True)
    joint_velocity: tuple[float, ...] = setting(
        PANDA_LIMITS.velocity, "Largest joint speeds, rad/s.", low=1e-3, high=100.0, read_only=True
    )
    joint_acceleration: tuple[float, ...] = setting(
        PANDA_LIMITS.acceleration, "Largest joint accelerations, rad/s^2.", low=1e-3, high=1e4, read_only=True
    )
    joint_jerk: tuple[float, ...] = setting(
        PANDA_LIMITS.jerk, "Largest joint jerks, rad/s^3.", low=1e-3, high=1e6, read_only=True
    )

    def __post_init__(self) -> None:
        check_settings(self)
        self._check_names()
        self._check_lengths()
        self._check_postures()
        if self.gripper_open_position == self.gripper_closed_position:
            raise InputError(
                "parameter gripper_open_position",
                expected="another number than gripper_closed_position",
                got=f"{self.gripper_open_position} for both",
            )

    @property
    def T_tip_grasp(self) -> FloatArray:
        """(4, 4) pose of the grasp frame in the tip frame."""
        return transform(Rotation.from_euler("xyz", self.tcp_rpy_rad), self.tcp_xyz_m)

    def gripper_command_position(self, width_m: float) -> float:
        """`GripperCommand.position` for an opening, brought within 0 and the gripper's largest."""
        share = min(max(float(width_m) / self.gripper_max_width_m, 0.0), 1.0)
        return self.gripper_closed_position + share * (self.gripper_open_position - self.gripper_closed_position)

    def gripper_width_m(self, position: float) -> float:
        """Opening, m, for a position of the gripper or of a finger joint; not cut off at the gripper's limits."""
        span = self.gripper_open_position - self.gripper_closed_position
        return (float(position) - self.gripper_closed_position) / span * self.gripper_max_width_m

    def _check_names(self) -> None:
        for field in ("joint_names", "finger_joint_names"):
            names: tuple[str, ...] = getattr(self, field)
            twice = [name for name, times in Counter(names).items() if times > 1 or not name]
            if not names or twice:
                raise InputError(f"parameter {field}", expected="a name a joint, each once", got=f"{list(names)}")
        for field in ("base_frame", "world_frame", "tip_frame"):
            name: str = getattr(self, field)
            if not name or name.startswith("/"):
                raise InputError(f"parameter {field}", expected="a TF frame without a leading slash", got=repr(name))

    def _check_lengths(self) -> None:
        joints = len(self.joint_names)
        wrong = {field: len(getattr(self, field)) for field in _PER_JOINT if len(getattr(self, field)) != joints}
        if wrong:
            raise InputError(
                f"parameter {next(iter(wrong))}",
                expected=f"{joints} numbers, one for each of joint_names",
                got=f"{wrong}",
                remedy="use one of the robots' parameter files whole",
            )

    def _check_postures(self) -> None:
        lower, upper = np.array(self.joint_lower), np.array(self.joint_upper)
        if not np.all(lower < upper):
            raise InputError(
                "parameter joint_lower",
                expected="each below joint_upper",
                got=f"{self.joint_lower}, {self.joint_upper}",
            )
        for field in ("home_q", "drop_q"):
            q = np.array(getattr(self, field))
            outside = np.flatnonzero((q < lower - _LIMIT_SLACK_RAD) | (q > upper + _LIMIT_SLACK_RAD))
            if len(outside):
                first = int(outside[0])
                raise InputError(
                    f"parameter {field}",
                    expected=f"{self.joint_names[first]} within {lower[first]:g} to {upper[first]:g} rad",
                    got=f"{q[first]:g}",
                )
