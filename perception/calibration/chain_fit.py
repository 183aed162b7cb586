"""Least squares of A X B = Y over both unknown poses and all samples."""

from __future__ import annotations

import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from geometry import FloatArray, invert, transform


def board_errors(A: FloatArray, B: FloatArray, X: FloatArray, Y: FloatArray) -> FloatArray:
    """(n, 6) displacement (m) and turn (rotation vector, rad) of the board by each sample, in the board's frame."""
    E = invert(Y) @ A @ X @ B
    return np.concatenate([E[:, :3, 3], Rotation.from_matrix(E[:, :3, :3]).as_rotvec()], axis=1)


def mean_pose(T: FloatArray) -> FloatArray:
    """(4, 4) mean of poses (n, 4, 4)."""
    return transform(Rotation.from_matrix(T[:, :3, :3]).mean(), T[:, :3, 3].mean(axis=0))


def fit_chain(
    A: FloatArray,
    B: FloatArray,
    X: FloatArray,
    Y: FloatArray,
    *,
    sigma_m: float,
    sigma_rad: float,
    robust: bool = False,
) -> tuple[FloatArray, FloatArray]:
    """X and Y that fit all samples best, beginning at the given ones.

    Args:
        A: (n, 4, 4), see `pose_samples`.
        B: (n, 4, 4).
        X: (4, 4) to begin with.
        Y: (4, 4) to begin with.
        sigma_m: noise of the board's place, m; only its ratio to `sigma_rad` matters unless `robust`.
        sigma_rad: noise of the board's turn, rad.
        robust: whether residuals beyond these count less than squared.
    """
    scale = np.repeat([sigma_m, sigma_rad], 3)

    def residuals(change: FloatArray) -> FloatArray:
        return np.ravel(board_errors(A, B, _moved(X, change[:6]), _moved(Y, change[6:])) / scale)

    found = least_squares(residuals, np.zeros(12), loss="soft_l1" if robust else "linear", x_scale="jac", xtol=1e-9)
    return _moved(X, found.x[:6]), _moved(Y, found.x[6:])


def _moved(T: FloatArray, change: FloatArray) -> FloatArray:
    turned = Rotation.from_matrix(T[:3, :3]) * Rotation.from_rotvec(change[3:])
    return transform(turned, T[:3, 3] + change[:3])
