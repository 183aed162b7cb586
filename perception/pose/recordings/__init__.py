"""Recorded keypoints as sources of pose frames, and a file of the project's own to keep them in."""

from perception.pose.recordings.asf_amc import read_amc, read_amc_angles
from perception.pose.recordings.bvh import read_bvh
from perception.pose.recordings.deeplabcut import read_deeplabcut
from perception.pose.recordings.keypoint_file import read_keypoint_file
from perception.pose.recordings.openpose import OPENPOSE18, read_openpose
from perception.pose.recordings.read_recording import read_recording
from perception.pose.recordings.recording import Recording, recording_of_arrays
from perception.pose.recordings.save_recording import save_recording

__all__ = [
    "OPENPOSE18",
    "Recording",
    "read_amc",
    "read_amc_angles",
    "read_bvh",
    "read_deeplabcut",
    "read_keypoint_file",
    "read_openpose",
    "read_recording",
    "recording_of_arrays",
    "save_recording",
]
