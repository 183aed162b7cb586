"""Keypoints out of images: sources of images, MediaPipe, and local SimCC networks (RTMPose, RTMW)."""

from perception.pose.images.landmarks import LandmarkModels, MediaPipePose, find_landmark_models
from perception.pose.images.simcc import BoxDetector, SimccPose
from perception.pose.images.sources import (
    ImageFolder,
    ImageFrame,
    ImageSource,
    RGBDFolder,
    VideoFile,
    Webcam,
    open_images,
)

__all__ = [
    "BoxDetector",
    "ImageFolder",
    "ImageFrame",
    "ImageSource",
    "LandmarkModels",
    "MediaPipePose",
    "RGBDFolder",
    "SimccPose",
    "VideoFile",
    "Webcam",
    "find_landmark_models",
    "open_images",
]
