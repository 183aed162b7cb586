"""OpenCV's closed-form solvers of A X B = Y."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from geometry import FloatArray, InputError, invert, transform
from perception.calibration.calibration import SolverScore
from perception.calibration.chain_fit import board_errors, mean_pose

HAND_EYE = ("tsai", "park", "horaud", "andreff", "daniilidis")
ROBOT_WORLD = ("shah", "li")
_NEEDED = ("calibrateHandEye", "calibrateRobotWorldHandEye")


def opencv() -> Any:
    """OpenCV with its hand-eye solvers.

    Raises:
        InputError: where it is missing, or its version has no such functions for Python (5.0 has not).
    """
    remedy = "pip install 'graspmimic[calibrate]', or pip install 'opencv-contrib-python>=4.10,<5'"
    try:
        import cv2
    except ImportError:
        raise InputError("calibrate", expected="OpenCV", got="none installed", remedy=remedy) from None
    if not all(hasattr(cv2, name) for name in _NEEDED):
        got = f"OpenCV {cv2.__version__} without {_NEEDED[0]}"
        raise InputError("calibrate", expected="OpenCV 4 with its hand-eye solvers", got=got, remedy=remedy)
    return cv2


def closed_form_solutions(A: FloatArray, B: FloatArray) -> tuple[SolverScore, ...]:
    """The camera's pose by each of OpenCV's seven methods, scored on all samples.

    Args:
        A: (n, 4, 4) chain from the board's frame of rest to the camera's parent; see `pose_samples`.
        B: (n, 4, 4) `T_camera_board`.
    """
    cv2 = opencv()
    A_inverse = invert(A)
    found = []
    for name in HAND_EYE:
        method = getattr(cv2, f"CALIB_HAND_EYE_{name.upper()}")
        found.append((name, _tried(cv2, lambda m=method: cv2.calibrateHandEye(*_split(A), *_split(B), method=m))))
    for name in ROBOT_WORLD:
        method = getattr(cv2, f"CALIB_ROBOT_WORLD_HAND_EYE_{name.upper()}")
        # It answers with the poses of base in world and of the parent in the camera; the second is X, inverted.
        X_inverse = _tried(
            cv2,
            lambda m=method: cv2.calibrateRobotWorldHandEye(*_split(B), *_split(A_inverse), method=m)[2:],
        )
        found.append((name, None if X_inverse is None else invert(X_inverse)))
    return tuple(_scored(name, X, A, B) for name, X in found)


def _tried(cv2: Any, solve: Any) -> FloatArray | None:
    try:
        R, t = solve()
    except cv2.error:
        return None
    if R is None or not (np.all(np.isfinite(R)) and np.all(np.isfinite(t))) or abs(np.linalg.det(R) - 1.0) > 0.1:
        return None
    return transform(Rotation.from_matrix(R), np.ravel(t))


def _split(T: FloatArray) -> tuple[list[FloatArray], list[FloatArray]]:
    return list(np.ascontiguousarray(T[:, :3, :3])), list(np.ascontiguousarray(T[:, :3, 3:]))


def _scored(name: str, X: FloatArray | None, A: FloatArray, B: FloatArray) -> SolverScore:
    if X is None:
        return SolverScore(name, None, float("nan"), float("nan"))
    errors = board_errors(A, B, X, mean_pose(A @ X @ B))
    mm, deg = (np.sqrt(np.mean(np.sum(part**2, axis=1))) for part in (1e3 * errors[:, :3], np.degrees(errors[:, 3:])))
    return SolverScore(name, X, float(mm), float(deg))
