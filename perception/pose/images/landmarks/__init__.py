"""MediaPipe's landmarks of bodies and hands, and the model files that they need."""

from perception.pose.images.landmarks.landmark_models import LandmarkModels, find_landmark_models, landmark_folder
from perception.pose.images.landmarks.mediapipe_pose import MediaPipePose
from perception.pose.images.landmarks.model_packing import SOURCE_VERSION, pack_landmark_models

__all__ = [
    "SOURCE_VERSION",
    "LandmarkModels",
    "MediaPipePose",
    "find_landmark_models",
    "landmark_folder",
    "pack_landmark_models",
]
