"""The robot's settings: the Panda by default, other grippers by numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from envs.panda import HOME_Q, PANDA_LIMITS, grasp_pose
from geometry import PANDA_HAND, InputError
from ros_nodes.robot_settings import RobotSettings


def test_the_default_is_the_panda() -> None:
    panda = RobotSettings()
    assert panda.joint_names == ("panda_joint1", "panda_joint2", "panda_joint3", "panda_joint4", "panda_joint5",
                                 "panda_joint6", "panda_joint7")  # fmt: skip
    assert panda.joint_velocity == PANDA_LIMITS.velocity and panda.joint_lower == PANDA_LIMITS.lower_rad
    assert panda.home_q == tuple(HOME_Q) and len(panda.drop_q) == 7
    np.testing.assert_allclose(panda.T_tip_grasp, PANDA_HAND.T_hand_grasp)


def test_the_drop_posture_is_home_turned_to_the_left() -> None:
    panda = RobotSettings()
    x, y, z = grasp_pose(panda.home_q)[:3, 3]
    np.testing.assert_allclose(grasp_pose(panda.drop_q)[:3, 3], [-y, x, z], atol=1e-12)


def test_the_panda_takes_the_position_of_one_finger() -> None:
    panda = RobotSettings()
    assert [panda.gripper_command_position(w) for w in (0.08, 0.05, 0.0)] == pytest.approx([0.04, 0.025, 0.0])
    assert panda.gripper_command_position(0.2) == 0.04 and panda.gripper_command_position(-0.1) == 0.0
    assert panda.gripper_width_m(0.025) == pytest.approx(0.05)


def test_a_robotiq_takes_an_angle_that_grows_as_it_closes() -> None:
    robotiq = RobotSettings(gripper_max_width_m=0.14, gripper_open_position=0.0, gripper_closed_position=0.7)
    assert [robotiq.gripper_command_position(w) for w in (0.14, 0.07, 0.0)] == pytest.approx([0.0, 0.35, 0.7])
    assert robotiq.gripper_width_m(0.35) == pytest.approx(0.07) and robotiq.gripper_width_m(0.8) < 0.0


def test_the_tool_is_turned_as_urdf_says() -> None:
    """Roll a quarter turn: the grasp frame's +z is the tip's -y. Then yaw a quarter turn: that becomes +x."""
    rolled = RobotSettings(tcp_xyz_m=(0.1, 0.2, 0.3), tcp_rpy_rad=(np.pi / 2, 0.0, 0.0)).T_tip_grasp
    np.testing.assert_allclose(rolled[:3, 2], [0.0, -1.0, 0.0], atol=1e-15)
    assert rolled[:3, 3].tolist() == [0.1, 0.2, 0.3]
    turned = RobotSettings(tcp_rpy_rad=(np.pi / 2, 0.0, np.pi / 2)).T_tip_grasp
    np.testing.assert_allclose(turned[:3, 2], [1.0, 0.0, 0.0], atol=1e-15)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"joint_names": ("a", "b")}, "expected 2 numbers, one for each of joint_names, got {'home_q': 7"),
        ({"joint_names": ("a",) * 7}, "parameter joint_names: expected a name a joint, each once"),
        ({"finger_joint_names": ()}, "parameter finger_joint_names: expected a name a joint"),
        ({"home_q": (0.0,) * 6}, "parameter home_q: expected 7 numbers"),
        ({"home_q": (0.0,) * 7}, "parameter home_q: expected panda_joint4 within -3.0718 to -0.0698 rad, got 0"),
        ({"joint_lower": (3.0,) * 7}, "each below joint_upper"),
        ({"joint_velocity": (0.0,) * 7}, "joint_velocity"),
        ({"joint_jerk": (float("nan"),) * 7}, "joint_jerk"),
        ({"gripper_open_position": 0.0}, "another number than gripper_closed_position, got 0.0 for both"),
        ({"gripper_max_width_m": 0.0}, "gripper_max_width_m"),
        ({"tip_frame": "/hand"}, "parameter tip_frame: expected a TF frame without a leading slash, got '/hand'"),
        ({"world_frame": ""}, "parameter world_frame"),
        ({"tcp_xyz_m": (0.0, 0.0)}, "tcp_xyz_m"),
    ],
)
def test_what_is_no_robot(fields: dict, said: str) -> None:
    with pytest.raises(InputError) as caught:
        RobotSettings(**fields)
    assert said in str(caught.value) and "\n" not in str(caught.value)
