"""Keypoint layouts and the ways between them."""

from perception.pose.skeletons.conversion import convert, hand_of_wholebody
from perception.pose.skeletons.layouts import (
    BODY18,
    COCO17,
    HAND21,
    KINECT20,
    KINECT25,
    MEDIAPIPE33,
    OPENPOSE25,
    SKELETONS,
    WHOLEBODY133,
)
from perception.pose.skeletons.skeleton import Skeleton

__all__ = [
    "BODY18",
    "COCO17",
    "HAND21",
    "KINECT20",
    "KINECT25",
    "MEDIAPIPE33",
    "OPENPOSE25",
    "SKELETONS",
    "WHOLEBODY133",
    "Skeleton",
    "convert",
    "hand_of_wholebody",
]
