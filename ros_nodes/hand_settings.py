"""The hand's shape, for the nodes that look for room around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geometry import PANDA_HAND, GripperSpec
from ros_nodes.robot_settings import RobotSettings
from ros_nodes.setting import setting


@dataclass(frozen=True, kw_only=True)
class HandSettings(RobotSettings):
    """A robot with its hand measured; the defaults are the Panda's."""

    finger_depth_m: float = setting(
        PANDA_HAND.finger_depth_m, "From the palm to the fingertips, m.", low=0.001, high=1.0, read_only=True
    )
    finger_thickness_m: float = setting(
        PANDA_HAND.finger_thickness_m, "Extent of a finger outwards from its inner face, m.", low=0.001, high=1.0,
        read_only=True,
    )  # fmt: skip
    finger_breadth_m: float = setting(
        PANDA_HAND.finger_breadth_m, "Extent of a finger across the closing direction, m.", low=0.001, high=1.0,
        read_only=True,
    )  # fmt: skip
    palm_size_m: tuple[float, float, float] = setting(
        (PANDA_HAND.palm_breadth_m, PANDA_HAND.palm_length_m, PANDA_HAND.palm_thickness_m),
        "The palm's box along x, y (closing) and z (approach) of the grasp frame, m.", low=0.001, high=1.0,
        read_only=True,
    )  # fmt: skip

    @property
    def gripper(self) -> GripperSpec:
        """The hand's shape; the Panda's own where nothing else is said."""
        x, y, z = self.palm_size_m
        said = {
            "max_width_m": self.gripper_max_width_m,
            "finger_depth_m": self.finger_depth_m,
            "finger_thickness_m": self.finger_thickness_m,
            "finger_breadth_m": self.finger_breadth_m,
            "palm_breadth_m": x,
            "palm_length_m": y,
            "palm_thickness_m": z,
        }
        if all(getattr(PANDA_HAND, name) == value for name, value in said.items()):
            return PANDA_HAND
        tip_depth_m = min(PANDA_HAND.tip_depth_m, 0.5 * self.finger_depth_m)
        return GripperSpec(
            name=self.tip_frame,
            **said,
            tip_thickness_m=self.finger_thickness_m,
            tip_depth_m=tip_depth_m,
            hand_to_tip_m=max(float(np.linalg.norm(self.tcp_xyz_m)), self.finger_depth_m),
        )
