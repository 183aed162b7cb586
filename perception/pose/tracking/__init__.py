"""Who is who over time, and how well that was told."""

from perception.pose.tracking.iou_tracker import IouTracker
from perception.pose.tracking.keypoint_filters import MotionModel
from perception.pose.tracking.reidentification import Reidentification
from perception.pose.tracking.score_tracker import score_frames, score_tracker
from perception.pose.tracking.stitching import StitchSettings, stitch
from perception.pose.tracking.tracker import Tracker, TrackerSettings
from perception.pose.tracking.tracking_metrics import TrackingScore, tracking_score

__all__ = [
    "IouTracker",
    "MotionModel",
    "Reidentification",
    "StitchSettings",
    "Tracker",
    "TrackerSettings",
    "TrackingScore",
    "score_frames",
    "score_tracker",
    "stitch",
    "tracking_score",
]
