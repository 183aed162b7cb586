"""Where a chessboard or a ChArUco board is, from one image, by OpenCV."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from geometry import FloatArray, InputError, PinholeCamera, transform

KINDS = ("chessboard", "charuco")
_LEAST_CORNERS = 6
_LARGEST_RMS_PX = 2.0


@dataclass(frozen=True, kw_only=True)
class Board:
    """A printed board."""

    kind: str
    """`chessboard` or `charuco`."""
    columns: int
    """Squares along x; a chessboard's inner corners are one fewer."""
    rows: int
    """Squares along y."""
    square_m: float
    """Side of a square, m; measure it, printers scale."""
    marker_m: float = 0.0
    """Side of a ChArUco board's markers, m."""
    dictionary: str = "DICT_5X5_100"
    """OpenCV's name of the markers' dictionary."""
    legacy_pattern: bool = False
    """Whether a ChArUco board of even rows was printed by OpenCV older than 4.6."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS or min(self.columns, self.rows) < 3 or not self.square_m > 0.0:
            expected = f"kind {' or '.join(KINDS)}, 3 or more columns and rows of squares, square_m above 0"
            raise InputError("board", expected=expected, got=f"{self}")
        if self.kind == "charuco" and not 0.0 < self.marker_m < self.square_m:
            raise InputError("board", expected="marker_m between 0 and square_m", got=f"{self.marker_m}")
        if self.kind == "chessboard" and (self.columns + self.rows) % 2 == 0:
            remedy = "use one with an odd number of squares along one side and an even number along the other"
            got = f"{self.columns} x {self.rows} squares, which look the same upside down"
            raise InputError("board", expected="a chessboard with one way up", got=got, remedy=remedy)


class BoardView(NamedTuple):
    """What an image shows of a board."""

    T_camera_board: FloatArray | None
    """(4, 4) pose of the board's corner, or None where it was not found."""
    corners: int
    """How many of its corners were used."""
    rms_px: float
    """Root mean square distance of the corners from where the pose puts them."""
    problem: str
    """Why there is no pose; empty otherwise."""


def find_board(
    cv2: Any, gray: NDArray[np.uint8], board: Board, camera: PinholeCamera, distortion: ArrayLike = ()
) -> BoardView:
    """Find the board in an image.

    Args:
        cv2: OpenCV, see `solvers.opencv`.
        gray: (H, W) brightness.
        board: what to look for.
        camera: intrinsics of the image.
        distortion: OpenCV's coefficients (4, 5, 8 or more); empty for a rectified image.
    Raises:
        InputError: if the image has another size than the camera, or the dictionary is unknown.
    """
    if gray.shape != (camera.height, camera.width):
        expected = f"an image of {camera.width} x {camera.height} pixels, as the intrinsics say"
        raise InputError("find_board", expected=expected, got=f"{gray.shape[1]} x {gray.shape[0]}")
    find = _charuco_corners if board.kind == "charuco" else _chessboard_corners
    places, pixels = find(cv2, gray, board)
    if len(places) < _LEAST_CORNERS:
        return BoardView(
            None, len(places), np.nan, f"{len(places)} corners of the board found, {_LEAST_CORNERS} needed"
        )
    coefficients = np.asarray(distortion, dtype=np.float64).ravel()
    coefficients = coefficients if len(coefficients) else np.zeros(5)
    solved, turns, shifts, _ = cv2.solvePnPGeneric(places, pixels, camera.K, coefficients, flags=cv2.SOLVEPNP_IPPE)
    if not solved:
        return BoardView(None, len(places), np.nan, "the corners lie on a line")
    turn, shift = cv2.solvePnPRefineLM(places, pixels, camera.K, coefficients, turns[0], shifts[0])
    back, _ = cv2.projectPoints(places, turn, shift, camera.K, coefficients)
    rms = float(np.sqrt(np.mean(np.sum((back.reshape(-1, 2) - pixels) ** 2, axis=1))))
    if not rms < _LARGEST_RMS_PX or shift[2, 0] <= 0.0:
        return BoardView(None, len(places), rms, f"the corners are {rms:.1f} pixels from any board's")
    return BoardView(transform(Rotation.from_rotvec(turn.ravel()), shift.ravel()), len(places), rms, "")


def _charuco_corners(cv2: Any, gray: NDArray[np.uint8], board: Board) -> tuple[FloatArray, FloatArray]:
    """Places on the board (n, 3) and in the image (n, 2) of the corners that were found."""
    number = getattr(cv2.aruco, board.dictionary, None)
    if not board.dictionary.startswith("DICT_") or number is None:
        raise InputError("board", expected="a dictionary such as DICT_5X5_100", got=repr(board.dictionary))
    pattern = cv2.aruco.CharucoBoard(
        (board.columns, board.rows), board.square_m, board.marker_m, cv2.aruco.getPredefinedDictionary(number)
    )
    pattern.setLegacyPattern(board.legacy_pattern)
    corners, ids, _, _ = cv2.aruco.CharucoDetector(pattern).detectBoard(gray)
    if ids is None or len(ids) == 0:
        return np.zeros((0, 3)), np.zeros((0, 2))
    places, pixels = pattern.matchImagePoints(corners, ids)
    return places.reshape(-1, 3).astype(np.float64), pixels.reshape(-1, 2).astype(np.float64)


def _chessboard_corners(cv2: Any, gray: NDArray[np.uint8], board: Board) -> tuple[FloatArray, FloatArray]:
    """The same; the first corner is the one beside the board's dark corner square, of the two that there are."""
    size = (board.columns - 1, board.rows - 1)
    found, corners = cv2.findChessboardCornersSB(gray, size, flags=cv2.CALIB_CB_ACCURACY | cv2.CALIB_CB_EXHAUSTIVE)
    if not found:
        return np.zeros((0, 3)), np.zeros((0, 2))
    grid = corners.reshape(size[1], size[0], 2).astype(np.float64)
    if _brightness(gray, grid) > _brightness(gray, grid[::-1, ::-1]):
        grid = grid[::-1, ::-1]
    columns, rows = np.meshgrid(np.arange(1, size[0] + 1), np.arange(1, size[1] + 1))
    places = board.square_m * np.stack([columns, rows, np.zeros_like(rows)], axis=-1, dtype=np.float64).reshape(-1, 3)
    return places, np.ascontiguousarray(grid.reshape(-1, 2))


def _brightness(gray: NDArray[np.uint8], grid: FloatArray) -> float:
    """Of the square outside the grid's first corner."""
    middle = grid[0, 0] - 0.5 * (grid[1, 1] - grid[0, 0])
    column, row = np.clip(np.rint(middle).astype(int), 0, [gray.shape[1] - 1, gray.shape[0] - 1])
    return float(gray[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2].mean())
