"""A simulated person: pybullet_data's humanoid and its recorded motions, as plain arrays."""

from envs.humanoid.body import JOINTS, KEYPOINTS, HumanoidBody, humanoid_body
from envs.humanoid.clip import CLIP_NAMES, MotionClip, read_clip
from envs.humanoid.motion import BodyMotion

__all__ = [
    "CLIP_NAMES",
    "JOINTS",
    "KEYPOINTS",
    "BodyMotion",
    "HumanoidBody",
    "MotionClip",
    "humanoid_body",
    "read_clip",
]
