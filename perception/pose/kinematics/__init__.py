"""From keypoints to a body that moves: joint rotations by inverse kinematics, and how good a motion is."""

from perception.pose.kinematics.body_pose import BodyPose, forward_kinematics
from perception.pose.kinematics.body_shape import PARENTS, BodyShape
from perception.pose.kinematics.ik_errors import IkErrors, ik_errors
from perception.pose.kinematics.inverse_kinematics import CausalIk, solve_ik
from perception.pose.kinematics.limb_rotations import IkSettings
from perception.pose.kinematics.motion_metrics import jerk_rms, lag_s, rmse
from perception.pose.kinematics.track_kinematics import solve_track

__all__ = [
    "PARENTS",
    "BodyPose",
    "BodyShape",
    "CausalIk",
    "IkErrors",
    "IkSettings",
    "forward_kinematics",
    "ik_errors",
    "jerk_rms",
    "lag_s",
    "rmse",
    "solve_ik",
    "solve_track",
]
