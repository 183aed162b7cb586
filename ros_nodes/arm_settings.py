"""The arm that motions are planned for, as its settings describe it: the built-in Panda, or one from a URDF."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from envs.arms import PANDA, ArmModel, JointLimits, arm_from_urdf, capsules_of_rows
from geometry import PANDA_HAND, InputError
from ros_nodes.hand_settings import HandSettings
from ros_nodes.setting import setting

_ROW = 8
_TORQUE_NM = 1.0


@dataclass(frozen=True, kw_only=True)
class ArmSettings(HandSettings):
    """A robot that is commanded: where its controllers are, how its joints are placed, what its links fill."""

    controller_action: str = setting(
        "/panda_arm_controller/follow_joint_trajectory", "The arm's FollowJointTrajectory action.", read_only=True
    )
    controller_topic: str = setting(
        "/panda_arm_controller/joint_trajectory", "The topic on which the same controller takes trajectories.",
        read_only=True,
    )  # fmt: skip
    gripper_action: str = setting(
        "/panda_gripper/gripper_action", "The gripper's GripperCommand action.", read_only=True
    )
    kinematics: str = setting(
        "panda",
        "Where the joints are: the built-in Panda, or the URDF on robot_description between base_frame and tip_frame.",
        choices=("panda", "urdf"),
        read_only=True,
    )
    link_radius_m: float = setting(
        0.07,
        "How thick links are taken to be, along the lines between the joints, m.",
        low=0.005,
        high=0.5,
        read_only=True,
    )
    link_capsules: tuple[float, ...] = setting(
        (),
        "Where the links are, if not along these lines: 8 numbers a capsule, namely the joint's number from 0, "
        "start x y z and end x y z in that joint's frame, radius, m.",
        read_only=True,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.link_capsules) % _ROW:
            raise InputError("parameter link_capsules", expected="8 numbers each", got=f"{len(self.link_capsules)}")

    @property
    def limits(self) -> JointLimits:
        """Of the joints."""
        return JointLimits(
            lower_rad=self.joint_lower,
            upper_rad=self.joint_upper,
            velocity=self.joint_velocity,
            acceleration=self.joint_acceleration,
            jerk=self.joint_jerk,
            torque_nm=PANDA.limits.torque_nm if self.kinematics == "panda" else (_TORQUE_NM,) * len(self.joint_names),
        )


def arm_of(settings: ArmSettings, urdf: str | None = None) -> ArmModel:
    """The arm that the settings describe.

    Args:
        settings: of the robot.
        urdf: the text of `robot_description`; needed where `kinematics` is "urdf".
    Raises:
        InputError: if the URDF is missing, or its joints are not those of the settings.
    """
    if settings.kinematics == "panda":
        if len(settings.joint_names) != PANDA.joints:
            got = f"{len(settings.joint_names)} joint_names"
            raise InputError("parameter kinematics", expected="a Panda's 7 joints", got=got, remedy="set it to urdf")
        T_last_grasp = PANDA.T_last_grasp @ np.linalg.inv(PANDA_HAND.T_hand_grasp) @ settings.T_tip_grasp
        same = np.allclose(T_last_grasp, PANDA.T_last_grasp, atol=1e-9)
        return replace(
            PANDA,
            joint_names=settings.joint_names,
            T_last_grasp=PANDA.T_last_grasp if same else T_last_grasp,
            limits=settings.limits,
            home_q=np.array(settings.home_q),
            gripper=settings.gripper,
        )
    if not urdf:
        remedy = "start robot_state_publisher, or the robot's driver"
        raise InputError("robot_description", expected="the robot's URDF", got="nothing yet", remedy=remedy)
    arm = arm_from_urdf(
        urdf,
        base_link=settings.base_frame,
        tip_link=settings.tip_frame,
        T_tip_grasp=settings.T_tip_grasp,
        home_q=settings.home_q,
        acceleration=settings.joint_acceleration,
        jerk=settings.joint_jerk,
        gripper=settings.gripper,
        link_capsules=capsules_of_rows(np.reshape(settings.link_capsules, (-1, _ROW))),
        link_radius_m=settings.link_radius_m,
    )
    if arm.joint_names != settings.joint_names:
        got = f"{list(arm.joint_names)} between {settings.base_frame} and {settings.tip_frame}"
        raise InputError("robot_description", expected=f"joints {list(settings.joint_names)}", got=got)
    return replace(arm, limits=replace(settings.limits, torque_nm=arm.limits.torque_nm))
