"""Keypoints of people over time: where they come from, who is who, and clean 3D motion.

A room is imported by its own name where it brings much with it (`perception.pose.mediapipe`, ...).
"""

from perception.pose.person_track import PersonTrack, check_times, persons_in, track_of_person
from perception.pose.pose_frame import Hand, Person, PoseFrame, SeenObject
from perception.pose.skeletons import SKELETONS, Skeleton, convert
from perception.pose.source import KeypointSource

__all__ = [
    "SKELETONS",
    "Hand",
    "KeypointSource",
    "Person",
    "PersonTrack",
    "PoseFrame",
    "SeenObject",
    "Skeleton",
    "check_times",
    "convert",
    "persons_in",
    "track_of_person",
]
