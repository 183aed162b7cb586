"""The turn that brings a rigid part of the body onto its keypoints."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray

_FLAT = 1e-3
"""Second singular value over the first below which points count as lying on one line."""


def fit_rotation(
    template: FloatArray, vectors: FloatArray, near: FloatArray | None = None
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """The rotations R that minimise sum |R a_i - v_i|^2, by singular values (Kabsch 1976; Umeyama 1991).

    With H = sum a_i v_i^T = U D V^T it is R = V diag(1, 1, det(V U^T)) U^T.

    Args:
        template: (..., n, 3) vectors a_i; (T, n, 3) or alike for all.
        vectors: (T, n, 3) vectors v_i, NaN where unseen.
        near: (T, 3, 3) what R shall be near as far as the vectors leave it open: a thousandth of their weight is
            given to |R - near|^2.

    Returns:
        R (T, 3, 3), and (T,) whether the vectors seen determine it: two that do not lie on one line.
    """
    seen = np.isfinite(vectors).all(axis=-1, keepdims=True)
    H = np.swapaxes(np.where(seen, template, 0.0), -1, -2) @ np.where(seen, vectors, 0.0)
    if near is not None:
        weight = np.maximum(np.linalg.norm(H, axis=(-1, -2)), 1e-6)
        H = H + 1e-3 * weight[:, None, None] * np.swapaxes(near, -1, -2)
    U, D, Vt = np.linalg.svd(H)
    V, Ut = np.swapaxes(Vt, -1, -2), np.swapaxes(U, -1, -2)
    V[..., 2] *= np.sign(np.linalg.det(V @ Ut))[..., None]
    known: NDArray[np.bool_] = np.asarray(D[..., 1] > _FLAT * np.maximum(D[..., 0], 1e-12))
    return V @ Ut, known


def fit_pose(
    template: FloatArray, points: FloatArray, near: FloatArray | None = None
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Rotation and shift that bring template points (n, 3) nearest to points (T, n, 3), NaN where unseen.

    `near` is as for `fit_rotation`.

    Returns:
        R (T, 3, 3), t (T, 3) with R a + t near the points, and (T,) whether they determine R.
    """
    seen = np.isfinite(points).all(axis=-1, keepdims=True)
    count = np.maximum(seen.sum(axis=-2), 1)
    middle = np.where(seen, points, 0.0).sum(axis=-2) / count
    rest = np.where(seen, template, 0.0).sum(axis=-2) / count
    R, known = fit_rotation(template - rest[:, None], points - middle[:, None], near)
    return R, middle - (R @ rest[..., None])[..., 0], known
