"""The Franka Panda in the simulated world: arm, gripper, driving along a trajectory; and how to plan for it.

Planning is `envs.arms`'s, for which the Panda is the default; its names are offered here too.
"""

from envs.arms import (
    HOME_Q,
    PANDA,
    PANDA_CARTESIAN_LIMITS,
    PANDA_LIMITS,
    CartesianLimits,
    CollisionResult,
    IKConfig,
    IKResult,
    JointLimits,
    JointTrajectory,
    LineResult,
    MotionPlan,
    PathCollision,
    joint_motion,
    plan_motion,
    posture_cost,
    solve_grasp_ik,
    solve_ik,
    straight_line,
    waypoint_motion,
)
from envs.panda.arm import PandaArm
from envs.panda.execution import FollowResult, follow
from envs.panda.gripper import Hold, PandaGripper

grasp_pose = PANDA.grasp_pose
pose_and_jacobian = PANDA.pose_and_jacobian

__all__ = [
    "HOME_Q",
    "PANDA_CARTESIAN_LIMITS",
    "PANDA_LIMITS",
    "CartesianLimits",
    "CollisionResult",
    "FollowResult",
    "Hold",
    "IKConfig",
    "IKResult",
    "JointLimits",
    "JointTrajectory",
    "LineResult",
    "MotionPlan",
    "PandaArm",
    "PandaGripper",
    "PathCollision",
    "follow",
    "grasp_pose",
    "joint_motion",
    "plan_motion",
    "pose_and_jacobian",
    "posture_cost",
    "solve_grasp_ik",
    "solve_ik",
    "straight_line",
    "waypoint_motion",
]
