"""Hand-eye calibration: where a camera is, on the gripper or beside the robot, from recorded poses."""

from perception.calibration.board import Board, BoardView, find_board
from perception.calibration.calibration import Calibration, SolverScore
from perception.calibration.calibration_figure import calibration_figure
from perception.calibration.calibration_file import save_calibration
from perception.calibration.hand_eye import calibrate_hand_eye
from perception.calibration.pose_samples import SETUPS, PoseSamples
from perception.calibration.sample_file import SampleFrames, read_samples
from perception.calibration.tip_fit import TipSamples, calibrate_from_tips
from perception.calibration.transform_text import launch_yaml, static_transform_command

__all__ = [
    "SETUPS",
    "Board",
    "BoardView",
    "Calibration",
    "PoseSamples",
    "SampleFrames",
    "SolverScore",
    "TipSamples",
    "calibrate_from_tips",
    "calibrate_hand_eye",
    "calibration_figure",
    "find_board",
    "launch_yaml",
    "read_samples",
    "save_calibration",
    "static_transform_command",
]
