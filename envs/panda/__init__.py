"""The Franka Panda: kinematics, limits, gripper, trajectories, collision checks."""

from envs.panda.arm import PandaArm
from envs.panda.execution import FollowResult, follow
from envs.panda.gripper import Hold, PandaGripper
from envs.panda.ik import IKConfig, IKResult, posture_cost, solve_grasp_ik, solve_ik
from envs.panda.kinematics import HOME_Q, grasp_pose, pose_and_jacobian
from envs.panda.limits import PANDA_CARTESIAN_LIMITS, PANDA_LIMITS, CartesianLimits, JointLimits
from envs.panda.path_collision import CollisionResult, PathCollision
from envs.panda.planner import MotionPlan, plan_motion
from envs.panda.straight_line import LineResult, straight_line
from envs.panda.trajectory import JointTrajectory, joint_motion
from envs.panda.waypoints import waypoint_motion

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
