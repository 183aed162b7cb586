"""The Franka Emika Panda: its kinematics, and what the real one can do.

Joint origins are those of Franka's URDF (and of pybullet_data's copy). Limits: Franka Control Interface
documentation, "Robot and interface specifications", section "Limits for Panda",
https://frankaemika.github.io/docs/control_parameters.html (the newer Franka Research 3 has other limits),
and the Franka Hand's data sheet.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pybullet_data
from scipy.spatial.transform import Rotation

from envs.arms.limits import CartesianLimits, JointLimits
from envs.arms.model import ArmModel
from geometry import PANDA_HAND, FloatArray, transform

PANDA_URDF = Path(pybullet_data.getDataPath()) / "franka_panda" / "panda.urdf"
"""The arm's description; its links have their joints' numbers."""
ARM_JOINTS = tuple(range(7))
HAND_LINK = 8
FINGER_JOINTS = (9, 10)

HOME_Q: FloatArray = np.array([0.0, -np.pi / 4, 0.0, -3 * np.pi / 4, 0.0, np.pi / 2, np.pi / 4])
"""Franka's "ready" posture, rad: hand pointing down 0.3 m in front of the base."""

PANDA_LIMITS = JointLimits(
    lower_rad=(-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973),
    upper_rad=(2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973),
    velocity=(2.1750, 2.1750, 2.1750, 2.1750, 2.6100, 2.6100, 2.6100),
    acceleration=(15.0, 7.5, 10.0, 12.5, 15.0, 20.0, 20.0),
    jerk=(7500.0, 3750.0, 5000.0, 6250.0, 7500.0, 10000.0, 10000.0),
    torque_nm=(87.0, 87.0, 87.0, 87.0, 12.0, 12.0, 12.0),
)
"""The Panda's published joint limits."""

PANDA_CARTESIAN_LIMITS = CartesianLimits()
"""The Panda's published end-effector limits."""

_HALF_TURN = np.pi / 2
_ORIGINS = np.stack(
    [
        transform(Rotation.from_euler("x", roll_rad), xyz_m)
        for roll_rad, xyz_m in (
            (0.0, (0.0, 0.0, 0.333)),
            (-_HALF_TURN, (0.0, 0.0, 0.0)),
            (_HALF_TURN, (0.0, -0.316, 0.0)),
            (_HALF_TURN, (0.0825, 0.0, 0.0)),
            (-_HALF_TURN, (-0.0825, 0.384, 0.0)),
            (_HALF_TURN, (0.0, 0.0, 0.0)),
            (_HALF_TURN, (0.088, 0.0, 0.0)),
        )
    ]
)
_T_LINK7_GRASP = (
    transform(translation=(0.0, 0.0, 0.107)) @ transform(Rotation.from_euler("z", -np.pi / 4)) @ PANDA_HAND.T_hand_grasp
)

PANDA = ArmModel(
    name="panda",
    joint_names=tuple(f"panda_joint{number}" for number in range(1, 8)),
    origins=_ORIGINS,
    T_last_grasp=_T_LINK7_GRASP,
    limits=PANDA_LIMITS,
    home_q=HOME_Q,
    hand=PANDA_CARTESIAN_LIMITS,
)
"""The arm with its hand."""
