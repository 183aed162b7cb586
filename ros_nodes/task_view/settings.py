"""The parameters of a node that sees a task as its environment does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from envs.manipulation import MAX_OPENING_M
from envs.manipulation.arm import T_WORLD_BASE
from geometry import PANDA_HAND, FloatArray, InputError, transform
from ros_nodes.robot_settings import RobotSettings
from ros_nodes.setting import setting
from ros_nodes.task_view.observation_builder import SOURCES

_BASE_M = (float(T_WORLD_BASE[0, 3]), float(T_WORLD_BASE[1, 3]), float(T_WORLD_BASE[2, 3]))
_PANDA_JOINTS = 7


@dataclass(frozen=True, kw_only=True)
class TaskFrameSettings(RobotSettings):
    """Where the world of a task's environment lies, and how things and numbers in it are called."""

    base_in_task_xyz_m: tuple[float, float, float] = setting(
        _BASE_M, "The robot's base in the world of the task's environment (table top at z = 0), m."
    )
    base_in_task_rpy_rad: tuple[float, float, float] = setting(
        (0.0, 0.0, 0.0), "Turn of the robot's base in the world of the task's environment: roll, pitch, yaw, rad."
    )
    task_frame: str = setting(
        "", "TF frame that is the world of the task's environment; empty takes base_in_task_xyz_m and _rpy_rad."
    )
    sources: tuple[str, ...] = setting(
        ("joint_states", "objects", "goal"),
        "What is told: joints, poses of things (Detection3DArray), the goal of one thing (PoseStamped) or of each.",
        choices=SOURCES,
    )
    object_ids: tuple[str, ...] = setting(
        (), "Ids of things in detections where they are not the task's names: cube=box_3 takes box_3 as the cube."
    )
    constants: tuple[str, ...] = setting(
        (), "Numbers of the observation that nothing tells and you vouch for: 'pillar touched=0'."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.things_by_id()
        self.vouched()

    @property
    def T_task_base(self) -> FloatArray:
        """(4, 4) the robot's base in the task's world, as the parameters say."""
        return transform(Rotation.from_euler("xyz", self.base_in_task_rpy_rad), self.base_in_task_xyz_m)

    def things_by_id(self) -> dict[str, str]:
        """The task's name of a thing, by its id in detections.

        Raises:
            InputError: for a text that is no pair.
        """
        return {identity: name for name, identity in _pairs("object_ids", self.object_ids).items()}

    def vouched(self) -> Mapping[str, float]:
        """The constants by name.

        Raises:
            InputError: for a text that is no name with a number.
        """
        try:
            told = {name: float(value) for name, value in _pairs("constants", self.constants).items()}
        except ValueError:
            raise InputError("parameter constants", expected="name=number", got=f"{list(self.constants)}") from None
        if not np.isfinite(list(told.values())).all():
            raise InputError("parameter constants", expected="finite numbers", got=f"{list(self.constants)}")
        return told

    def check_panda(self) -> None:
        """See that the robot is the one that policies are trained with.

        Raises:
            InputError: names what differs.
        """
        wrong = []
        if len(self.joint_names) != _PANDA_JOINTS:
            wrong.append(f"{len(self.joint_names)} joints")
        if not np.allclose(self.T_tip_grasp, PANDA_HAND.T_hand_grasp, atol=1e-3):
            wrong.append(f"a grasp frame at {self.tcp_xyz_m} m, {self.tcp_rpy_rad} rad")
        if abs(self.gripper_max_width_m - MAX_OPENING_M) > 1e-3:
            wrong.append(f"an opening of {self.gripper_max_width_m} m")
        if wrong:
            expected = (
                f"a Panda: 7 joints, grasp frame at (0, 0, {PANDA_HAND.hand_to_tip_m}) m, {MAX_OPENING_M:g} m wide"
            )
            remedy = "policies are trained with a Panda's kinematics"
            raise InputError("robot", expected=expected, got=", ".join(wrong), remedy=remedy)


def _pairs(name: str, texts: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    if bad := [text for text, (left, _, right) in zip(texts, pairs, strict=True) if not left or not right]:
        raise InputError(f"parameter {name}", expected="texts like name=value", got=f"{bad}")
    return {left.strip(): right.strip() for left, _, right in pairs}
