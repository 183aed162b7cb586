"""Hand-eye calibration from poses of the gripper and of a board that the camera sees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.calibration.calibration import Calibration, SolverScore
from perception.calibration.chain_fit import board_errors, fit_chain, mean_pose
from perception.calibration.conditioning import check_motions
from perception.calibration.outliers import doubts, find_outliers, robust_sigma
from perception.calibration.pose_samples import PoseSamples
from perception.calibration.solvers import closed_form_solutions
from perception.calibration.spread import leave_one_out_spread

_FIRST_SIGMA_M, _FIRST_SIGMA_RAD = 1e-3, np.radians(0.2)
_ROUNDS = 6
_LARGEST_SHARE = 1.0 / 3.0


def calibrate_hand_eye(samples: PoseSamples, *, keep_outliers: bool = False) -> Calibration:
    """Solve with OpenCV's methods, refine the best on all samples by least squares, leave out what does not belong.

    Noise of the board's place and turn is estimated from the residuals and weighs the two.

    Args:
        samples: of at least three standstills.
        keep_outliers: fit all samples, whatever their residuals.
    Raises:
        InputError: where the motions cannot tell the camera's pose, more than a third of the samples do not belong,
            or OpenCV lacks the solvers.
    """
    conditioning = check_motions(samples.T_base_gripper)
    A, B = samples.chain, samples.T_camera_board
    solvers = closed_form_solutions(A, B)
    X, Y = _begin(solvers, A, B)
    X, Y, is_outlier, sigmas = _refined(A, B, X, Y, keep_outliers)
    inliers = A[~is_outlier], B[~is_outlier]

    def fit(used: NDArray[np.bool_]) -> FloatArray:
        return fit_chain(inliers[0][used], inliers[1][used], X, Y, sigma_m=sigmas[0], sigma_rad=sigmas[1])[0]

    spread_mm, spread_deg = leave_one_out_spread(fit, X, len(inliers[0]))
    mm, deg = _lengths(A, B, X, Y)
    return Calibration(
        setup=samples.setup,
        parent=samples.parent,
        T_parent_camera=X,
        T_other_board=Y,
        names=samples.names,
        residual_mm=mm,
        residual_deg=deg,
        is_outlier=is_outlier,
        spread_mm=spread_mm,
        spread_deg=spread_deg,
        rotation_deg=conditioning.rotation_deg,
        solvers=solvers,
        advice=doubts(mm, is_outlier) + conditioning.advice,
        poses=samples.T_base_gripper,
    )


def _begin(solvers: tuple[SolverScore, ...], A: FloatArray, B: FloatArray) -> tuple[FloatArray, FloatArray]:
    solved = [each for each in solvers if each.T_parent_camera is not None]
    if not solved:
        raise InputError(
            "samples", expected="poses that a solver can work with", got="no solution by any of OpenCV's methods",
            remedy="check that both poses are those of the same standstill, in metres",
        )  # fmt: skip
    best = min(solved, key=lambda each: _median_score(each, A, B))
    assert best.T_parent_camera is not None
    return best.T_parent_camera, mean_pose(A @ best.T_parent_camera @ B)


def _median_score(solver: SolverScore, A: FloatArray, B: FloatArray) -> float:
    X = solver.T_parent_camera
    assert X is not None
    errors = board_errors(A, B, X, mean_pose(A @ X @ B))
    return float(np.median(np.sum((errors / np.repeat([_FIRST_SIGMA_M, _FIRST_SIGMA_RAD], 3)) ** 2, axis=1)))


def _refined(
    A: FloatArray, B: FloatArray, X: FloatArray, Y: FloatArray, keep_outliers: bool
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_], tuple[float, float]]:
    """Fit, estimate the noise, and leave samples out, until the same ones are left out again."""
    sigmas = (_FIRST_SIGMA_M, _FIRST_SIGMA_RAD)
    X, Y = fit_chain(A, B, X, Y, sigma_m=sigmas[0], sigma_rad=sigmas[1], robust=True)
    is_outlier = np.zeros(len(A), dtype=bool)
    for turn in range(_ROUNDS):
        mm, deg = _lengths(A, B, X, Y)
        now_out = np.zeros_like(is_outlier) if keep_outliers else find_outliers(mm, deg)
        if now_out.mean() > _LARGEST_SHARE:
            raise InputError(
                "samples", expected="samples that agree with each other",
                got=f"{int(now_out.sum())} of {len(A)} that do not belong",
                remedy="check the setup (eye-in-hand or eye-to-hand), the units, and that poses and images belong "
                "together",
            )  # fmt: skip
        used = ~now_out
        sigmas = 1e-3 * robust_sigma(mm, used), np.radians(robust_sigma(deg, used))
        X, Y = fit_chain(A[used], B[used], X, Y, sigma_m=sigmas[0], sigma_rad=sigmas[1])
        settled, is_outlier = np.array_equal(now_out, is_outlier), now_out
        if settled and turn > 1:
            break
    return X, Y, is_outlier, sigmas


def _lengths(A: FloatArray, B: FloatArray, X: FloatArray, Y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(n,) residuals in mm and degrees."""
    errors = board_errors(A, B, X, Y)
    return 1e3 * np.linalg.norm(errors[:, :3], axis=1), np.degrees(np.linalg.norm(errors[:, 3:], axis=1))
