"""A simulated person who shows tasks at the workbench. All keypoints are synthetic: of a model, not of a person."""

from envs.demonstrator.demonstrate import demonstrate, demonstrate_scene
from envs.demonstrator.demonstration import Demonstration, ShownGrasp, ShownSegment
from envs.demonstrator.hand_model import HAND_POINTS, HandModel
from envs.demonstrator.noise import CORRELATION, MeasuringErrors, noisy, wrong_poses
from envs.demonstrator.person import Person, draw_person
from envs.demonstrator.recording import DemonstrationRecording, RecordedPerson, exact
from envs.demonstrator.seated_body import BODY_POINTS, SeatedBody

__all__ = [
    "BODY_POINTS",
    "CORRELATION",
    "HAND_POINTS",
    "Demonstration",
    "DemonstrationRecording",
    "HandModel",
    "MeasuringErrors",
    "Person",
    "RecordedPerson",
    "SeatedBody",
    "ShownGrasp",
    "ShownSegment",
    "demonstrate",
    "demonstrate_scene",
    "draw_person",
    "exact",
    "noisy",
    "wrong_poses",
]
