"""The Franka Panda: kinematics, limits, gripper, trajectories, collision checks."""

from envs.panda.arm import PandaArm
from envs.panda.gripper import Hold, PandaGripper
from envs.panda.ik import IKConfig, IKResult, posture_cost, solve_grasp_ik, solve_ik
from envs.panda.kinematics import HOME_Q, grasp_pose, pose_and_jacobian
from envs.panda.limits import PANDA_CARTESIAN_LIMITS, PANDA_LIMITS, CartesianLimits, JointLimits

__all__ = [
    "HOME_Q",
    "PANDA_CARTESIAN_LIMITS",
    "PANDA_LIMITS",
    "CartesianLimits",
    "Hold",
    "IKConfig",
    "IKResult",
    "JointLimits",
    "PandaArm",
    "PandaGripper",
    "grasp_pose",
    "pose_and_jacobian",
    "posture_cost",
    "solve_grasp_ik",
    "solve_ik",
]
