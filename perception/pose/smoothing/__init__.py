"""Smooth keypoints: online with the one-euro filter, offline with a Rauch-Tung-Striebel smoother."""

from perception.pose.smoothing.one_euro import OneEuro, OneEuroSettings
from perception.pose.smoothing.pose_smoother import PoseSmoother
from perception.pose.smoothing.rts import RtsSettings, rts_smooth
from perception.pose.smoothing.smooth_track import body_size, smooth_track

__all__ = [
    "OneEuro",
    "OneEuroSettings",
    "PoseSmoother",
    "RtsSettings",
    "body_size",
    "rts_smooth",
    "smooth_track",
]
