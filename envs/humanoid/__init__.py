"""A simulated person: pybullet_data's humanoid and its recorded motions, as plain arrays."""

from envs.humanoid.body import JOINTS, KEYPOINTS, HumanoidBody, humanoid_body
from envs.humanoid.clip import CLIP_NAMES, MotionClip, read_clip
from envs.humanoid.crowds import Crowd, crowd
from envs.humanoid.detector import Detections, DetectorErrors, KeypointDetector
from envs.humanoid.filming import FilmFrame, film
from envs.humanoid.motion import BodyMotion
from envs.humanoid.noise import noisy_keypoints
from envs.humanoid.performance import Act, Performance, perform, random_acts
from envs.humanoid.sight import View, see_people
from envs.humanoid.walkers import Walking, walkers_m

__all__ = [
    "CLIP_NAMES",
    "JOINTS",
    "KEYPOINTS",
    "Act",
    "BodyMotion",
    "Crowd",
    "Detections",
    "DetectorErrors",
    "FilmFrame",
    "HumanoidBody",
    "KeypointDetector",
    "MotionClip",
    "Performance",
    "View",
    "Walking",
    "crowd",
    "film",
    "humanoid_body",
    "noisy_keypoints",
    "perform",
    "random_acts",
    "read_clip",
    "see_people",
    "walkers_m",
]
