"""Serial arms with parallel grippers: kinematics, limits, trajectories, collision checks; the Panda is built in."""

from envs.arms.capsules import LinkCapsule, capsules_along, capsules_of_rows
from envs.arms.ik import IKConfig, IKResult, posture_cost, solve_grasp_ik, solve_ik
from envs.arms.limits import CartesianLimits, JointLimits
from envs.arms.model import ArmModel
from envs.arms.panda import HOME_Q, PANDA, PANDA_CARTESIAN_LIMITS, PANDA_LIMITS
from envs.arms.path_collision import CollisionResult, PathCollision
from envs.arms.planner import MotionPlan, plan_motion
from envs.arms.straight_line import LineResult, straight_line
from envs.arms.trajectory import JointTrajectory, joint_motion
from envs.arms.urdf import arm_from_urdf
from envs.arms.waypoints import waypoint_motion

__all__ = [
    "HOME_Q",
    "PANDA",
    "PANDA_CARTESIAN_LIMITS",
    "PANDA_LIMITS",
    "ArmModel",
    "CartesianLimits",
    "CollisionResult",
    "IKConfig",
    "IKResult",
    "JointLimits",
    "JointTrajectory",
    "LineResult",
    "LinkCapsule",
    "MotionPlan",
    "PathCollision",
    "arm_from_urdf",
    "capsules_along",
    "capsules_of_rows",
    "joint_motion",
    "plan_motion",
    "posture_cost",
    "solve_grasp_ik",
    "solve_ik",
    "straight_line",
    "waypoint_motion",
]
