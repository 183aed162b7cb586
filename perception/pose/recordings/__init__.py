"""Recorded keypoints as sources of pose frames, and a file of the project's own to keep them in."""

from perception.pose.recordings.arm_table import read_arm_table
from perception.pose.recordings.asf_amc import read_amc, read_amc_angles
from perception.pose.recordings.bvh import read_bvh
from perception.pose.recordings.deeplabcut import read_deeplabcut
from perception.pose.recordings.handover_folder import is_handover_folder, read_grip_forces_n, read_handover
from perception.pose.recordings.keypoint_file import read_keypoint_file
from perception.pose.recordings.openpose import OPENPOSE18, read_openpose
from perception.pose.recordings.read_recording import read_recording
from perception.pose.recordings.recording import Recording, recording_of_arrays
from perception.pose.recordings.save_recording import save_recording

__all__ = [
    "OPENPOSE18",
    "Recording",
    "is_handover_folder",
    "read_amc",
    "read_amc_angles",
    "read_arm_table",
    "read_bvh",
    "read_deeplabcut",
    "read_grip_forces_n",
    "read_handover",
    "read_keypoint_file",
    "read_openpose",
    "read_recording",
    "recording_of_arrays",
    "save_recording",
]
