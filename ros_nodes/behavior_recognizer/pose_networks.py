"""The network that finds people in images, as the parameters say."""

from __future__ import annotations

from pathlib import Path

from perception.pose import KeypointSource
from perception.pose.images.sources import ImageSource
from ros_nodes.behavior_recognizer.pushed_images import PoseNetwork
from ros_nodes.behavior_recognizer.settings import BehaviorRecognizerSettings


def pose_network(settings: BehaviorRecognizerSettings) -> PoseNetwork:
    """What makes the keypoint source: a local RTMPose or RTMW network, or MediaPipe."""
    if settings.pose_onnx:

        def by_onnx(images: ImageSource) -> KeypointSource:
            from perception.pose.images.simcc import SimccPose

            return SimccPose(images, Path(settings.pose_onnx).expanduser())

        return by_onnx

    def by_mediapipe(images: ImageSource) -> KeypointSource:
        from perception.pose.images.landmarks import MediaPipePose, find_landmark_models

        folder = Path(settings.models_folder).expanduser() if settings.models_folder else None
        return MediaPipePose(
            images,
            models=find_landmark_models(folder),
            max_persons=settings.max_persons,
            min_score=settings.min_score,
        )

    return by_mediapipe
