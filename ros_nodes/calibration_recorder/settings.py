"""The recorder's parameters."""

from __future__ import annotations

from dataclasses import dataclass

from perception.calibration import SETUPS, Board
from ros_nodes.robot_settings import RobotSettings
from ros_nodes.setting import setting


@dataclass(frozen=True, kw_only=True)
class RecorderSettings(RobotSettings):
    """What is recorded, and where to."""

    folder: str = setting("calibration", "Folder for the images and samples.json; samples found there are kept.",
                          read_only=True)  # fmt: skip
    setup: str = setting(
        "eye-in-hand", "Camera on the gripper, or beside the robot with the board on the gripper.", choices=SETUPS,
        read_only=True,
    )  # fmt: skip
    board_kind: str = setting("charuco", "The printed board.", choices=("charuco", "chessboard"), read_only=True)
    board_columns: int = setting(7, "Squares along its x.", low=3, high=100, read_only=True)
    board_rows: int = setting(5, "Squares along its y.", low=3, high=100, read_only=True)
    board_square_m: float = setting(0.04, "Side of a square, m; measure the print.", low=1e-3, high=1.0, read_only=True)
    board_marker_m: float = setting(0.03, "Side of a ChArUco marker, m.", low=5e-4, high=1.0, read_only=True)
    board_dictionary: str = setting("DICT_5X5_100", "OpenCV's name of the markers' dictionary.", read_only=True)
    camera_root_frame: str = setting(
        "camera_link", "Root of the camera driver's own frames, which the calibration shall place; empty: the image's."
    )
    image_timeout_s: float = setting(3.0, "Longest wait for a new image, s of the wall clock.", low=0.1, high=60.0)
    still_s: float = setting(0.3, "How long before the image the gripper must have stood still, s.", low=0.0, high=10.0)
    still_mm: float = setting(0.5, "What counts as still, mm.", low=0.0, high=100.0)
    still_deg: float = setting(0.1, "What counts as still, degrees.", low=0.0, high=90.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.board

    @property
    def board(self) -> Board:
        """What is looked for in the images.

        Raises:
            InputError: where there is no such board.
        """
        return Board(
            kind=self.board_kind,
            columns=self.board_columns,
            rows=self.board_rows,
            square_m=self.board_square_m,
            marker_m=self.board_marker_m if self.board_kind == "charuco" else 0.0,
            dictionary=self.board_dictionary,
        )
