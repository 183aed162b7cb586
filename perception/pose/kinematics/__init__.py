"""From keypoints to a body that moves: joint rotations by inverse kinematics, and how good a motion is."""

from perception.pose.kinematics.motion_metrics import jerk_rms, lag_s, rmse

__all__ = ["jerk_rms", "lag_s", "rmse"]
